import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export type JobRunState =
  | 'STARTING'
  | 'RUNNING'
  | 'STOPPING'
  | 'STOPPED'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'TIMEOUT';

/** A run of a job, with times in milliseconds since the epoch. */
export interface JobRun {
  readonly id: string;
  readonly job: string;
  /** What the run was given, the job's defaults below it. */
  readonly arguments: Readonly<Record<string, string>>;
  readonly state: JobRunState;
  readonly startedOn: number;
  readonly modifiedOn: number;
  readonly completedOn?: number;
  readonly errorMessage?: string;
  readonly workerType: string;
  readonly workers: number;
  readonly executionClass: string;
  /** Minutes. */
  readonly timeout: number;
  readonly glueVersion: string;
  readonly role: string;
  readonly logGroup: string;
}

/** Glue shows a job's runs for 90 days. */
const RETENTION_MS = 90 * 24 * 3600 * 1000;
const OPEN = "state IN ('STARTING', 'RUNNING', 'STOPPING')";

/** Runs of jobs on disk, so that a run outlives the process that began it. */
export class RunStore {
  readonly #db: DatabaseSync;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#db = new DatabaseSync(join(directory, 'runs.sqlite'));
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS run (
        id TEXT PRIMARY KEY, job TEXT NOT NULL, state TEXT NOT NULL, started INTEGER NOT NULL, body TEXT NOT NULL
      );
      CREATE INDEX IF NOT EXISTS run_by_job ON run (job, started);
    `);
  }

  put(run: JobRun): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO run (id, job, state, started, body) VALUES (?, ?, ?, ?, ?)')
      .run(run.id, run.job, run.state, run.startedOn, JSON.stringify(run));
  }

  get(job: string, id: string): JobRun | undefined {
    return this.#read('job = ? AND id = ?', job, id)[0];
  }

  /** Runs of a job, the last one first. */
  of(job: string): JobRun[] {
    return this.#read('job = ? ORDER BY started DESC, rowid DESC', job);
  }

  /** Runs that have not ended, in the order in which they were started. */
  open(): JobRun[] {
    return this.#read(`${OPEN} ORDER BY started, rowid`);
  }

  forgetOld(now: number): void {
    this.#db.prepare(`DELETE FROM run WHERE NOT ${OPEN} AND started < ?`).run(now - RETENTION_MS);
  }

  /** May be called again. */
  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #read(where: string, ...values: string[]): JobRun[] {
    const rows = this.#db.prepare(`SELECT body FROM run WHERE ${where}`).all(...values);
    return rows.map(({ body }): JobRun => JSON.parse(String(body)));
  }
}

export const isOpen = ({ state }: JobRun): boolean =>
  state === 'STARTING' || state === 'RUNNING' || state === 'STOPPING';
