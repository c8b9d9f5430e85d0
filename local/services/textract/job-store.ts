import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../../transaction.ts';
import type { Caller, Shape } from '../service.ts';

export interface JobRequest {
  readonly document: {
    readonly Bucket: string;
    readonly Name: string;
    readonly Version?: string | undefined;
  };
  readonly jobTag?: string | undefined;
  readonly channel?: { readonly SNSTopicArn: string; readonly RoleArn: string } | undefined;
}

export type JobStatus = 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED';

export interface Job {
  readonly id: string;
  readonly request: JobRequest;
  readonly caller: Caller;
  readonly status: JobStatus;
  readonly message?: string;
  readonly pages: number;
}

/** Results are kept for seven days, as Textract keeps them. */
const RETENTION_MS = 7 * 24 * 3600 * 1000;

/** Asynchronous jobs and their results on disk, so that a job outlives the process that began it. */
export class JobStore {
  readonly #db: DatabaseSync;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#db = new DatabaseSync(join(directory, 'jobs.sqlite'));
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS job (
        id TEXT PRIMARY KEY, token TEXT UNIQUE, request TEXT NOT NULL, caller TEXT NOT NULL, status TEXT NOT NULL,
        message TEXT, pages INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, announced INTEGER NOT NULL DEFAULT 0
      );
      CREATE TABLE IF NOT EXISTS result (
        job TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, blocks TEXT NOT NULL, PRIMARY KEY (job, first)
      );
    `);
  }

  add(id: string, token: string | undefined, request: JobRequest, caller: Caller, now: number): void {
    this.#db
      .prepare('INSERT INTO job (id, token, request, caller, status, created) VALUES (?, ?, ?, ?, ?, ?)')
      .run(id, token ?? null, JSON.stringify(request), JSON.stringify(caller), 'IN_PROGRESS', now);
  }

  get(id: string): Job | undefined {
    const row = this.#db.prepare('SELECT * FROM job WHERE id = ?').get(id);
    return row && jobOf(row);
  }

  byToken(token: string): Job | undefined {
    const row = this.#db.prepare('SELECT * FROM job WHERE token = ?').get(token);
    return row && jobOf(row);
  }

  /** Jobs with work left, oldest first: not finished, or finished and not announced. */
  open(): Job[] {
    return this.#db
      .prepare("SELECT * FROM job WHERE status = 'IN_PROGRESS' OR announced = 0 ORDER BY created, rowid")
      .all()
      .map(jobOf);
  }

  unfinished(): number {
    return Number(this.#db.prepare("SELECT count(*) AS n FROM job WHERE status = 'IN_PROGRESS'").get()?.n);
  }

  /** @param pages the blocks of each page */
  succeed(id: string, pages: readonly (readonly Shape[])[]): void {
    inTransaction(this.#db, () => {
      this.#db.prepare('DELETE FROM result WHERE job = ?').run(id);
      const insert = this.#db.prepare('INSERT INTO result (job, first, last, blocks) VALUES (?, ?, ?, ?)');
      let first = 0;
      for (const blocks of pages) {
        insert.run(id, first, first + blocks.length - 1, JSON.stringify(blocks));
        first += blocks.length;
      }
      this.#db.prepare("UPDATE job SET status = 'SUCCEEDED', pages = ? WHERE id = ?").run(pages.length, id);
    });
  }

  fail(id: string, message: string): void {
    this.#db.prepare("UPDATE job SET status = 'FAILED', message = ? WHERE id = ?").run(message, id);
  }

  announced(id: string): void {
    this.#db.prepare('UPDATE job SET announced = 1 WHERE id = ?').run(id);
  }

  /** Blocks from index `from` on, at most `count`; `more` tells whether others follow. */
  blocks(id: string, from: number, count: number): { blocks: Shape[]; more: boolean } {
    const rows = this.#db
      .prepare('SELECT first, blocks FROM result WHERE job = ? AND last >= ? AND first <= ? ORDER BY first')
      .all(id, from, from + count);
    const first = Number(rows[0]?.first ?? 0);
    const found = rows.flatMap((row): Shape[] => JSON.parse(String(row.blocks))).slice(from - first);
    return { blocks: found.slice(0, count), more: found.length > count };
  }

  forgetOld(now: number): void {
    inTransaction(this.#db, () => {
      const old = "status <> 'IN_PROGRESS' AND created < ?";
      this.#db
        .prepare(`DELETE FROM result WHERE job IN (SELECT id FROM job WHERE ${old})`)
        .run(now - RETENTION_MS);
      this.#db.prepare(`DELETE FROM job WHERE ${old}`).run(now - RETENTION_MS);
    });
  }

  /** May be called again. */
  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

function jobOf(row: Record<string, unknown>): Job {
  return {
    id: String(row.id),
    request: JSON.parse(String(row.request)),
    caller: JSON.parse(String(row.caller)),
    status: row.status === 'SUCCEEDED' || row.status === 'FAILED' ? row.status : 'IN_PROGRESS',
    ...(row.message !== null && { message: String(row.message) }),
    pages: Number(row.pages),
  };
}
