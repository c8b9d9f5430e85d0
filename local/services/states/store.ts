import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { inTransaction } from '../../transaction.ts';

export type ExecutionStatus =
  | 'RUNNING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'TIMED_OUT'
  | 'ABORTED'
  | 'PENDING_REDRIVE';

/** One execution. Dates are milliseconds since the epoch. */
export interface ExecutionRow {
  /** Grows with each start. */
  readonly seq: number;
  readonly arn: string;
  readonly name: string;
  readonly machineArn: string;
  readonly revision: string;
  readonly mapRunArn?: string;
  /** The visit of a parent's state that started it. */
  readonly startedBy?: string;
  readonly input: string;
  readonly startDate: number;
  status: ExecutionStatus;
  stopDate?: number | undefined;
  output?: string | undefined;
  error?: string | undefined;
  cause?: string | undefined;
  itemCount?: number;
  redriveCount: number;
  redriveDate?: number;
}

export type MachineType = 'STANDARD' | 'EXPRESS';

/** What an execution runs: a state machine as it was at one time. */
export interface Revision {
  readonly id: string;
  readonly machineArn: string;
  readonly name: string;
  readonly type: MachineType;
  readonly roleArn: string;
  readonly definition: string;
  readonly logging: LoggingConfiguration;
  readonly updateDate: number;
}

export interface LoggingConfiguration {
  readonly level: 'ALL' | 'ERROR' | 'FATAL' | 'OFF';
  readonly includeExecutionData: boolean;
  readonly destinations: readonly { readonly cloudWatchLogsLogGroup: { readonly logGroupArn: string } }[];
}

export interface MachineRow {
  readonly arn: string;
  readonly name: string;
  readonly revision: string;
  readonly creationDate: number;
  readonly tracing: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS machines (arn TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS revisions (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS executions (
    seq INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, machine TEXT NOT NULL, map_run TEXT, status TEXT NOT NULL,
    redrives INTEGER NOT NULL, body TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS executions_by_machine ON executions (machine, seq);
  CREATE INDEX IF NOT EXISTS executions_by_map_run ON executions (map_run, seq) WHERE map_run IS NOT NULL;
  CREATE INDEX IF NOT EXISTS executions_open ON executions (seq) WHERE status = 'RUNNING';
  CREATE TABLE IF NOT EXISTS events (
    execution INTEGER NOT NULL, first INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (execution, first)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS checkpoints (execution INTEGER PRIMARY KEY, body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS answers (token TEXT PRIMARY KEY, execution INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS answers_by_execution ON answers (execution);
  CREATE TABLE IF NOT EXISTS promises (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS map_runs (
    arn TEXT PRIMARY KEY, execution TEXT NOT NULL, start REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS map_runs_by_execution ON map_runs (execution, start);
`;

/** Writes that are made together, once per turn of the event loop; what is acknowledged waits for them. */
export class Store {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #pending: (() => void)[] = [];
  #committed: PromiseWithResolvers<void> | undefined;
  #seq: number;
  #promises: number;

  constructor(dataDir: string) {
    const folder = join(dataDir, 'states');
    mkdirSync(folder, { recursive: true });
    this.#db = new DatabaseSync(join(folder, 'states.db'));
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    this.#db.exec(SCHEMA);
    this.#seq = Number(this.#db.prepare('SELECT max(seq) AS seq FROM executions').get()?.seq ?? 0);
    this.#promises = Number(this.#db.prepare('SELECT max(id) AS id FROM promises').get()?.id ?? 0);
  }

  nextSeq(): number {
    return ++this.#seq;
  }

  /** Makes a write with the next commit; after the store is closed, nothing happens any more. */
  later(write: () => void): void {
    if (!this.#db.isOpen) return;
    this.#pending.push(write);
    if (this.#committed) return;
    this.#committed = Promise.withResolvers();
    setImmediate(() => this.commit());
  }

  /** Resolves when everything asked for until now is on disk. */
  async committed(): Promise<void> {
    await this.#committed?.promise;
  }

  /** Makes the pending writes now, so that reads see them. */
  commit(): void {
    const committed = this.#committed;
    if (!committed) return;
    const writes = this.#pending;
    this.#pending = [];
    this.#committed = undefined;
    try {
      inTransaction(this.#db, () => {
        for (const write of writes) write();
      });
      committed.resolve();
    } catch (error) {
      committed.promise.catch(() => {});
      committed.reject(error);
      throw error;
    }
  }

  run(sql: string, ...values: (string | number | null)[]): void {
    this.#prepare(sql).run(...values);
  }

  all(sql: string, ...values: (string | number | null)[]): Record<string, unknown>[] {
    this.commit();
    return this.#prepare(sql).all(...values);
  }

  /** The `body` of one row, parsed, as of the last commit: for what is known not to be among the pending writes. */
  peek<T>(sql: string, ...values: (string | number | null)[]): T | undefined {
    const row = this.#prepare(sql).get(...values);
    return row && JSON.parse(String(row.body));
  }

  /** The `body` columns of the rows found, parsed. */
  bodies<T>(sql: string, ...values: (string | number | null)[]): T[] {
    return this.all(sql, ...values).map(({ body }) => JSON.parse(String(body)));
  }

  saveExecution(row: ExecutionRow): void {
    this.run(
      `INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (seq) DO UPDATE SET status = excluded.status, redrives = excluded.redrives, body = excluded.body`,
      row.seq,
      row.arn,
      row.machineArn,
      row.mapRunArn ?? null,
      row.status,
      row.redriveCount,
      JSON.stringify(row),
    );
  }

  /** Writes down, with the next commit, that the status of an execution is yet to be told. */
  promise(row: ExecutionRow): number {
    const id = ++this.#promises;
    this.later(() => this.run('INSERT INTO promises VALUES (?, ?)', id, JSON.stringify(row)));
    return id;
  }

  /** The status was told. */
  kept(id: number): void {
    this.later(() => this.run('DELETE FROM promises WHERE id = ?', id));
  }

  /** Statuses that an earlier run was to tell, in order. */
  promised(): { id: number; row: ExecutionRow }[] {
    return this.all('SELECT id, body FROM promises ORDER BY id').map(({ id, body }) => ({
      id: Number(id),
      row: JSON.parse(String(body)),
    }));
  }

  close(): void {
    this.commit();
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
