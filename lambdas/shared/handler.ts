import { Logger } from '@aws-lambda-powertools/logger';
import middy, { type MiddlewareObj } from '@middy/core';
import type { Context, SQSBatchResponse, SQSRecord } from 'aws-lambda';
import * as z from 'zod/mini';
import { messageOf, nameOf } from './errors.ts';
import { inLanes } from './lanes.ts';
import { createMetrics, Meter } from './meter.ts';
import { parse } from './parse.ts';

/** What identifies the work at hand on every line of the log. Never content. */
export interface Identity {
  readonly fileId?: string;
  readonly execution?: string;
  readonly pipeline?: string;
  readonly ticket?: string;
}

/** What the work of one event or record is given beside its input. */
export interface Run {
  readonly log: Logger;
  readonly meter: Meter;
  /** Puts the identity on every later line of this event's or record's log. */
  identify(identity: Identity): void;
}

// One of each for the life of the execution environment.
const logger = new Logger();
const metrics = createMetrics();

/** Starts the log of a record: its keys do not show on the lines of other records. */
function startRun(meter: Meter, keys: Record<string, string> = {}): Run {
  const log = logger.createChild({ persistentKeys: keys });
  return { log, meter, identify: (identity) => log.appendKeys({ ...identity }) };
}

/** Logs with the invocation's context, measures, and writes the metrics once, whatever happens. */
function observed(meter: Meter): MiddlewareObj<unknown, unknown, Error, Context> {
  return {
    name: 'observed',
    before: ({ context }) => logger.addContext(context),
    after: () => meter.flush(metrics),
    onError: ({ error }) => {
      meter.flush(metrics);
      logger.error('The function failed.', { error: error ?? undefined });
    },
  };
}

export type Handler<Output> = (event: unknown, context: Context) => Promise<Output>;

/**
 * A handler for direct invocations, by a state machine for example. What `work` throws reaches the caller under its own
 * name.
 */
export function lambda<Output>(work: (event: unknown, run: Run) => Promise<Output>): Handler<Output> {
  const meter = new Meter();
  return middy<unknown, Output, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(observed(meter))
    .handler((event: unknown) => work(event, startRun(meter)));
}

const Batch = z.object({
  Records: z.array(z.looseObject({ messageId: z.string(), body: z.string(), receiptHandle: z.string() })),
});

const RECORDS_AT_ONCE = 10;

/** Work answers this when the record goes back to the queue though nothing failed: its time comes later. */
export const AGAIN = Symbol('again');

/**
 * A handler for an SQS event source with `ReportBatchItemFailures`. Each record is worked on by itself, up to ten at a
 * time; those that throw go back to the queue, and no record makes another fail.
 */
export function sqsBatch(
  work: (record: SQSRecord, run: Run) => Promise<void> | Promise<typeof AGAIN | undefined>,
): Handler<SQSBatchResponse> {
  const meter = new Meter();
  return middy<unknown, SQSBatchResponse, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(observed(meter))
    .handler(async (event: unknown) => {
      const records = recordsOf(event);
      const failed: string[] = [];
      await inLanes(RECORDS_AT_ONCE, records, async (record) => {
        const run = startRun(meter, { messageId: record.messageId });
        try {
          if ((await work(record, run)) === AGAIN) failed.push(record.messageId);
        } catch (error) {
          failed.push(record.messageId);
          run.log.error('The record failed and goes back to its queue.', {
            reason: `${nameOf(error)}: ${messageOf(error)}`,
            error: error instanceof Error ? error : undefined,
          });
        }
      });
      return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
    });
}

/** Work on the records of a batch together. */
export interface GroupWork<Item> {
  /** Reads one record, at the door; a record it throws for fails alone. */
  parse(record: SQSRecord): readonly Item[];
  /** Works on everything that was read. When it throws, all of it goes back to the queue. */
  work(items: readonly Item[], run: Run): Promise<void>;
}

/** A handler for an SQS event source with `ReportBatchItemFailures` whose records belong together. */
export function sqsGroup<Item>({ parse: read, work }: GroupWork<Item>): Handler<SQSBatchResponse> {
  const meter = new Meter();
  return middy<unknown, SQSBatchResponse, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(observed(meter))
    .handler(async (event: unknown) => {
      const run = startRun(meter);
      const failed: string[] = [];
      const items: Item[] = [];
      const inHand: string[] = [];
      const giveBack = (messageIds: readonly string[], error: unknown) => {
        failed.push(...messageIds);
        run.log.error('Records failed and go back to their queue.', {
          messageIds,
          reason: `${nameOf(error)}: ${messageOf(error)}`,
          error: error instanceof Error ? error : undefined,
        });
      };
      for (const record of recordsOf(event)) {
        try {
          items.push(...read(record));
          inHand.push(record.messageId);
        } catch (error) {
          giveBack([record.messageId], error);
        }
      }
      try {
        if (items.length > 0) await work(items, run);
      } catch (error) {
        giveBack(inHand, error);
      }
      return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
    });
}

function recordsOf(event: unknown): readonly SQSRecord[] {
  parse(Batch, event, 'SQS event');
  // The members that are used were checked; the rest is Lambda's own.
  return (event as { Records: SQSRecord[] }).Records;
}
