import { randomBytes, randomUUID } from 'node:crypto';
import { AwsError, type RuntimeContext } from '../service.ts';
import type { InvocationResult } from './environment.ts';
import type { LambdaFunction } from './function.ts';
import type { Pool } from './pool.ts';

export interface InvokeOptions {
  /** Default a new one. */
  readonly requestId?: string;
  readonly traceId?: string | undefined;
  readonly clientContext?: unknown;
}

/** Runs functions, within their reserved concurrency, and counts what AWS counts. */
export class Invoker {
  readonly #context: RuntimeContext;
  readonly #pool: Pool;
  /** Invocations that run or wait, by function name. */
  readonly #inFlight = new Map<string, number>();

  constructor(context: RuntimeContext, pool: Pool) {
    this.#context = context;
    this.#pool = pool;
  }

  /**
   * Invokes synchronously.
   * @param payload JSON
   * @throws AwsError `TooManyRequestsException` when the function's reserved concurrency is used up
   */
  async invoke(fn: LambdaFunction, payload: string, options: InvokeOptions = {}): Promise<InvocationResult> {
    if (!fn.directory) {
      const message = `${fn.name} has the runtime ${fn.runtime}, which the local runtime does not run.`;
      throw new AwsError('InvalidRuntimeException', message, { status: 502 });
    }
    const before = this.#inFlight.get(fn.name) ?? 0;
    if (fn.reservedConcurrency !== undefined && before >= fn.reservedConcurrency) {
      this.#count(fn, 'Throttles', 1);
      throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', {
        status: 429,
        members: { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', Type: 'User' },
      });
    }
    this.#inFlight.set(fn.name, before + 1);
    this.#count(fn, 'ConcurrentExecutions', before + 1);
    try {
      const environment = await this.#pool.acquire(fn);
      const result = await environment
        .invoke({
          requestId: options.requestId ?? randomUUID(),
          payload,
          traceId: options.traceId ?? this.#newTraceId(),
          clientContext: options.clientContext,
        })
        .finally(() => this.#pool.release(environment));
      this.#count(fn, 'Invocations', 1);
      this.#count(fn, 'Errors', result.failed ? 1 : 0);
      this.#count(fn, 'Duration', result.durationMs, 'Milliseconds');
      return result;
    } finally {
      this.#inFlight.set(fn.name, (this.#inFlight.get(fn.name) ?? 1) - 1);
    }
  }

  #count(fn: LambdaFunction, name: string, value: number, unit = 'Count'): void {
    this.#context.metric({
      namespace: 'AWS/Lambda',
      name,
      dimensions: { FunctionName: fn.name },
      value,
      unit,
    });
  }

  #newTraceId(): string {
    const time = Math.floor(this.#context.clock.now() / 1000).toString(16);
    const parent = randomBytes(8).toString('hex');
    return `Root=1-${time}-${randomBytes(12).toString('hex')};Parent=${parent};Sampled=1`;
  }
}
