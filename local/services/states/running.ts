import { createHash, randomUUID } from 'node:crypto';
import type { Flow } from '../../asl/definition.ts';
import { Cancelled, StateError } from '../../asl/errors.ts';
import type { EventDetails, Host, MapRun, MapRunOptions, TaskCall, TokenWait } from '../../asl/host.ts';
import type { Json, JsonObject } from '../../asl/json.ts';
import { parseJson } from '../../asl/json.ts';
import { failureOf, type Position, Walk } from '../../asl/walk.ts';
import type { Caller, RuntimeContext } from '../service.ts';
import { perform } from './integrations.ts';
import type { HistoryLog } from './logging.ts';
import { mappedError } from './sdk-errors.ts';
import type { ExecutionRow, ExecutionStatus, Revision } from './store.ts';
import type { Tokens } from './tokens.ts';

/** Events that one execution may have (Step Functions quotas, "Maximum execution history size"). */
const MAX_EVENTS = 25_000;

/** Somebody asked for the execution to stop. */
export class StopRequest extends Cancelled {
  readonly error: string | undefined;
  readonly reason: string | undefined;

  constructor(error: string | undefined, reason: string | undefined) {
    super(reason ?? 'The execution was stopped.');
    this.error = error;
    this.reason = reason;
  }
}

class TimeOut extends Cancelled {}
class Shutdown extends Cancelled {}

/** How an execution goes on from what was stored. */
export interface Checkpoint {
  readonly position: Position;
  readonly nextId: number;
}

/** What a running execution needs of the service around it. */
export interface Surroundings {
  readonly runtime: RuntimeContext;
  readonly tokens: Tokens;
  changed(execution: Running): void;
  ended(execution: Running): void;
  startMapRun(parent: Running, options: MapRunOptions): MapRun;
  startChild(call: ChildStart): Promise<ChildHandle>;
  readonly jobRuns: JobRuns;
}

/** Runs of jobs that other services do, which executions wait for. */
export interface JobRuns {
  /** Resolves when the run of a Glue job has ended. */
  ended(runId: string): Promise<void>;
  /** Whether the runtime ends, so that runs and those that wait for them are left to be resumed. */
  readonly left: boolean;
}

/** A nested execution to start from a task. */
export interface ChildStart {
  readonly caller: Caller;
  readonly machineArn: string;
  readonly name: string | undefined;
  readonly input: string;
  readonly visit: string;
}

export interface ChildHandle {
  readonly arn: string;
  readonly startDate: number;
  /** Resolves with the row of the execution when it has ended. */
  ended(): Promise<ExecutionRow>;
  stop(reason: string): void;
}

const ENDINGS: Readonly<Record<string, string>> = {
  SUCCEEDED: 'ExecutionSucceeded',
  FAILED: 'ExecutionFailed',
  ABORTED: 'ExecutionAborted',
  TIMED_OUT: 'ExecutionTimedOut',
};

/** An execution that is under way: the interpreter's host, its history and its checkpoint. */
export class Running implements Host {
  readonly row: ExecutionRow;
  readonly revision: Revision;
  readonly done: Promise<void>;
  readonly #surroundings: Surroundings;
  readonly #flow: Flow;
  readonly #log: HistoryLog | undefined;
  readonly #position: Position;
  readonly #controller = new AbortController();
  readonly #finished = Promise.withResolvers<void>();
  #nextId: number;
  #events: string[] = [];

  constructor(options: {
    row: ExecutionRow;
    revision: Revision;
    flow: Flow;
    checkpoint: Checkpoint;
    surroundings: Surroundings;
    log: HistoryLog | undefined;
  }) {
    this.row = options.row;
    this.revision = options.revision;
    this.#flow = options.flow;
    this.#surroundings = options.surroundings;
    this.#log = options.log;
    this.#position = options.checkpoint.position;
    this.#nextId = options.checkpoint.nextId;
    this.done = this.#finished.promise;
  }

  get clock() {
    return this.#surroundings.runtime.clock;
  }

  get region() {
    return this.#surroundings.runtime.region;
  }

  get caller(): Caller {
    return { kind: 'role', roleArn: this.revision.roleArn, sessionName: this.row.name };
  }

  get stored(): boolean {
    return this.revision.type === 'STANDARD';
  }

  /** Goes on from the checkpoint until the execution ends; never rejects. */
  async run(timeoutSeconds: number | undefined): Promise<void> {
    const { row } = this;
    const began = row.redriveDate ?? row.startDate;
    const cancelTimer =
      timeoutSeconds === undefined
        ? undefined
        : this.clock.after(began + timeoutSeconds * 1000 - this.clock.now(), () =>
            this.#controller.abort(new TimeOut('States.Timeout')),
          );
    try {
      const walk = new Walk({
        host: this,
        flow: this.#flow,
        context: this.#context(),
        signal: this.#controller.signal,
        position: this.#position,
      });
      const output = await walk.run();
      this.#end('SUCCEEDED', { output: output.text });
    } catch (error) {
      this.#failed(error);
    } finally {
      cancelTimer?.();
      this.#finished.resolve();
    }
  }

  stop(error: string | undefined, cause: string | undefined): void {
    this.#controller.abort(new StopRequest(error, cause));
  }

  /** Leaves the execution as it is, to be resumed at the next start. */
  shutDown(): void {
    this.#controller.abort(new Shutdown('The runtime stops.'));
  }

  record(type: string, previousEventId: number, details?: EventDetails): number {
    if (this.#nextId >= MAX_EVENTS)
      throw new StateError(
        'States.Runtime',
        `The execution reached the maximum number of history events (${MAX_EVENTS}).`,
      );
    return this.#append(type, previousEventId, details);
  }

