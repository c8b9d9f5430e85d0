import { z } from 'zod';
import { compilePattern } from '../events/pattern.ts';
import type { Caller, RuntimeContext, Shape } from '../service.ts';
import type { InvocationResult } from './environment.ts';
import type { LambdaFunction } from './function.ts';
import { queueUrl } from './queues.ts';
import { type Message, messageSchema, sqsRecord } from './sqs-event.ts';

export interface EventSourceMapping {
  readonly id: string;
  readonly functionName: string;
  readonly queueArn: string;
  readonly enabled: boolean;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly maximumConcurrency: number | undefined;
  readonly reportsItemFailures: boolean;
  /** Event patterns as JSON; a message is let through when one of them fits. */
  readonly filters: readonly string[];
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
}

interface PollerOptions {
  readonly context: RuntimeContext;
  readonly mapping: EventSourceMapping;
  /** The function as it is configured now. */
  readonly fn: () => LambdaFunction;
  readonly invoke: (payload: string) => Promise<InvocationResult>;
}

const RECEIVE_LIMIT = 10;
const LONG_POLL_SECONDS = 20;
/** Lambda starts with five batches at a time: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html */
const DEFAULT_CONCURRENCY = 5;
/** A batch ends before its event would exceed what a function can be sent, in bytes. */
const MAX_BATCH_BYTES = 6 * 1024 * 1024;
const ERROR_PAUSE_MS = 1000;

const received = z.object({ Messages: z.array(messageSchema).default([]) });

