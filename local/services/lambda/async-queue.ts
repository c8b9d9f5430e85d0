import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { AwsError, type RuntimeContext } from '../service.ts';
import { type Delivery, deliver } from './destinations.ts';
import type { InvocationResult } from './environment.ts';
import type { LambdaFunction } from './function.ts';
import type { Invoker } from './invoke.ts';
import { Journal } from './journal.ts';

/** How a function is invoked asynchronously; the defaults are those of AWS. */
export interface EventInvokeConfig {
  /** 0..2 */
  readonly maximumRetryAttempts: number;
  /** 60..21600 */
  readonly maximumEventAgeSeconds: number;
  readonly onSuccess?: string | undefined;
  readonly onFailure?: string | undefined;
}

export const DEFAULT_EVENT_INVOKE_CONFIG: EventInvokeConfig = {
  maximumRetryAttempts: 2,
  maximumEventAgeSeconds: 6 * 3600,
};

const eventSchema = z.object({
  functionName: z.string(),
  payload: z.string(),
  /** Milliseconds since the epoch. */
  acceptedAt: z.number(),
  /** Invocations that ended with an error of the function. */
  errors: z.number(),
  traceId: z.string().optional(),
});
type Event = z.infer<typeof eventSchema>;

/** Milliseconds before the second and the third attempt: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const RETRY_DELAYS_MS = [60_000, 120_000];
/** A throttled event is tried again after 1 s, then twice as long each time up to 5 min (same page). */
const FIRST_BACKOFF_MS = 1000;
const LONGEST_BACKOFF_MS = 300_000;

interface AsyncQueueOptions {
  readonly context: RuntimeContext;
  readonly invoker: Invoker;
  readonly functionNamed: (name: string) => LambdaFunction | undefined;
  readonly configOf: (functionName: string) => EventInvokeConfig;
}

/** Events that wait to be handled. They are on disk from when they are accepted until they are handled or given up. */
export class AsyncQueue {
  readonly #options: AsyncQueueOptions;
  readonly #journal: Journal<Event>;
  readonly #cancelTimers = new Set<() => void>();
  #isStopped = false;

  constructor(options: AsyncQueueOptions) {
    this.#options = options;
    const path = join(options.context.dataDir, 'lambda', 'events.jsonl');
    this.#journal = new Journal(path, (value) => eventSchema.parse(value));
  }

  /** Takes up what an earlier run left. */
  start(): void {
    for (const [requestId, event] of this.#journal.open) void this.#attempt(requestId, event);
  }

  /** @returns the request id */
  accept(fn: LambdaFunction, payload: string, traceId?: string): string {
    const requestId = randomUUID();
    const acceptedAt = this.#options.context.clock.now();
    const event = { functionName: fn.name, payload, acceptedAt, errors: 0, ...(traceId && { traceId }) };
    this.#journal.put(requestId, event);
    this.#metric(fn.name, 'AsyncEventsReceived');
    void this.#attempt(requestId, event);
    return requestId;
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const cancel of this.#cancelTimers) cancel();
    this.#journal.close();
  }

  async #attempt(requestId: string, event: Event, backoffMs = FIRST_BACKOFF_MS): Promise<void> {
    const { context, invoker, functionNamed, configOf } = this.#options;
    const fn = functionNamed(event.functionName);
    if (!fn) return this.#drop(requestId, event, 'its function is gone');
    const config = configOf(fn.name);
    let result: InvocationResult;
    try {
      result = await invoker.invoke(fn, event.payload, { requestId, traceId: event.traceId });
    } catch (error) {
      if (this.#isStopped) return;
      if (!(error instanceof AwsError) || error.status !== 429) {
        return this.#drop(requestId, event, error instanceof Error ? error.message : String(error));
      }
      const retry = () => this.#attempt(requestId, event, Math.min(backoffMs * 2, LONGEST_BACKOFF_MS));
      return this.#retryWithin(config, event, backoffMs, retry, () =>
        this.#giveUp(requestId, event, fn, 'EventAgeExceeded'),
      );
    }
    // What a stopping runtime killed is tried again by the next one.
    if (this.#isStopped) return;
    if (!result.failed) {
      return this.#finish(requestId, event, fn, 'Success', config.onSuccess, result);
    }
    const failed = { ...event, errors: event.errors + 1 };
    const delayMs = RETRY_DELAYS_MS[event.errors];
    if (delayMs === undefined || event.errors >= config.maximumRetryAttempts) {
      return this.#giveUp(requestId, failed, fn, 'RetriesExhausted', result);
    }
    this.#journal.put(requestId, failed);
    context.warn(
      `${fn.name} failed on an event and is tried again in ${delayMs / 60_000} min: ${result.payload}`,
    );
    this.#retryWithin(
      config,
      event,
      delayMs,
      () => this.#attempt(requestId, failed),
      () => this.#giveUp(requestId, failed, fn, 'EventAgeExceeded', result),
    );
  }

