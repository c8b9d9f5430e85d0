import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ResultSet } from '../../engines/warehouse/index.ts';
import { inTransaction } from '../../transaction.ts';
import type { Results, StatementRecord } from './records.ts';

/** Statements and their results on disk. What is written is there after a crash of the process. */
export class StatementStore {
  readonly #db: DatabaseSync;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#db = new DatabaseSync(join(directory, 'statements.sqlite'));
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS statements (
        id TEXT PRIMARY KEY, token TEXT UNIQUE, created INTEGER NOT NULL, open INTEGER NOT NULL, record TEXT NOT NULL
      );
      CREATE INDEX IF NOT EXISTS by_time ON statements (created);
      CREATE TABLE IF NOT EXISTS results (
        id TEXT NOT NULL, number INTEGER NOT NULL, result TEXT NOT NULL, PRIMARY KEY (id, number)
      );
    `);
  }

  /** @param token makes a repeated call find this one */
  insert(record: StatementRecord, token: string | undefined): void {
    this.#db
      .prepare('INSERT INTO statements (id, token, created, open, record) VALUES (?, ?, ?, 1, ?)')
      .run(record.id, token ?? null, record.createdAt, JSON.stringify(record));
  }

  update(record: StatementRecord): void {
    this.#db.prepare('UPDATE statements SET record = ? WHERE id = ?').run(JSON.stringify(record), record.id);
  }

  /** Writes the end of a statement and its results, all or nothing. */
  finish(record: StatementRecord, results: Results): void {
    inTransaction(this.#db, () => {
      const insert = this.#db.prepare('INSERT OR REPLACE INTO results (id, number, result) VALUES (?, ?, ?)');
      for (const [index, result] of Object.entries(results)) {
        insert.run(record.id, Number(index) + 1, JSON.stringify(result));
      }
      this.#db
        .prepare('UPDATE statements SET record = ?, open = 0 WHERE id = ?')
        .run(JSON.stringify(record), record.id);
    });
  }

  get(id: string): StatementRecord | undefined {
    return this.#read(this.#db.prepare('SELECT record FROM statements WHERE id = ?').get(id));
  }

  byToken(token: string): StatementRecord | undefined {
    return this.#read(this.#db.prepare('SELECT record FROM statements WHERE token = ?').get(token));
  }

  /** @param number from 1 */
  result(id: string, number: number): ResultSet | undefined {
    const row = this.#db.prepare('SELECT result FROM results WHERE id = ? AND number = ?').get(id, number);
    return row && JSON.parse(String(row.result));
  }

  /** Newest first. */
  list(): StatementRecord[] {
    return this.#all('SELECT record FROM statements ORDER BY created DESC, id');
  }

  /** Statements that have not ended. */
  unfinished(): StatementRecord[] {
    return this.#all('SELECT record FROM statements WHERE open = 1');
  }

  /** Forgets what ended before an instant. */
  forget(before: number): void {
    this.#db
      .prepare('DELETE FROM results WHERE id IN (SELECT id FROM statements WHERE created < ? AND open = 0)')
      .run(before);
    this.#db.prepare('DELETE FROM statements WHERE created < ? AND open = 0').run(before);
  }

  close(): void {
    this.#db.close();
  }

  #all(sql: string): StatementRecord[] {
    return this.#db
      .prepare(sql)
      .all()
      .flatMap((row) => this.#read(row) ?? []);
  }

  /** Written by this class alone, so its shape is known. */
  #read(row: Record<string, unknown> | undefined): StatementRecord | undefined {
    return row && JSON.parse(String(row.record));
  }
}