  async task(call: TaskCall): Promise<Json> {
    const caller = call.roleArn
      ? { ...this.caller, kind: 'role' as const, roleArn: call.roleArn, sessionName: this.row.name }
      : this.caller;
    return perform({
      ...call,
      caller,
      executionArn: this.row.arn,
      runtime: this.#surroundings.runtime,
      startChild: (start) => this.#surroundings.startChild(start),
      jobRuns: this.#surroundings.jobRuns,
    });
  }

  /** Deterministic, so that a task that is sent again after a crash carries the token it was sent with before. */
  token(enteredEventId: number, attempt: number): string {
    const { seq, arn, startDate, redriveCount } = this.row;
    const parts = [seq, startDate, redriveCount, enteredEventId, attempt].join('.');
    const digest = createHash('sha256').update(`${arn}.${parts}`).digest('base64url');
    return `AAAAKgAAAAIAAAAAAAAAA${Buffer.from(parts).toString('base64url')}${digest}`;
  }

  awaitToken(wait: TokenWait): Promise<Json> {
    return this.#surroundings.tokens.wait(wait, this.row);
  }

  random(): number {
    return Math.random();
  }

  /** Children of a Map Run are executions of the state machine itself, which its own role starts and redrives. */
  mapRun(options: MapRunOptions): MapRun {
    const { machineArn } = this.row;
    const children = `${machineArn.replace(':stateMachine:', ':execution:')}/${options.label}:*`;
    try {
      this.#surroundings.runtime.authorize(
        options.redriveOf
          ? { caller: this.caller, action: 'states:RedriveExecution', resource: children }
          : { caller: this.caller, action: 'states:StartExecution', resource: machineArn },
      );
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StateError('States.Permissions', reason, { cause: error });
    }
    return this.#surroundings.startMapRun(this, options);
  }

  async call(service: string, operation: string, input: JsonObject, signal: AbortSignal) {
    try {
      return await this.#surroundings.runtime.call(service, operation, { ...input }, this.caller, signal);
    } catch (error) {
      throw mappedError(service, error, 'sdk');
    }
  }

  /** The id that the next event gets, and the text of events that are not stored yet. */
  takeEvents(): { readonly first: number; readonly body: string } | undefined {
    if (this.#events.length === 0) return undefined;
    const body = this.#events.join(',');
    const first = this.#nextId - this.#events.length;
    this.#events = [];
    return { first, body };
  }

  /** @param whole with finished branches, for a redrive; without, an interrupted state starts again */
  checkpoint(whole: boolean): string {
    const checkpoint: Checkpoint = { position: this.#position, nextId: this.#nextId };
    return whole
      ? JSON.stringify(checkpoint)
      : JSON.stringify(checkpoint, (key, value: unknown) => (key === 'lanes' ? undefined : value));
  }

  #append(type: string, previousEventId: number, details: EventDetails | undefined): number {
    if (this.#controller.signal.reason instanceof Shutdown) return previousEventId;
    const id = this.#nextId++;
    const now = this.clock.now();
    if (this.stored)
      this.#events.push(JSON.stringify({ timestamp: now / 1000, type, id, previousEventId, ...details }));
    this.#log?.write({ id, type, previousEventId, now, details, redriveCount: this.row.redriveCount });
    this.#surroundings.changed(this);
    return id;
  }

  /** Records how the execution began or was redriven; to be called before `run`. */
  begin(type: 'ExecutionStarted' | 'ExecutionRedriven'): void {
    const { input, redriveCount } = this.row;
    if (type === 'ExecutionStarted')
      this.#append(type, 0, {
        executionStartedEventDetails: {
          input,
          inputDetails: { truncated: false },
          roleArn: this.revision.roleArn,
        },
      });
    else
      this.#position.previous = this.#append(type, this.#nextId - 1, {
        executionRedrivenEventDetails: { redriveCount },
      });
  }

  #failed(error: unknown): void {
    const { reason } = this.#controller.signal;
    if (reason instanceof Shutdown) return;
    if (reason instanceof StopRequest) this.#end('ABORTED', { error: reason.error, cause: reason.reason });
    else if (reason instanceof TimeOut) this.#end('TIMED_OUT', { error: 'States.Timeout' });
    else {
      const failure = failureOf(error, new AbortController().signal);
      this.#end('FAILED', { error: failure.error, cause: failure.reason });
    }
  }

  #end(
    status: ExecutionStatus,
    result: { output?: string; error?: string | undefined; cause?: string | undefined },
  ): void {
    const { row } = this;
    row.status = status;
    row.stopDate = this.clock.now();
    row.output = result.output;
    row.error = result.error;
    row.cause = result.cause;
    const type = ENDINGS[status] ?? '';
    this.#append(type, this.#position.previous, {
      [`${type[0]?.toLowerCase()}${type.slice(1)}EventDetails`]:
        result.output === undefined
          ? {
              ...(result.error !== undefined && { error: result.error }),
              ...(result.cause !== undefined && { cause: result.cause }),
            }
          : { output: result.output, outputDetails: { truncated: false } },
    });
    this.#surroundings.ended(this);
  }

  #context() {
    const { row, revision } = this;
    return {
      Execution: {
        Id: row.arn,
        Input: parseJson(row.input),
        Name: row.name,
        RoleArn: revision.roleArn,
        StartTime: new Date(row.startDate).toISOString(),
        RedriveCount: row.redriveCount,
        ...(row.redriveDate !== undefined && { RedriveTime: new Date(row.redriveDate).toISOString() }),
      },
      StateMachine: { Id: row.machineArn, Name: revision.name },
    };
  }
}

/** A name for an execution that was given none. */
export const generatedName = (): string => randomUUID();