/** Feeds a function from a queue: long polls while idle, and several batches at a time under load. */
export class QueuePoller {
  readonly #options: PollerOptions;
  readonly #matches: (record: Shape) => boolean;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #freed: () => void = () => {};
  #done: Promise<void> = Promise.resolve();
  #lastWarning = '';

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#matches = compileFilters(options.mapping.filters);
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Stops polling. Batches in progress are not waited for: their function may be about to be killed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#freed();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let url: string | undefined;
    while (!signal.aborted) {
      try {
        url ??= await this.#open();
        await this.#capacity();
        const messages = await this.#collect(url);
        if (messages.length > 0) this.#track(this.#process(url, messages));
        this.#lastWarning = '';
      } catch (error) {
        if (signal.aborted) return;
        this.#warn(error);
        await this.#pause();
      }
    }
  }

  /** Finds the queue and looks at it, for which Lambda asks the function's role before it begins to poll. */
  async #open(): Promise<string> {
    const { context, mapping } = this.#options;
    const QueueUrl = await queueUrl(context, mapping.queueArn);
    await this.#call('GetQueueAttributes', { QueueUrl, AttributeNames: ['VisibilityTimeout'] });
    return QueueUrl;
  }

  /** Waits until another batch may start. */
  async #capacity(): Promise<void> {
    const { mapping, fn } = this.#options;
    const atMost = () =>
      // AWS finds the reserved concurrency by being throttled; keeping within it leaves the messages in the queue.
      Math.min(
        mapping.maximumConcurrency ?? DEFAULT_CONCURRENCY,
        fn().reservedConcurrency ?? Number.POSITIVE_INFINITY,
      );
    while (this.#running.size >= atMost() && !this.#stopping.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#freed = resolve;
      });
    }
  }

  #track(batch: Promise<void>): void {
    const running = batch
      .catch((error) => this.#warn(error))
      .finally(() => {
        this.#running.delete(running);
        this.#freed();
      });
    this.#running.add(running);
  }

  /** Receives one batch: what is there, or what comes until the window ends. */
  async #collect(url: string): Promise<Message[]> {
    const { context, mapping } = this.#options;
    const { signal } = this.#stopping;
    const messages = await this.#receive(url, mapping.batchSize, signal);
    if (messages.length === 0 || mapping.windowSeconds === 0) return messages;
    const window = new AbortController();
    const cancel = context.clock.after(mapping.windowSeconds * 1000, () => window.abort());
    const either = AbortSignal.any([signal, window.signal]);
    let bytes = size(messages);
    while (!either.aborted && messages.length < mapping.batchSize && bytes < MAX_BATCH_BYTES) {
      const more = await this.#receive(url, mapping.batchSize - messages.length, either);
      messages.push(...more);
      bytes += size(more);
    }
    cancel();
    return messages;
  }

  async #receive(url: string, atMost: number, signal: AbortSignal): Promise<Message[]> {
    const input = {
      QueueUrl: url,
      MaxNumberOfMessages: Math.min(RECEIVE_LIMIT, atMost),
      WaitTimeSeconds: LONG_POLL_SECONDS,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    };
    try {
      return received.parse(await this.#call('ReceiveMessage', input, signal)).Messages;
    } catch (error) {
      if (signal.aborted) return [];
      throw error;
    }
  }

  async #process(url: string, messages: readonly Message[]): Promise<void> {
    const { context, mapping, invoke } = this.#options;
    const all = messages.map((message) => ({
      message,
      record: sqsRecord(message, mapping.queueArn, context.region),
    }));
    const wanted = all.filter(({ record }) => this.#matches(record));
    // What no filter lets through is finished without an invocation.
    const unwanted = all.filter((one) => !wanted.includes(one)).map(({ message }) => message);
    const [, failed] = await Promise.all([
      this.#delete(url, unwanted),
      wanted.length === 0 ? new Set<string>() : this.#failures(wanted, invoke),
    ]);
    // The others become visible again when their visibility time-out is over.
    const done = failed === 'all' ? [] : wanted.filter(({ message }) => !failed.has(message.MessageId));
    await this.#delete(
      url,
      done.map(({ message }) => message),
    );
  }

  async #failures(
    wanted: readonly { message: Message; record: Shape }[],
    invoke: PollerOptions['invoke'],
  ): Promise<ReadonlySet<string> | 'all'> {
    const result = await invoke(JSON.stringify({ Records: wanted.map(({ record }) => record) }));
    if (this.#stopping.signal.aborted || result.failed) return 'all';
    if (!this.#options.mapping.reportsItemFailures) return new Set();
    return batchItemFailures(result.payload, new Set(wanted.map(({ message }) => message.MessageId)));
  }

  async #delete(url: string, messages: readonly Message[]): Promise<void> {
    const groups = Array.from({ length: Math.ceil(messages.length / RECEIVE_LIMIT) }, (_, index) =>
      messages.slice(index * RECEIVE_LIMIT, (index + 1) * RECEIVE_LIMIT),
    );
    await Promise.all(
      groups.map(async (group) => {
        const Entries = group.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
        await this.#call('DeleteMessageBatch', { QueueUrl: url, Entries });
      }),
    );
  }

  /** Lambda polls with the execution role of the function. */
  #call(operation: string, input: Shape, signal?: AbortSignal): Promise<Shape> {
    const { context, fn } = this.#options;
    const { roleArn, name } = fn();
    const caller: Caller = { kind: 'role', roleArn, sessionName: name };
    return context.call('sqs', operation, input, caller, signal);
  }

  #pause(): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const finish = () => {
        cancel();
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const cancel = this.#options.context.clock.after(ERROR_PAUSE_MS, finish);
      signal.addEventListener('abort', finish);
    });
  }

  /** Says a lasting trouble once. */
  #warn(error: unknown): void {
    const { context, mapping } = this.#options;
    const message = error instanceof Error ? error.message : String(error);
    if (message === this.#lastWarning || this.#stopping.signal.aborted) return;
    this.#lastWarning = message;
    context.warn(`The event source mapping of ${mapping.functionName} on ${mapping.queueArn}: ${message}`);
  }
}

const size = (messages: readonly Message[]) =>
  messages.reduce((sum, { Body }) => sum + Buffer.byteLength(Body), 0);

const failuresSchema = z
  .object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string().min(1) })).nullish() })
  .nullable();

/**
 * Reads which messages of a batch failed. As AWS documents: nothing or an empty list is success; a response of any other
 * shape, and one that names a message not in the batch, fails the whole batch.
 */
export function batchItemFailures(payload: string, ids: ReadonlySet<string>): ReadonlySet<string> | 'all' {
  const response: unknown = JSON.parse(payload);
  const parsed = failuresSchema.safeParse(response);
  if (!parsed.success) return 'all';
  const failed = new Set(parsed.data?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier));
  return failed.isSubsetOf(ids) ? failed : 'all';
}

/** A filter sees a body that is JSON as JSON, and every other as text. */
function compileFilters(filters: readonly string[]): (record: Shape) => boolean {
  if (filters.length === 0) return () => true;
  const tests = filters.map((pattern) => compilePattern(JSON.parse(pattern)));
  return (record) => {
    const seen = { ...record, body: jsonOr(record.body) };
    return tests.some((test) => test(seen));
  };
}

function jsonOr(body: unknown): unknown {
  try {
    return JSON.parse(String(body));
  } catch {
    return body;
  }
}
