import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, ManualClock, systemClock } from '../../local/clock.ts';
import {
  type AuthorizationRequest,
  AwsError,
  type BusEvent,
  type Caller,
  type LocalService,
  type RuntimeContext,
  type Shape,
} from '../../local/services/service.ts';
import { createStates } from '../../local/services/states/index.ts';

export const ROLE = 'arn:aws:iam::000000000000:role/machine';
export const LAMBDA = 'arn:aws:states:::lambda:invoke';
const BASE = 'arn:aws:states:us-east-1:000000000000';
export const machineArn = (name: string) => `${BASE}:stateMachine:${name}`;

/** A stand-in for another service's operation, by `<service>.<Operation>`. */
export type Stub = (input: Shape, caller: Caller, signal?: AbortSignal) => Promise<Shape> | Shape;

export interface HistoryEvent {
  readonly id: number;
  readonly previousEventId: number;
  readonly type: string;
  readonly timestamp: number;
  readonly [details: string]: unknown;
}

/** The service in a runtime that knows nothing else than the stubs a test gives. */
export class Harness implements Disposable {
  readonly dataDir: string;
  readonly stubs: Record<string, Stub> = {};
  readonly events: BusEvent[] = [];
  readonly logs: { group: string; stream: string; message: string }[] = [];
  readonly metrics: string[] = [];
  readonly authorized: AuthorizationRequest[] = [];
  readonly clock: Clock;
  deny: (request: AuthorizationRequest) => boolean = () => false;
  service: LocalService;

  constructor(clock: Clock = systemClock, dataDir = mkdtempSync(join(tmpdir(), 'millrace-states-'))) {
    this.clock = clock;
    this.dataDir = dataDir;
    this.service = createStates(this.#context());
  }

  /** The manual clock of the harness. */
  get time(): ManualClock {
    if (this.clock instanceof ManualClock) return this.clock;
    throw new Error('this harness runs on the machine’s clock');
  }

  async call(operation: string, input: Shape = {}): Promise<Shape> {
    const found = this.service.operations?.[operation];
    if (!found) throw new AwsError('UnknownOperationException', operation);
    return found.handle(input, { caller: { kind: 'administrator' } });
  }

  async create(name: string, definition: object, more: Shape = {}): Promise<string> {
    await this.call('CreateStateMachine', {
      name,
      roleArn: ROLE,
      definition: JSON.stringify({ QueryLanguage: 'JSONata', ...definition }),
      ...more,
    });
    return machineArn(name);
  }

  async start(name: string, input: unknown = {}, execution?: string): Promise<string> {
    const { executionArn } = await this.call('StartExecution', {
      stateMachineArn: machineArn(name),
      input: JSON.stringify(input),
      ...(execution && { name: execution }),
    });
    return String(executionArn);
  }

  /** Waits until the execution has ended, by its status change event. */
  async ended(executionArn: string): Promise<Shape> {
    for (;;) {
      const described = await this.call('DescribeExecution', { executionArn });
      if (described.status !== 'RUNNING') return described;
      await new Promise(setImmediate);
    }
  }

  /** Creates a state machine, runs it once and describes the execution. */
  async run(definition: object, input: unknown = {}): Promise<Shape> {
    const name = `m${this.#count++}`;
    await this.create(name, definition);
    return this.ended(await this.start(name, input));
  }
  #count = 0;

  async history(executionArn: unknown): Promise<HistoryEvent[]> {
    const { events } = await this.call('GetExecutionHistory', { executionArn, maxResults: 1000 });
    return events as HistoryEvent[];
  }

  async types(executionArn: unknown): Promise<string[]> {
    return (await this.history(executionArn)).map(({ type }) => type);
  }

  /** Resolves when `condition` holds; turns of the event loop, no sleeping. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise(setImmediate);
  }

  /** Stops the service in the middle of what runs, and opens a new one on the same files. */
  async restart(): Promise<void> {
    await this.service.stop?.();
    this.service = createStates(this.#context());
    await this.service.start?.();
  }

  [Symbol.dispose](): void {
    void this.service.stop?.();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  #context(): RuntimeContext {
    const authorize = (request: AuthorizationRequest) => {
      this.authorized.push(request);
      if (this.deny(request))
        throw new AwsError('AccessDeniedException', `not authorized to perform: ${request.action}`, {
          status: 400,
        });
    };
    return {
      clock: this.clock,
      account: '000000000000',
      region: 'us-east-1',
      dataDir: this.dataDir,
      endpoint: 'http://127.0.0.1:0',
      authorize,
      call: async (service, operation, input, caller, signal) => {
        if (service === 'states') return this.call(operation, input);
        const stub = this.stubs[`${service}.${operation}`];
        if (!stub) throw new AwsError('UnknownOperationException', `${service}.${operation}`);
        return stub(input, caller, signal);
      },
      emit: (event) => this.events.push(event),
      policies: { setRolePolicy() {}, setRoleTrust() {}, setResourcePolicy() {} },
      credentialsFor: () => ({ accessKeyId: '', secretAccessKey: '', sessionToken: '' }),
      metric: ({ name }) => this.metrics.push(name),
      log: (group, stream, message) => this.logs.push({ group, stream, message }),
      warn: () => {},
    };
  }
}

export const json = (text: unknown): unknown => JSON.parse(String(text));

/** A Lambda stub: `Payload` in, `Payload` out, errors as `FunctionError`. */
export const lambda =
  (handler: (payload: unknown, functionName: unknown) => unknown): Stub =>
  async ({ Payload, FunctionName }) => {
    try {
      return {
        StatusCode: 200,
        Payload: JSON.stringify((await handler(json(Payload), FunctionName)) ?? null),
      };
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      const Payload = JSON.stringify({ errorMessage: message, errorType: name, trace: [] });
      return { StatusCode: 200, FunctionError: 'Unhandled', Payload };
    }
  };

export class NamedError extends Error {
  constructor(name: string, message = name) {
    super(message);
    this.name = name;
  }
}
