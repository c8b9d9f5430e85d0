import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { z } from 'zod';
import { object } from '../operation.ts';
import type { Shape } from '../service.ts';

const Row = z.object({
  key: z.string().transform((text) => object.parse(JSON.parse(text))),
  at: z.number(),
});

/** An item that was written, or deleted, and when last; milliseconds since the epoch. */
export interface ItemChange {
  readonly key: Shape;
  readonly at: number;
}

/**
 * When each item of a table with point-in-time recovery was written last: what incremental exports go by. Only the last
 * time is kept, so that a window which ended before an item changed again does not hold it; a later one does.
 */
export class ChangeLog {
  readonly #db: DatabaseSync;
  readonly #add: StatementSync;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#db = new DatabaseSync(join(directory, 'changes.sqlite'));
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS change (
        name TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (name, key)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS export (id TEXT PRIMARY KEY, token TEXT UNIQUE, body TEXT NOT NULL) STRICT;`);
    this.#add = this.#db.prepare(
      'INSERT INTO change VALUES (?, ?, ?) ON CONFLICT (name, key) DO UPDATE SET at = excluded.at',
    );
  }

  add(table: string, key: Shape, at: number): void {
    const sorted = Object.fromEntries(Object.entries(key).sort());
    this.#add.run(table, JSON.stringify(sorted), at);
  }

  /** What was written last from one moment until just before another. */
  between(table: string, from: number, to: number): ItemChange[] {
    return this.#db
      .prepare('SELECT key, at FROM change WHERE name = ? AND at >= ? AND at < ? ORDER BY at')
      .all(table, from, to)
      .map((row) => Row.parse(row));
  }

  forget(table: string): void {
    this.#db.prepare('DELETE FROM change WHERE name = ?').run(table);
  }

  saveExport(id: string, token: string, description: Shape): void {
    this.#db
      .prepare('INSERT INTO export VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body')
      .run(id, token, JSON.stringify(description));
  }

  /** Description of an export by its id, or by the token that it was asked for with. */
  export(idOrToken: string): Shape | undefined {
    const row = this.#db.prepare('SELECT body FROM export WHERE id = ?1 OR token = ?1').get(idOrToken);
    return row && object.parse(JSON.parse(String(row.body)));
  }

  close(): void {
    this.#db.close();
  }
}
