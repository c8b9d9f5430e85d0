import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { z } from 'zod';
import { inTransaction } from '../../transaction.ts';
import { MessageAttribute } from './digest.ts';

const json = <T>(schema: z.ZodType<T>) => z.string().transform((text) => schema.parse(JSON.parse(text)));

const QueueRow = z.object({
  name: z.string(),
  attributes: json(z.record(z.string(), z.string())),
  tags: json(z.record(z.string(), z.string())),
  created: z.number(),
  modified: z.number(),
});
export type QueueRow = z.infer<typeof QueueRow>;

const MessageRow = z.object({
  seq: z.number(),
  id: z.string(),
  body: z.string(),
  md5: z.string(),
  attributes: json(z.record(z.string(), MessageAttribute)),
  trace: z.string().nullable(),
  sent: z.number(),
  visible_at: z.number(),
  receives: z.number(),
  first_receive: z.number().nullable(),
  receipt: z.string().nullable(),
  dead_from: z.string().nullable(),
});
export type MessageRow = z.infer<typeof MessageRow>;

const Count = z.object({ n: z.number() });
const Time = z.object({ at: z.number().nullable() });

/** `receipt` tells a message in flight from one that is delayed; times are milliseconds. */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS queues (
  name TEXT PRIMARY KEY, attributes TEXT NOT NULL, tags TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, md5 TEXT NOT NULL,
  attributes TEXT NOT NULL, trace TEXT, sent INTEGER NOT NULL, visible_at INTEGER NOT NULL,
  receives INTEGER NOT NULL DEFAULT 0, first_receive INTEGER, receipt TEXT, dead_from TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS messages_by_time ON messages (queue, visible_at, seq);
CREATE INDEX IF NOT EXISTS messages_by_receipt ON messages (receipt) WHERE receipt IS NOT NULL;
`;

/**
 * Queues and messages on disk. Every statement is written to the operating system before it returns, so that a killed
 * process loses nothing; there is no other copy of a message.
 */
export class QueueStore {
  readonly #db: DatabaseSync;
  readonly #statements;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#db = new DatabaseSync(join(directory, 'queues.db'));
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    this.#db.exec(SCHEMA);
    // Consumers lived in the process that died: what they held becomes visible, as if it had not been received.
    this.#db.exec(
      'UPDATE messages SET visible_at = sent, receives = receives - 1, receipt = NULL WHERE receipt IS NOT NULL',
    );
    const sql = (text: string) => this.#db.prepare(text);
    this.#statements = {
      queues: sql('SELECT * FROM queues ORDER BY name'),
      saveQueue: sql('INSERT OR REPLACE INTO queues VALUES (?, ?, ?, ?, ?)'),
      dropQueue: sql('DELETE FROM queues WHERE name = ?'),
      insert: sql(
        'INSERT INTO messages (queue, id, body, md5, attributes, trace, sent, visible_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ),
      due: sql('SELECT * FROM messages WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, seq LIMIT ?'),
      take: sql(
        'UPDATE messages SET receipt = ?, visible_at = ?, receives = receives + 1, first_receive = coalesce(first_receive, ?) WHERE seq = ?',
      ),
      bury: sql('UPDATE messages SET queue = ?, dead_from = ?, visible_at = ?, receipt = NULL WHERE seq = ?'),
      byReceipt: sql('SELECT * FROM messages WHERE receipt = ? AND queue = ?'),
      show: sql('UPDATE messages SET visible_at = ? WHERE seq = ?'),
      remove: sql('DELETE FROM messages WHERE receipt = ? AND queue = ?'),
      purge: sql('DELETE FROM messages WHERE queue = ?'),
      expire: sql('DELETE FROM messages WHERE queue = ? AND sent < ?'),
      next: sql('SELECT min(visible_at) AS at FROM messages WHERE queue = ?'),
      oldest: sql('SELECT min(sent) AS at FROM messages WHERE queue = ?'),
      visible: sql('SELECT count(*) AS n FROM messages WHERE queue = ? AND visible_at <= ?'),
      hidden: sql(
        'SELECT count(*) AS n FROM messages WHERE queue = ? AND visible_at > ? AND (receipt IS NOT NULL) = ?',
      ),
      sources: sql('SELECT DISTINCT dead_from FROM messages WHERE queue = ? AND visible_at <= ?'),
      redrive: sql(
        'UPDATE messages SET queue = ?, dead_from = NULL, receives = 0, first_receive = NULL, receipt = NULL WHERE queue = ? AND dead_from IS ? AND visible_at <= ?',
      ),
    };
  }

  close(): void {
    this.#db.close();
  }

  /** Runs `work` so that all of its writes are kept or none. */
  transaction<T>(work: () => T): T {
    return inTransaction(this.#db, work);
  }

  queues(): QueueRow[] {
    return z.array(QueueRow).parse(this.#statements.queues.all());
  }

  saveQueue({ name, attributes, tags, created, modified }: QueueRow): void {
    this.#statements.saveQueue.run(name, JSON.stringify(attributes), JSON.stringify(tags), created, modified);
  }

  dropQueue(name: string): void {
    this.#statements.purge.run(name);
    this.#statements.dropQueue.run(name);
  }

  insert(
    queue: string,
    message: Pick<MessageRow, 'id' | 'body' | 'md5' | 'attributes' | 'trace' | 'sent' | 'visible_at'>,
  ): void {
    const { id, body, md5, attributes, trace, sent, visible_at } = message;
    this.#statements.insert.run(queue, id, body, md5, JSON.stringify(attributes), trace, sent, visible_at);
  }

  /** Visible messages, the one that waits longest first. */
  due(queue: string, now: number, limit: number): MessageRow[] {
    return this.#statements.due.all(queue, now, limit).map((row) => MessageRow.parse(row));
  }

  take(message: MessageRow, receipt: string, now: number, visibleAt: number): void {
    this.#statements.take.run(receipt, visibleAt, now, message.seq);
  }

  /** Moves a message to a dead-letter queue. */
  bury(message: MessageRow, deadLetterQueue: string, sourceArn: string, now: number): void {
    this.#statements.bury.run(deadLetterQueue, sourceArn, now, message.seq);
  }

  byReceipt(queue: string, receipt: string): MessageRow | undefined {
    const row = this.#statements.byReceipt.get(receipt, queue);
    return row && MessageRow.parse(row);
  }

  show(message: MessageRow, visibleAt: number): void {
    this.#statements.show.run(visibleAt, message.seq);
  }

  remove(queue: string, receipt: string): boolean {
    return Number(this.#statements.remove.run(receipt, queue).changes) > 0;
  }

  purge(queue: string): void {
    this.#statements.purge.run(queue);
  }

  expire(queue: string, sentBefore: number): void {
    this.#statements.expire.run(queue, sentBefore);
  }

  /** When the next message is or becomes visible. */
  nextVisibleAt(queue: string): number | undefined {
    return this.#time('next', queue);
  }

  oldestSent(queue: string): number | undefined {
    return this.#time('oldest', queue);
  }

  counts(queue: string, now: number): { visible: number; inFlight: number; delayed: number } {
    return {
      visible: this.#count('visible', queue, now),
      inFlight: this.#count('hidden', queue, now, 1),
      delayed: this.#count('hidden', queue, now, 0),
    };
  }

  /** ARNs of the queues that the visible messages of a dead-letter queue came from; null where it is not known. */
  sources(queue: string, now: number): (string | null)[] {
    const rows = z
      .array(z.object({ dead_from: z.string().nullable() }))
      .parse(this.#statements.sources.all(queue, now));
    return rows.map((row) => row.dead_from);
  }

  /** Moves what came from `sourceArn` out of a dead-letter queue; returns how many messages that were. */
  redrive(queue: string, sourceArn: string | null, destination: string, now: number): number {
    return Number(this.#statements.redrive.run(destination, queue, sourceArn, now).changes);
  }

  #time(statement: 'next' | 'oldest', queue: string): number | undefined {
    return Time.parse(this.#statements[statement].get(queue)).at ?? undefined;
  }

  #count(statement: 'visible' | 'hidden', ...parameters: SQLInputValue[]): number {
    return Count.parse(this.#statements[statement].get(...parameters)).n;
  }
}
