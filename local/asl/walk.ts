import type { Flow, NumberOrExpression, State, Transition } from './definition.ts';
import { Cancelled, dataLimitExceeded, StateError } from './errors.ts';
import { type Bindings, compile, EvaluationError, type Variables } from './expressions.ts';
import type { Host } from './host.ts';
import { isObject, isTooLarge, type Json, type JsonObject, type Payload, parseJson } from './json.ts';
import { visit } from './states/index.ts';
import { sleep } from './time.ts';

/** A branch or iteration: where it stands, or what it gave (`output`, JSON text). */
export type Lane = { readonly output: string } | Position;

/** A token handed out for the task of the current state. Times are milliseconds since the epoch. */
export interface PendingToken {
  readonly token: string;
  readonly timeoutAt?: number;
  readonly heartbeatMs?: number;
  heartbeatAt?: number;
  /** The request that carries the token was answered: it must not be sent again. */
  submitted?: boolean;
}

/** Where a flow stands: everything needed to go on after a restart or a redrive. Plain JSON. */
export interface Position {
  state: string;
  /** Input of the state, as JSON text. */
  input: string;
  variables: JsonObject;
  /** Id of the flow's last history event. */
  previous: number;
  /** Id and time (milliseconds) of the event that entered the state; id 0 before it is entered. */
  enteredId: number;
  enteredAt: number;
  /** Retries used, per retrier. */
  retries: number[];
  retryCount: number;
  /** When a Wait state or the pause before a retry ends, in milliseconds. */
  wakeAt?: number | undefined;
  token?: PendingToken | undefined;
  /** Answer to the start of the `.sync` job that the state waits for. */
  job?: Json | undefined;
  lanes?: (Lane | null)[] | undefined;
  mapRunArn?: string | undefined;
}

/** What a state decided. `undefined` as next state ends the flow. */
export interface Outcome {
  readonly output: Payload;
  readonly assigned?: JsonObject | undefined;
  readonly next: string | undefined;
}

/** Parts of `$states.context` that do not change during an execution. */
export interface ExecutionContext {
  readonly Execution: JsonObject;
  readonly StateMachine: JsonObject;
}

export interface WalkOptions {
  readonly host: Host;
  readonly flow: Flow;
  readonly context: ExecutionContext;
  readonly signal: AbortSignal;
  readonly position: Position;
  /** Variables of the enclosing flow. */
  readonly outer?: Variables;
  /** `$states.context.Map` of an iteration. */
  readonly map?: JsonObject | undefined;
}

const ABORTABLE = new Set(['Task', 'Wait', 'Map', 'Parallel']);

export const startOf = (flow: Flow, input: string, previous = 0): Position => ({
  state: flow.StartAt,
  input,
  variables: {},
  previous,
  enteredId: 0,
  enteredAt: 0,
  retries: [],
  retryCount: 0,
});

/** One flow on its way through its states: a whole execution, a branch of a Parallel or an iteration of a Map. */
export class Walk {
  readonly host: Host;
  readonly flow: Flow;
  readonly context: ExecutionContext;
  readonly signal: AbortSignal;
  readonly position: Position;
  readonly map: JsonObject | undefined;
  variables: Variables;
  input: Json;
  readonly #outer: Variables | null;

