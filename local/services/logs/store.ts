import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { inTransaction } from '../../transaction.ts';

/** Lines kept in all; the oldest go first. */
const MAX_LINES = 500_000;
/** How many lines are written before the limit is looked at again. */
const CHECK_EVERY = 10_000;

export interface Line {
  readonly group: string;
  readonly stream: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly message: string;
}

const Row = z.object({ seq: z.number(), stream: z.string(), at: z.number(), message: z.string() });
export type Row = z.infer<typeof Row>;

const Group = z.object({ name: z.string(), created: z.number(), days: z.number().nullable() });
export type Group = z.infer<typeof Group>;

const Stream = z.object({ name: z.string(), first: z.number(), last: z.number() });
export type Stream = z.infer<typeof Stream>;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS groups (name TEXT PRIMARY KEY, created INTEGER NOT NULL, days INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS streams (
  grp TEXT, name TEXT, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (grp, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lines (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, grp TEXT NOT NULL, stream TEXT NOT NULL, at INTEGER NOT NULL, message TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS lines_by_stream ON lines (grp, stream, seq);
CREATE INDEX IF NOT EXISTS lines_by_time ON lines (grp, at);
`;

/** Log lines on disk. Lines of one turn of the event loop are written together. */
export class LogStore {
  readonly #db: DatabaseSync;
  readonly #statements;
  #pending: Line[] = [];
  #sinceCheck = 0;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#db = new DatabaseSync(join(directory, 'logs.db'));
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${SCHEMA}`);
    const sql = (text: string) => this.#db.prepare(text);
    this.#statements = {
      line: sql('INSERT INTO lines (grp, stream, at, message) VALUES (?, ?, ?, ?)'),
      group: sql(
        'INSERT INTO groups VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET days = coalesce(excluded.days, days)',
      ),
      stream: sql(
        'INSERT INTO streams VALUES (?, ?, ?, ?) ON CONFLICT (grp, name) DO UPDATE SET last = max(last, excluded.last)',
      ),
      groups: sql('SELECT * FROM groups WHERE name >= ? AND substr(name, 1, length(?)) = ? ORDER BY name'),
      streams: sql(
        'SELECT name, first, last FROM streams WHERE grp = ? AND substr(name, 1, length(?)) = ? ORDER BY name',
      ),
      forward: sql(
        'SELECT seq, stream, at, message FROM lines WHERE grp = ? AND stream = ? AND seq > ? AND at BETWEEN ? AND ? ORDER BY seq LIMIT ?',
      ),
      backward: sql(
        'SELECT seq, stream, at, message FROM lines WHERE grp = ? AND stream = ? AND seq < ? AND at BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?',
      ),
      all: sql(
        'SELECT seq, stream, at, message FROM lines WHERE grp = ? AND at BETWEEN ? AND ? AND seq > ? ORDER BY seq',
      ),
      trim: sql('DELETE FROM lines WHERE seq <= (SELECT max(seq) FROM lines) - ?'),
      expire: sql('DELETE FROM lines WHERE grp = ? AND at < ?'),
      dropStreams: sql('DELETE FROM streams WHERE grp = ?'),
      dropLines: sql('DELETE FROM lines WHERE grp = ?'),
      dropGroup: sql('DELETE FROM groups WHERE name = ?'),
    };
  }

  append(line: Line): void {
    if (this.#pending.push(line) === 1) setImmediate(() => this.flush());
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const lines = this.#pending;
    this.#pending = [];
    inTransaction(this.#db, () => this.#write(lines));
  }

  #write(lines: readonly Line[]): void {
    for (const { group, stream, at } of new Map(
      lines.map((line) => [`${line.group}\n${line.stream}`, line]),
    ).values()) {
      this.#statements.group.run(group, at, null);
      this.#statements.stream.run(group, stream, at, at);
    }
    for (const { group, stream, at, message } of lines) this.#statements.line.run(group, stream, at, message);
    this.#sinceCheck += lines.length;
    if (this.#sinceCheck >= CHECK_EVERY) {
      this.#statements.trim.run(MAX_LINES);
      this.#sinceCheck = 0;
    }
  }

  /** Creates a group or changes how many days its lines are kept. */
  saveGroup(name: string, now: number, days: number | undefined): void {
    this.#statements.group.run(name, now, days ?? null);
  }

  saveStream(group: string, name: string, now: number): void {
    this.#statements.stream.run(group, name, now, now);
  }

  deleteGroup(name: string): void {
    this.flush();
    for (const statement of ['dropStreams', 'dropLines', 'dropGroup'] as const)
      this.#statements[statement].run(name);
  }

  groups(prefix = ''): Group[] {
    this.flush();
    return z.array(Group).parse(this.#statements.groups.all(prefix, prefix, prefix));
  }

  streams(group: string, prefix = ''): Stream[] {
    this.flush();
    return z.array(Stream).parse(this.#statements.streams.all(group, prefix, prefix));
  }

  /** Lines of a stream in order, beginning after `seq`, or the last ones before it. */
  read(
    group: string,
    stream: string,
    from: { seq: number; forward: boolean },
    start: number,
    end: number,
    limit: number,
  ): Row[] {
    this.flush();
    const statement = this.#statements[from.forward ? 'forward' : 'backward'];
    const rows = z.array(Row).parse(statement.all(group, stream, from.seq, start, end, limit));
    return from.forward ? rows : rows.reverse();
  }

  /** Lines of a group in order, one at a time. */
  *scan(group: string, start: number, end: number, afterSeq: number): Generator<Row> {
    this.flush();
    for (const row of this.#statements.all.iterate(group, start, end, afterSeq)) yield Row.parse(row);
  }

  /** Drops lines that are past their group's retention. */
  expire(now: number): void {
    for (const { name, days } of this.groups()) {
      if (days !== null) this.#statements.expire.run(name, now - days * 86_400_000);
    }
  }

  close(): void {
    this.flush();
    this.#db.close();
  }
}
