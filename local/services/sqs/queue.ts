import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AwsError, type RuntimeContext } from '../service.ts';
import { attributesDigest, attributesSize, type MessageAttributes, md5 } from './digest.ts';
import type { MessageRow, QueueRow, QueueStore } from './store.ts';

const RedrivePolicy = z.object({
  deadLetterTargetArn: z.string(),
  maxReceiveCount: z.coerce.number().int().positive(),
});

const MiB = 2 ** 20;
const RECEIPT_HANDLE = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const invalidHandle = () =>
  new AwsError('ReceiptHandleIsInvalid', 'The input receipt handle is not a valid receipt handle.');

/** Attributes a queue can be given, with their defaults. */
export const DEFAULT_ATTRIBUTES: Readonly<Record<string, string | undefined>> = {
  VisibilityTimeout: '30',
  DelaySeconds: '0',
  MaximumMessageSize: String(MiB),
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  SqsManagedSseEnabled: 'true',
  Policy: undefined,
  RedrivePolicy: undefined,
  RedriveAllowPolicy: undefined,
  KmsMasterKeyId: undefined,
  KmsDataKeyReusePeriodSeconds: undefined,
};

/** What ReceiveMessage hands out. */
export interface Received {
  readonly message: MessageRow;
  readonly receiptHandle: string;
}

interface Waiter {
  readonly max: number;
  readonly visibility: number | undefined;
  resolve(messages: Received[]): void;
}

/** One standard queue. */
export class Queue {
  readonly row: QueueRow;
  readonly arn: string;
  readonly counters = {
    NumberOfMessagesSent: 0,
    NumberOfMessagesReceived: 0,
    NumberOfMessagesDeleted: 0,
    NumberOfEmptyReceives: 0,
  };
  readonly #store: QueueStore;
  readonly #context: RuntimeContext;
  readonly #find: (arn: string) => Queue | undefined;
  readonly #waiters = new Set<Waiter>();
  #cancelTimer: (() => void) | undefined;

  /** @param find looks up another queue by ARN, for dead letters */
  constructor(
    row: QueueRow,
    store: QueueStore,
    context: RuntimeContext,
    find: (arn: string) => Queue | undefined,
  ) {
    this.row = row;
    this.arn = `arn:aws:sqs:${context.region}:${context.account}:${row.name}`;
    this.#store = store;
    this.#context = context;
    this.#find = find;
  }

  get name(): string {
    return this.row.name;
  }

  attribute(name: string): string | undefined {
    return this.row.attributes[name] ?? DEFAULT_ATTRIBUTES[name];
  }

  get redrivePolicy(): z.infer<typeof RedrivePolicy> | undefined {
    const text = this.attribute('RedrivePolicy');
    return text ? RedrivePolicy.parse(JSON.parse(text)) : undefined;
  }