  constructor(options: WalkOptions) {
    this.host = options.host;
    this.flow = options.flow;
    this.context = options.context;
    this.signal = options.signal;
    this.position = options.position;
    this.map = options.map;
    this.#outer = options.outer ?? null;
    this.variables = Object.assign(Object.create(this.#outer), this.position.variables);
    this.input = parseJson(this.position.input);
  }

  /**
   * Goes from the position to the end of the flow and returns its output.
   * @throws StateError when a state fails and nothing catches it; the signal's reason when aborted
   */
  async run(): Promise<Payload> {
    for (;;) {
      this.signal.throwIfAborted();
      const state = this.state;
      if (this.position.enteredId === 0) this.#enter(state);
      let outcome: Outcome;
      try {
        outcome = await visit(this, state);
      } catch (error) {
        if (this.signal.aborted && ABORTABLE.has(state.Type)) this.record(`${state.Type}StateAborted`);
        throw error;
      }
      this.signal.throwIfAborted();
      this.#exit(state, outcome);
      if (outcome.next === undefined) return outcome.output;
    }
  }

  get state(): State {
    const state = this.flow.States[this.position.state];
    if (!state) throw new StateError('States.Runtime', `There is no state named '${this.position.state}'.`);
    return state;
  }

  /** Appends an event to the history, after this flow's last one. */
  record(type: string, details?: Readonly<Record<string, JsonObject>>): number {
    this.position.previous = this.host.record(type, this.position.previous, details);
    return this.position.previous;
  }

  /**
   * Evaluates a field of the state; `extra` are further members of `$states` (`result`, `errorOutput`), `map` is
   * `$states.context.Map` where it is another than the flow's.
   */
  async evaluate(template: Json, field: string, extra: Extra = {}, map = this.map): Promise<Json> {
    const compiled = compile(template);
    if (compiled.constant !== undefined) return compiled.constant;
    try {
      return await compiled.evaluate(this.#bindings(extra, map), field);
    } catch (error) {
      if (error instanceof EvaluationError) throw this.evaluationFailed(error.message, field);
      throw error;
    }
  }

  /** Evaluates to a value of a JavaScript type, for fields that allow only one. */
  async evaluateAs(type: 'boolean' | 'string', template: Json, field: string, extra?: Extra): Promise<Json> {
    const value = await this.evaluate(template, field, extra);
    if (typeof value === type) return value;
    throw this.unexpectedType(template, field, type, value);
  }

  /** Evaluates to a whole number that is not negative; undefined where the field is not there. */
  async evaluateNumber(
    template: NumberOrExpression | undefined,
    field: string,
    extra?: Extra,
  ): Promise<number | undefined> {
    if (template === undefined || typeof template === 'number') return template;
    const value = await this.evaluate(template, field, extra);
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
    throw this.unexpectedType(template, field, 'integer', value);
  }

  unexpectedType(template: Json, field: string, expected: string, value: Json): StateError {
    const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
    const source =
      typeof template === 'string' ? template.replace(/^\{%\s*|\s*%\}$/g, '') : JSON.stringify(template);
    return this.evaluationFailed(
      `The JSONata expression '${source}' specified for the field '${field}' returned an unexpected result type. Expected '${expected}', but was '${kind}' for value: ${JSON.stringify(value)}`,
      field,
    );
  }

  /** Records and makes a `States.QueryEvaluationError`. */
  evaluationFailed(message: string, location: string): StateError {
    const { state, enteredId } = this.position;
    const cause = `An error occurred while executing the state '${state}' (entered at the event id #${enteredId}). ${message}`;
    this.record('EvaluationFailed', {
      evaluationFailedEventDetails: { error: 'States.QueryEvaluationError', cause, location, state },
    });
    return new StateError('States.QueryEvaluationError', cause);
  }

  /**
   * Ends a state: evaluates `Assign` and `Output` with the variables as they were on entry, neither seeing the other.
   * @param fallback the output where the transition has no `Output`
   */
  async conclude(transition: Transition, fallback: Json, extra: Extra = {}): Promise<Outcome> {
    const assigned = transition.Assign && (await this.#assign(transition.Assign, extra));
    const output =
      transition.Output === undefined ? fallback : await this.evaluate(transition.Output, 'Output', extra);
    const text = output === this.input ? this.position.input : JSON.stringify(output);
    if (isTooLarge(text)) throw dataLimitExceeded(`The state '${this.position.state}' returned a result`);
    return { output: { value: output, text }, assigned, next: transition.Next };
  }

  sleep(ms: number): Promise<void> {
    return sleep(this.host.clock, ms, this.signal);
  }

  /** A walk through an inner flow, which sees this one's variables and cannot change them. */
  inner(options: Pick<WalkOptions, 'flow' | 'signal' | 'position' | 'map'>): Walk {
    return new Walk({ host: this.host, context: this.context, outer: this.variables, ...options });
  }

  async #assign(template: JsonObject, extra: Extra): Promise<JsonObject> {
    const assigned = await this.evaluate(template, 'Assign', extra);
    if (isTooLarge(JSON.stringify(assigned)))
      throw dataLimitExceeded(`The state '${this.position.state}' assigned variables`);
    return isObject(assigned) ? assigned : {};
  }

  #bindings(extra: Extra, map: JsonObject | undefined): Bindings {
    const walk = this;
    return {
      states: {
        input: this.input,
        ...extra,
        get context() {
          return walk.#contextObject(map);
        },
      },
      variables: this.variables,
      now: () => walk.host.clock.now(),
    };
  }

  #contextObject(map: JsonObject | undefined): JsonObject {
    const { state, enteredAt, retryCount, token } = this.position;
    return {
      Execution: this.context.Execution,
      State: { EnteredTime: new Date(enteredAt).toISOString(), Name: state, RetryCount: retryCount },
      StateMachine: this.context.StateMachine,
      ...(token && { Task: { Token: token.token } }),
      ...(map && { Map: map }),
    };
  }

  #enter(state: State): void {
    const { position } = this;
    position.enteredAt = this.host.clock.now();
    position.enteredId = this.record(`${state.Type}StateEntered`, {
      stateEnteredEventDetails: {
        name: position.state,
        input: position.input,
        inputDetails: { truncated: false },
      },
    });
  }

  #exit(state: State, { output, assigned, next }: Outcome): void {
    const { position } = this;
    this.record(`${state.Type}StateExited`, {
      stateExitedEventDetails: {
        name: position.state,
        output: output.text,
        outputDetails: { truncated: false },
        ...(assigned && {
          assignedVariables: Object.fromEntries(
            Object.entries(assigned).map(([name, value]) => [name, JSON.stringify(value)]),
          ),
          assignedVariablesDetails: { truncated: false },
        }),
      },
    });
    if (assigned) {
      position.variables = { ...position.variables, ...assigned };
      this.variables = Object.assign(Object.create(this.#outer), position.variables);
    }
    position.input = output.text;
    this.input = output.value;
    position.retries = [];
    position.retryCount = 0;
    position.wakeAt = undefined;
    position.token = undefined;
    position.job = undefined;
    position.lanes = undefined;
    position.mapRunArn = undefined;
    if (next === undefined) return;
    position.state = next;
    position.enteredId = 0;
    if (!this.signal.aborted) this.#enter(this.state);
  }
}

/** Members of `$states` beside `input` and `context`. */
export type Extra = { readonly result?: Json; readonly errorOutput?: Json };

/** The error of a state, or what cancelled it rethrown. */
export function failureOf(error: unknown, signal: AbortSignal): StateError {
  if (signal.aborted || error instanceof Cancelled) throw error;
  if (error instanceof StateError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StateError('States.Runtime', reason, { cause: error });
}
