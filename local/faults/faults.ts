import { randomInt } from 'node:crypto';
import { type Clock, MovableClock } from '../clock.ts';
import type { FaultKind } from '../help-desk/faults.ts';
import type { InvocationResult } from '../services/lambda/environment.ts';
import type { BusEvent, Caller } from '../services/service.ts';
import { givenError, serverError, throttlingError } from './errors.ts';
import { seededRandom } from './random.ts';
import {
  type CallerKind,
  type Duration,
  type EventSource,
  type FaultName,
  type FaultPlan,
  type Rule,
  type RuleOf,
  readPlan,
} from './rules.ts';

/** An API call, as rules see it. */
export interface FaultyCall {
  /** `endpoint`: over HTTP. `process`: one stand-in of another. */
  readonly via: 'endpoint' | 'process';
  /** Signing name. */
  readonly service: string;
  readonly operation: string;
  readonly caller: Caller;
}

/** An invocation of a function, as rules see it. */
export interface FaultyInvocation {
  readonly functionName: string;
  /** Kills the function's process. */
  kill(): void;
  /** What Lambda answers of a process that was killed. */
  killed(): InvocationResult;
}

/** A rule at work. */
interface Active {
  readonly rule: Rule;
  readonly random: () => number;
  /** What matched, and how much of it met the fault. */
  matched: number;
  met: number;
}

/** The faults that are switched on, with what they have done so far. */
export interface FaultReport {
  readonly seed: number;
  readonly rules: readonly (Rule & { readonly matched: number; readonly met: number })[];
}

export interface FaultsOptions {
  readonly clock: Clock;
  /** Whether a role is a state machine's. */
  readonly isStateMachine: (roleArn: string) => boolean;
}

/** Actions by which a service hands on an event. */
const DELIVERIES = new Set(['SendMessage', 'Publish', 'Invoke', 'StartExecution', 'PutEvents']);
const SOURCE_OF: Readonly<Record<string, EventSource>> = {
  's3.amazonaws.com': 's3',
  'events.amazonaws.com': 'events',
  'sns.amazonaws.com': 'sns',
};
/** Losing the answer of an action that only looks is the same as failing before it. */
const ONLY_LOOKS = /^(Get|Head|List|Describe|Detect|Batch(Get|Detect)|Query|Scan)/;
/** A process that dies during its work does so after one of its first calls. */
const LAST_CALLS = 3;

/**
 * What goes wrong in the local runtime, and when. Every part that can be disturbed hands its work to the method that
 * stands around it; with nothing switched on, that is all that happens.
 */
