import { randomBytes, randomUUID } from 'node:crypto';
import type { Faults } from '../../faults/faults.ts';
import { AwsError, type RuntimeContext } from '../service.ts';
import { type Environment, type InvocationResult, killedResult } from './environment.ts';
import type { LambdaFunction } from './function.ts';
import type { Pool } from './pool.ts';

export interface InvokeOptions {
  /** Default a new one. */
  readonly requestId?: string;
  readonly traceId?: string | undefined;
  readonly clientContext?: unknown;
}

export interface InvokerOptions {
  /** May kill a function's process. */
  readonly faults?: Faults;
}

/** Runs functions, within their reserved concurrency, and counts what AWS counts. */
export class Invoker {
  readonly #context: RuntimeContext;
  readonly #pool: Pool;
  readonly #faults: Faults | undefined;
  /** Invocations that run or wait, by function name. */
  readonly #inFlight = new Map<string, number>();

  constructor(context: RuntimeContext, pool: Pool, { faults }: InvokerOptions = {}) {
    this.#context = context;
    this.#pool = pool;
    this.#faults = faults;
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
      const requestId = options.requestId ?? randomUUID();
      const traceId = options.traceId ?? this.#newTraceId();
      const { clientContext } = options;
      const result = await this.#disturbed(fn, environment, requestId, () =>
        environment.invoke({ requestId, payload, traceId, clientContext }),
      ).finally(() => this.#pool.release(environment));
      this.#count(fn, 'Invocations', 1);
      this.#count(fn, 'Errors', result.failed ? 1 : 0);
      this.#count(fn, 'Duration', result.durationMs, 'Milliseconds');
      return result;
    } finally {
      this.#inFlight.set(fn.name, (this.#inFlight.get(fn.name) ?? 1) - 1);
    }
  }

  #disturbed(
    fn: LambdaFunction,
    environment: Environment,
    requestId: string,
    work: () => Promise<InvocationResult>,
  ): Promise<InvocationResult> {
    const invocation = {
      functionName: fn.name,
      kill: () => environment.kill(),
      killed: () => killedResult(requestId),
    };
    return this.#faults?.invocation(invocation, work) ?? work();
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
