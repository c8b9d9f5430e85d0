import type { Clock } from '../clock.ts';
import type { Flow } from './definition.ts';
import type { Json, JsonObject } from './json.ts';
import type { Resource } from './resource.ts';

/** Details of a history event by the name of their member, for example `stateEnteredEventDetails`. */
export type EventDetails = Readonly<Record<string, JsonObject>>;

/** A task to perform. */
export interface TaskCall {
  readonly resource: Resource;
  readonly arguments: Json;
  /** Role of the state's `Credentials`; default the state machine's. */
  readonly roleArn: string | undefined;
  readonly signal: AbortSignal;
  /** The same for the same visit and attempt, also after a restart: what makes a start idempotent. */
  readonly visit: string;
  /** The answer to the start of the job that is waited for (`.sync`), where the process ended meanwhile. */
  readonly job?: Json;
  /** To be called when a job was started that is then waited for (`.sync`), with the answer to the start. */
  submitted(output: Json): void;
}

/** An answer to a task token is awaited. */
export interface TokenWait {
  readonly token: string;
  readonly signal: AbortSignal;
  heartbeat(): void;
}

/** Counts of a Map Run as `DescribeMapRun` shows them. */
export interface MapCounts {
  pending: number;
  running: number;
  succeeded: number;
  failed: number;
  timedOut: number;
  aborted: number;
  total: number;
  resultsWritten: number;
}

/** What `UpdateMapRun` may change. */
export interface MapLimits {
  maxConcurrency: number;
  toleratedFailureCount: number;
  toleratedFailurePercentage: number;
}

export interface MapRunOptions {
  readonly label: string;
  readonly processor: Flow;
  readonly executionType: 'STANDARD' | 'EXPRESS';
  readonly limits: MapLimits;
  readonly redriveOf: string | undefined;
}

export interface ChildOutcome {
  readonly arn: string;
  readonly name: string;
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  readonly input: string;
  readonly output?: string;
  readonly error?: string;
  readonly reason?: string;
  /** Milliseconds since the epoch. */
  readonly startDate: number;
  readonly stopDate: number;
}

export interface MapRun {
  readonly arn: string;
  readonly redriveCount: number;
  /** Read at each failure: `UpdateMapRun` may change them meanwhile. */
  readonly limits: MapLimits;
  readonly itemCounts: MapCounts;
  readonly executionCounts: MapCounts;
  /** Runs one child execution to its end; never rejects for a failed child. */
  child(input: string, signal: AbortSignal): Promise<ChildOutcome>;
  finish(status: 'SUCCEEDED' | 'FAILED' | 'ABORTED'): void;
}

/** What an execution needs from the world outside the language. */
export interface Host {
  readonly clock: Clock;
  readonly region: string;
  /** Between 0 and 1, for jitter. */
  random(): number;
  /** Appends to the history and returns the event's id. */
  record(type: string, previousEventId: number, details?: EventDetails): number;
  task(call: TaskCall): Promise<Json>;
  /** The token of a task: the same for the same visit and attempt, also after a restart. */
  token(enteredEventId: number, attempt: number): string;
  awaitToken(wait: TokenWait): Promise<Json>;
  mapRun(options: MapRunOptions): MapRun;
  /** Calls an API action as the execution's role (item readers and result writers). */
  call(
    service: string,
    operation: string,
    input: JsonObject,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>>;
}