export class Faults {
  readonly #options: FaultsOptions;
  #seed = 0;
  #active: readonly Active[] = [];
  readonly #timers = new Set<() => void>();
  /** What ends a wait early. */
  readonly #waiting = new Set<() => void>();
  /** Deliveries that wait for a later one, by source. */
  readonly #held = new Map<EventSource, Set<() => void>>();
  /** Processes about to die, by function name: after so many more calls. */
  readonly #doomed = new Map<string, Set<{ left: number; kill(): void }>>();

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  /**
   * Switches on exactly what the plan says. Without a seed there a new one is drawn.
   * @throws InvalidFaults
   */
  set(plan: FaultPlan | readonly unknown[] = {}): void {
    const { seed = randomInt(2 ** 32 - 1), rules } = readPlan(plan);
    this.clear();
    this.#seed = seed;
    this.#active = rules.map((rule, index) => ({
      rule,
      random: seededRandom(seed + index),
      matched: 0,
      met: 0,
    }));
    for (const active of this.#active) this.#jump(active);
  }

  /** Switches everything off; what is held back goes on at once. */
  clear(): void {
    this.#active = [];
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#doomed.clear();
    for (const go of this.#waiting) go();
  }

  report(): FaultReport {
    return {
      seed: this.#seed,
      rules: this.#active.map(({ rule, matched, met }) => ({ ...rule, matched, met })),
    };
  }

  /** Around an API call. */
  async call<Output>(call: FaultyCall, work: () => Promise<Output>): Promise<Output> {
    if (this.#active.length === 0) return work();
    const source = call.caller.kind === 'service' ? SOURCE_OF[call.caller.service] : undefined;
    const disturbed = () => this.#disturb(call, work);
    try {
      return await (source && DELIVERIES.has(call.operation)
        ? this.#deliver(source, disturbed)
        : disturbed());
    } finally {
      if (call.via === 'endpoint') this.#doom(call.caller);
    }
  }

  /** Whether an event of AWS itself gets as far as EventBridge. */
  arrives({ source, detail, 'detail-type': type }: BusEvent): boolean {
    if (source !== 'aws.states' || type !== 'Step Functions Execution Status Change') return true;
    const status = String(detail.status);
    return this.#met('lost', ({ statuses }) => statuses?.includes(status) ?? true).length === 0;
  }

  /** Around an invocation. */
  async invocation(
    { functionName, kill, killed }: FaultyInvocation,
    work: () => Promise<InvocationResult>,
  ): Promise<InvocationResult> {
    const isHit = ({ function: part = '' }: RuleOf<'crashed'>) => functionName.includes(part);
    const [crash] = this.#met('crashed', isHit);
    if (!crash) return work();
    if (crash.rule.moment === 'before') kill();
    if (crash.rule.moment !== 'during') {
      await work();
      kill();
      return killed();
    }
    const doom = { left: 1 + Math.floor(crash.random() * LAST_CALLS), kill };
    const doomed = this.#doomed.get(functionName) ?? new Set();
    this.#doomed.set(functionName, doomed.add(doom));
    return work().finally(() => doomed.delete(doom));
  }

  /** What the help desk, or the CRM, does wrong with its next request. */
  server(name: 'help-desk' | 'crm'): FaultKind | undefined {
    return this.#met(name)[0]?.rule.how;
  }

  /** Rules of a kind that meet what matches them. */
  #met<Name extends FaultName>(
    name: Name,
    matches: (rule: RuleOf<Name>) => boolean = () => true,
  ): { rule: RuleOf<Name>; random: () => number }[] {
    return this.#active.flatMap((active) => {
      const { rule, random } = active;
      if (!isOf(rule, name) || !matches(rule) || active.met >= (rule.count ?? Number.POSITIVE_INFINITY))
        return [];
      active.matched++;
      if ('probability' in rule && random() >= rule.probability) return [];
      active.met++;
      return [{ rule, random }];
    });
  }

  async #disturb<Output>(call: FaultyCall, work: () => Promise<Output>): Promise<Output> {
    const { service, operation, caller } = call;
    const kind = this.#callerOf(call);
    const matches = (rule: RuleOf<'throttled' | 'failing' | 'unanswered' | 'slow'>) =>
      kind !== undefined &&
      rule.callers.includes(kind) &&
      (rule.service ?? service) === service &&
      (rule.operations?.includes(operation) ?? true) &&
      nameOf(caller).includes(rule.by ?? '');
    for (const { rule, random } of this.#met('slow', matches))
      await this.#waitAtMost(rule.seconds, random).promise;
    if (this.#met('throttled', matches).length > 0) throw throttlingError(service);
    const [failure] = this.#met('failing', matches);
    if (failure) throw failure.rule.error ? givenError(failure.rule.error) : serverError(service);
    const [unanswered] = this.#met('unanswered', matches);
    if (unanswered && ONLY_LOOKS.test(operation)) throw serverError(service);
    const output = await work();
    if (unanswered) throw serverError(service);
    return output;
  }

  async #deliver<Output>(source: EventSource, work: () => Promise<Output>): Promise<Output> {
    const matches = ({ from }: { from: readonly EventSource[] }) => from.includes(source);
    for (const { rule, random } of this.#met('delayed', matches))
      await this.#waitAtMost(rule.seconds, random).promise;
    for (const { rule, random } of this.#met('reordered', matches))
      await this.#hold(source, rule.seconds, random);
    const output = await work();
    this.#release(source);
    for (const { rule, random } of this.#met('duplicated', matches)) {
      this.#after(rule.seconds, random, () => void work().catch(() => {}));
    }
    return output;
  }

  async #hold(source: EventSource, seconds: Duration, random: () => number): Promise<void> {
    const held = this.#held.get(source) ?? new Set();
    const { promise, go } = this.#waitAtMost(seconds, random);
    this.#held.set(source, held.add(go));
    await promise;
    held.delete(go);
  }

  #release(source: EventSource): void {
    for (const go of this.#held.get(source) ?? []) go();
  }

  #doom(caller: Caller): void {
    if (caller.kind !== 'role') return;
    for (const doom of this.#doomed.get(caller.sessionName) ?? []) {
      doom.left--;
      if (doom.left === 0) doom.kill();
    }
  }

  /** Calls that a stand-in makes with somebody's role, as Textract does to read an object, belong to no kind. */
  #callerOf({ via, service, caller }: FaultyCall): CallerKind | undefined {
    if (caller.kind !== 'role') return caller.kind;
    if (via === 'endpoint') return 'function';
    if (this.#options.isStateMachine(caller.roleArn)) return 'state-machine';
    return service === 'sqs' ? 'poller' : undefined;
  }

  /** @returns what cancels it */
  #after(seconds: Duration, random: () => number, act: () => void): () => void {
    const cancel = this.#options.clock.after(drawn(seconds, random) * 1000, () => {
      this.#timers.delete(cancel);
      act();
    });
    this.#timers.add(cancel);
    return () => {
      cancel();
      this.#timers.delete(cancel);
    };
  }

  /** Waits until the time is over, `go` is called, or the faults are switched off. */
  #waitAtMost(seconds: Duration, random: () => number): { promise: Promise<void>; go: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#after(seconds, random, () => go());
    const go = () => {
      cancel();
      this.#waiting.delete(go);
      resolve();
    };
    this.#waiting.add(go);
    return { promise, go };
  }

  #jump(active: Active): void {
    const { rule, random } = active;
    const { clock } = this.#options;
    if (rule.fault !== 'clock' || active.met >= rule.count || !(clock instanceof MovableClock)) return;
    active.matched++;
    active.met++;
    clock.jump(drawn(rule.seconds, random) * 1000);
    this.#after(rule.every, random, () => this.#jump(active));
  }
}

const isOf = <Name extends FaultName>(rule: Rule, name: Name): rule is RuleOf<Name> => rule.fault === name;

const drawn = (seconds: Duration, random: () => number): number =>
  typeof seconds === 'number' ? seconds : seconds[0] + random() * (seconds[1] - seconds[0]);

const nameOf = (caller: Caller): string =>
  caller.kind === 'role' ? `${caller.roleArn} ${caller.sessionName}` : '';
