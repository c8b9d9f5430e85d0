import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { inTransaction } from '../../transaction.ts';
import { AwsError, type RuntimeContext } from '../service.ts';
import { bury, Delivery, send } from './delivery.ts';

const MAX_IN_FLIGHT = 64;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** Errors that pass by themselves; with any other, EventBridge gives up at once. */
const TRANSIENT = /Throttl|TooManyRequests|LimitExceeded|ServiceUnavailable|Internal|Timeout/;

const Row = z.object({ id: z.number(), retries: z.number(), delivery: z.string() });
type Row = z.infer<typeof Row>;

const SCHEMA = `CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, retries INTEGER NOT NULL DEFAULT 0, delivery TEXT NOT NULL
) STRICT`;

/** Deliveries that were promised: on disk from `add` until their target has taken them, or the dead-letter queue has. */
export class Outbox {
  readonly #context: RuntimeContext;
  readonly #db: DatabaseSync;
  readonly #statements;
  readonly #cancelRetries = new Set<() => void>();
  #cursor = 0;
  #inFlight = 0;
  #running = false;

  /** @param service folder of its database below the data directory */
  constructor(context: RuntimeContext, service: string) {
    const directory = join(context.dataDir, service);
    mkdirSync(directory, { recursive: true });
    this.#context = context;
    this.#db = new DatabaseSync(join(directory, 'outbox.db'));
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${SCHEMA}`);
    this.#statements = {
      insert: this.#db.prepare('INSERT INTO outbox (delivery) VALUES (?)'),
      fresh: this.#db.prepare('SELECT * FROM outbox WHERE id > ? ORDER BY id LIMIT ?'),
      one: this.#db.prepare('SELECT * FROM outbox WHERE id = ?'),
      retry: this.#db.prepare('UPDATE outbox SET retries = retries + 1 WHERE id = ?'),
      remove: this.#db.prepare('DELETE FROM outbox WHERE id = ?'),
    };
  }

  /** Promises deliveries; once it returns, a crash does not lose them. */
  add(deliveries: readonly Delivery[]): void {
    const insert = () => {
      for (const delivery of deliveries) this.#statements.insert.run(JSON.stringify(delivery));
    };
    if (deliveries.length > 1) inTransaction(this.#db, insert);
    else insert();
    this.#pump();
  }

  /** Begins to deliver, first what an earlier run left. */
  start(): void {
    this.#running = true;
    this.#pump();
  }

  /** Delivers no more; what is still promised is kept for the next run. */
  stop(): void {
    this.#running = false;
    for (const cancel of this.#cancelRetries) cancel();
  }

  /** Nothing can be promised any more. */
  close(): void {
    this.#db.close();
  }

  #pump(): void {
    const room = MAX_IN_FLIGHT - this.#inFlight;
    if (!this.#running || room <= 0) return;
    for (const raw of this.#statements.fresh.all(this.#cursor, room)) {
      const row = Row.parse(raw);
      this.#cursor = row.id;
      void this.#attempt(row);
    }
  }

  async #attempt(row: Row): Promise<void> {
    this.#inFlight++;
    const delivery = Delivery.parse(JSON.parse(row.delivery));
    try {
      await send(delivery, this.#context);
      this.#done(row);
    } catch (error) {
      await this.#failed(row, delivery, toAwsError(error));
    } finally {
      this.#inFlight--;
      this.#pump();
    }
  }

  async #failed(row: Row, delivery: Delivery, error: AwsError): Promise<void> {
    if (!this.#running) return;
    const expired = this.#context.clock.now() - delivery.createdAt > delivery.maxAgeSeconds * 1000;
    const transient = error.status >= 500 || TRANSIENT.test(error.code);
    if (transient && !expired && row.retries < delivery.maxRetries) {
      this.#statements.retry.run(row.id);
      this.#later(row);
      return;
    }
    const what = `${delivery.sourceArn} could not deliver to ${delivery.targetArn}: ${error.code}: ${error.message}`;
    try {
      if (delivery.deadLetterArn)
        await bury(delivery, delivery.deadLetterArn, error, row.retries, this.#context);
      else this.#context.warn(`${what} (no dead-letter queue, dropped)`);
      this.#done(row);
    } catch (cause) {
      this.#context.warn(`${what}; its dead-letter queue refused: ${toAwsError(cause).message}`);
      this.#done(row);
    }
  }

  #later({ id, retries }: Row): void {
    const delay = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** retries);
    const cancel = this.#context.clock.after(delay, () => {
      this.#cancelRetries.delete(cancel);
      const row = this.#statements.one.get(id);
      if (row) void this.#attempt(Row.parse(row));
    });
    this.#cancelRetries.add(cancel);
  }

  #done({ id }: Row): void {
    if (this.#db.isOpen) this.#statements.remove.run(id);
  }
}

/** An error of ours is the service's own failure, and is tried again. */
function toAwsError(error: unknown): AwsError {
  return error instanceof AwsError
    ? error
    : new AwsError('InternalFailure', error instanceof Error ? error.message : String(error), {
        status: 500,
        cause: error,
      });
}