  #retryWithin(
    config: EventInvokeConfig,
    event: Event,
    delayMs: number,
    retry: () => Promise<void>,
    tooOld: () => Promise<void>,
  ): void {
    const { clock } = this.#options.context;
    const left = event.acceptedAt + config.maximumEventAgeSeconds * 1000 - clock.now();
    const cancel = clock.after(Math.max(0, Math.min(left, delayMs)), () => {
      this.#cancelTimers.delete(cancel);
      void (delayMs < left ? retry() : tooOld());
    });
    this.#cancelTimers.add(cancel);
  }

  async #giveUp(
    requestId: string,
    event: Event,
    fn: LambdaFunction,
    condition: string,
    result?: InvocationResult,
  ) {
    this.#metric(fn.name, 'AsyncEventsDropped');
    this.#options.context.warn(
      `${fn.name} gave up an event (${condition}): ${result?.payload ?? 'throttled'}`,
    );
    await this.#send(fn, fn.deadLetterArn, 'DeadLetterErrors', deadLetter(requestId, event, result));
    await this.#finish(requestId, event, fn, condition, this.#options.configOf(fn.name).onFailure, result);
  }

  async #finish(
    requestId: string,
    event: Event,
    fn: LambdaFunction,
    condition: string,
    destination: string | undefined,
    result?: InvocationResult,
  ): Promise<void> {
    if (destination) {
      const timestamp = new Date(this.#options.context.clock.now()).toISOString();
      const record = invocationRecord({ timestamp, requestId, event, fn, condition, result });
      await this.#send(fn, destination, 'DestinationDeliveryFailures', record);
    }
    if (!this.#isStopped) this.#journal.done(requestId);
  }

  async #send(
    fn: LambdaFunction,
    arn: string | undefined,
    metricOfFailure: string,
    delivery: Delivery,
  ): Promise<void> {
    if (!arn) return;
    const { context } = this.#options;
    try {
      await deliver(context, arn, delivery, { kind: 'role', roleArn: fn.roleArn, sessionName: fn.name });
    } catch (error) {
      this.#metric(fn.name, metricOfFailure);
      context.warn(
        `${fn.name} could not send an event to ${arn}: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  #drop(requestId: string, event: Event, why: string): void {
    this.#options.context.warn(`An event for ${event.functionName} is dropped: ${why}`);
    this.#journal.done(requestId);
  }

  #metric(functionName: string, name: string): void {
    const dimensions = { FunctionName: functionName };
    this.#options.context.metric({ namespace: 'AWS/Lambda', name, dimensions, value: 1, unit: 'Count' });
  }
}

const errorShape = z.object({ errorMessage: z.string() }).catch({ errorMessage: '' });

function deadLetter(requestId: string, event: Event, result: InvocationResult | undefined): Delivery {
  const { errorMessage } = errorShape.parse(JSON.parse(result?.payload ?? '{}'));
  const attributes = {
    RequestID: requestId,
    ErrorCode: result ? '200' : '429',
    ErrorMessage: errorMessage.slice(0, 1024),
  };
  return { text: event.payload, attributes, detailType: '', resources: [] };
}

interface Outcome {
  readonly timestamp: string;
  readonly requestId: string;
  readonly event: Event;
  readonly fn: LambdaFunction;
  readonly condition: string;
  readonly result: InvocationResult | undefined;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
function invocationRecord({ timestamp, requestId, event, fn, condition, result }: Outcome): Delivery {
  const functionArn = `${fn.arn}:$LATEST`;
  const isSuccess = condition === 'Success';
  const record = {
    version: '1.0',
    timestamp,
    requestContext: {
      requestId,
      functionArn,
      condition,
      approximateInvokeCount: event.errors + (isSuccess ? 1 : 0),
    },
    requestPayload: JSON.parse(event.payload),
    ...(result && {
      responseContext: {
        statusCode: 200,
        executedVersion: '$LATEST',
        ...(result.failed && { functionError: 'Unhandled' }),
      },
      responsePayload: JSON.parse(result.payload),
    }),
  };
  return {
    text: JSON.stringify(record),
    detailType: `Lambda Function Invocation Result - ${isSuccess ? 'Success' : 'Failure'}`,
    resources: [functionArn],
  };
}