  /** Keeps a message; when this returns, it is on disk. */
  send(
    body: string,
    attributes: MessageAttributes,
    options: { delaySeconds?: number | undefined; trace?: string | undefined } = {},
  ): { MessageId: string; MD5OfMessageBody: string; MD5OfMessageAttributes?: string } {
    const limit = Number(this.attribute('MaximumMessageSize'));
    if (Buffer.byteLength(body) + attributesSize(attributes) > limit) {
      throw new AwsError(
        'InvalidParameterValue',
        `One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`,
      );
    }
    const sent = this.#context.clock.now();
    const delay = (options.delaySeconds ?? Number(this.attribute('DelaySeconds'))) * 1000;
    const id = randomUUID();
    const digest = md5(body);
    this.#store.insert(this.name, {
      id,
      body,
      md5: digest,
      attributes,
      trace: options.trace ?? null,
      sent,
      visible_at: sent + delay,
    });
    this.counters.NumberOfMessagesSent++;
    this.serveWaiters();
    const attributes5 = attributesDigest(attributes);
    return {
      MessageId: id,
      MD5OfMessageBody: digest,
      ...(attributes5 && { MD5OfMessageAttributes: attributes5 }),
    };
  }

  /**
   * Takes up to `max` messages, waiting for the first one for at most `waitSeconds`.
   * @param visibility seconds; default the queue's
   */
  receive(
    max: number,
    visibility: number | undefined,
    waitSeconds: number,
    signal?: AbortSignal,
  ): Promise<Received[]> {
    const messages = this.#take(max, visibility);
    if (messages.length > 0 || waitSeconds <= 0 || signal?.aborted) {
      if (messages.length === 0) this.counters.NumberOfEmptyReceives++;
      return Promise.resolve(messages);
    }
    return new Promise((resolve) => {
      const finish = (found: Received[]) => {
        this.#waiters.delete(waiter);
        cancelTimeout();
        signal?.removeEventListener('abort', giveUp);
        if (found.length === 0) this.counters.NumberOfEmptyReceives++;
        resolve(found);
      };
      const giveUp = () => finish([]);
      const waiter: Waiter = { max, visibility, resolve: finish };
      const cancelTimeout = this.#context.clock.after(waitSeconds * 1000, giveUp);
      signal?.addEventListener('abort', giveUp);
      this.#waiters.add(waiter);
      this.#armTimer();
    });
  }

  /** A handle that has been used, or is out of date, deletes nothing, which is no error. */
  delete(receiptHandle: string): void {
    if (!RECEIPT_HANDLE.test(receiptHandle)) throw invalidHandle();
    if (this.#store.remove(this.name, receiptHandle)) this.counters.NumberOfMessagesDeleted++;
  }

  changeVisibility(receiptHandle: string, seconds: number): void {
    const message = this.#store.byReceipt(this.name, receiptHandle);
    const now = this.#context.clock.now();
    if (!message) throw invalidHandle();
    if (message.visible_at <= now) {
      throw new AwsError('MessageNotInflight', `Message ${message.id} is no longer in flight.`);
    }
    this.#store.show(message, now + seconds * 1000);
    this.serveWaiters();
  }

  /** Hands visible messages to the consumers that wait, in the order they came. */
  serveWaiters(): void {
    for (const waiter of this.#waiters) {
      const messages = this.#take(waiter.max, waiter.visibility);
      if (messages.length === 0) break;
      waiter.resolve(messages);
    }
    this.#armTimer();
  }

  stop(): void {
    this.#cancelTimer?.();
    for (const waiter of this.#waiters) waiter.resolve([]);
  }

  #take(max: number, visibility = Number(this.attribute('VisibilityTimeout'))): Received[] {
    const now = this.#context.clock.now();
    const policy = this.redrivePolicy;
    const taken: Received[] = [];
    const buriedIn = new Set<Queue>();
    while (taken.length < max) {
      const due = this.#store.due(this.name, now, max - taken.length);
      if (due.length === 0) break;
      this.#store.transaction(() => {
        for (const message of due) {
          const deadLetters =
            policy && message.receives >= policy.maxReceiveCount && this.#find(policy.deadLetterTargetArn);
          if (deadLetters) {
            this.#store.bury(message, deadLetters.name, this.arn, now);
            buriedIn.add(deadLetters);
            continue;
          }
          const receiptHandle = randomUUID();
          this.#store.take(message, receiptHandle, now, now + visibility * 1000);
          const received = { receives: message.receives + 1, first_receive: message.first_receive ?? now };
          taken.push({ receiptHandle, message: { ...message, ...received } });
        }
      });
      if (visibility === 0) break;
    }
    for (const queue of buriedIn) queue.serveWaiters();
    this.counters.NumberOfMessagesReceived += taken.length;
    return taken;
  }

  /** While somebody waits, wakes at the time the next hidden message becomes visible. */
  #armTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#waiters.size === 0) return;
    const at = this.#store.nextVisibleAt(this.name);
    if (at === undefined) return;
    this.#cancelTimer = this.#context.clock.after(Math.max(1, at - this.#context.clock.now()), () =>
      this.serveWaiters(),
    );
  }
}
