import { availableParallelism } from 'node:os';
import type { RuntimeContext } from '../service.ts';
import { Environment } from './environment.ts';
import type { LambdaFunction } from './function.ts';
import { SpareTime } from './spare-time.ts';

export interface PoolOptions {
  /** Execution environments at once, of all functions; each is a process of about 45 MB. @default 12 */
  readonly concurrency?: number;
  /** Milliseconds of the runtime's clock after which an unused environment ends. @default 300000 */
  readonly idleMs?: number;
}

interface Waiter {
  readonly since: number;
  readonly resolve: (environment: Environment) => void;
}

interface Queue {
  /** As it is configured now. */
  fn: LambdaFunction;
  readonly waiters: Waiter[];
}

/** An invocation that waited this long, in milliseconds, is worth a second environment: about half of a cold start. */
const PATIENCE_MS = 50;
/** On a machine that is busy a function gets another environment only when none was released for this long, milliseconds. */
const STUCK_MS = 1000;
/** Idle processors that make another environment worth its start. */
const SPARE_PROCESSORS = 0.5;
/** While somebody waits, the machine is looked at again after this time, milliseconds. */
const LOOK_MS = 250;

/**
 * The execution environments of all functions. Where AWS would start another environment at once, a laptop would only
 * slow down the others: an invocation waits for a free environment of its function, in order of arrival, and another is
 * started when that takes long and the machine has time to spare, or nothing moves. When the pool is full the longest
 * unused environment makes room, and a function that has none at all gets the next one that is released.
 */
export class Pool {
  readonly #context: RuntimeContext;
  readonly #concurrency: number;
  readonly #idleMs: number;
  /** By function name; none is empty. */
  readonly #queues = new Map<string, Queue>();
  readonly #environments = new Set<Environment>();
  readonly #starting = new Set<Environment>();
  /** What cancels their end, in the order in which they fell idle. */
  readonly #idle = new Map<Environment, () => void>();
  readonly #outdated = new WeakSet<Environment>();
  /** When an environment of a function was last released, by function name. */
  readonly #released = new Map<string, number>();
  readonly #spareTime = new SpareTime();
  #alarm: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(context: RuntimeContext, options: PoolOptions = {}) {
    this.#context = context;
    this.#concurrency = options.concurrency ?? 12;
    this.#idleMs = options.idleMs ?? 300_000;
  }

  /** Execution environments that exist now. */
  get size(): number {
    return this.#environments.size;
  }

  /** Whether any of them is at work, or wanted. */
  get isBusy(): boolean {
    return this.#queues.size > 0 || this.#environments.size > this.#idle.size;
  }

  /** Waits for an environment of the function; give it back with {@link release}. */
  acquire(fn: LambdaFunction): Promise<Environment> {
    for (const [environment, cancelReaping] of this.#idle) {
      if (environment.fn !== fn || !environment.isAlive) continue;
      cancelReaping();
      this.#idle.delete(environment);
      return Promise.resolve(environment);
    }
    const { promise, resolve } = Promise.withResolvers<Environment>();
    const queue = this.#queues.get(fn.name) ?? { fn, waiters: [] };
    this.#queues.set(fn.name, queue);
    queue.fn = fn;
    queue.waiters.push({ since: performance.now(), resolve });
    this.#pump();
    return promise;
  }

  release(environment: Environment): void {
    this.#released.set(environment.fn.name, performance.now());
    if (this.#isStopped || !environment.isAlive) this.#retire(environment);
    else this.#offer(environment);
    this.#pump();
  }

  /** Ends the environments of a function whose configuration has changed; those in use end when released. */
  outdate(name: string): void {
    for (const environment of this.#environments) {
      if (environment.fn.name !== name) continue;
      if (this.#idle.has(environment)) this.#retire(environment);
      else this.#outdated.add(environment);
    }
  }

  /** Kills every environment and waits until all are gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#alarm);
    const all = [...this.#environments];
    for (const environment of all) this.#retire(environment);
    await Promise.all(all.map((environment) => environment.exited));
  }

  /** Gives an environment to who has waited longest for its function, or puts it aside. */
  #offer(environment: Environment): void {
    const { fn } = environment;
    const queue = this.#queues.get(fn.name);
    const waiter = queue?.waiters[0];
    if (this.#outdated.has(environment) || (waiter && this.#isStarved(waiter.since))) {
      this.#retire(environment);
    } else if (waiter) {
      queue.waiters.shift();
      if (queue.waiters.length === 0) this.#queues.delete(fn.name);
      waiter.resolve(environment);
    } else {
      const cancelReaping = this.#context.clock.after(this.#idleMs, () => this.#retire(environment));
      this.#idle.set(environment, cancelReaping);
    }
  }

  /** Whether some function without any environment waits for room, and has waited since before `since`. */
  #isStarved(since: number): boolean {
    if (this.#environments.size < this.#concurrency) return false;
    return this.#queues
      .values()
      .some((queue) => oldest(queue) < since && this.#count(this.#environments, queue.fn) === 0);
  }

  /** Starts what is worth starting. */
  #pump(): void {
    if (this.#isStopped) return;
    const now = performance.now();
    let soonest = Number.POSITIVE_INFINITY;
    const byAge = [...this.#queues.values()].sort((a, b) => oldest(a) - oldest(b));
    for (const queue of byAge) {
      const { fn, waiters } = queue;
      if (this.#starting.size >= availableParallelism()) break;
      if (this.#count(this.#starting, fn) >= waiters.length) continue;
      const isFirst = this.#count(this.#environments, fn) === 0;
      const patience = isFirst ? 0 : this.#patienceUntil(queue) - now;
      if (patience > 0) soonest = Math.min(soonest, patience, LOOK_MS);
      else if (this.#makeRoom(isFirst)) this.#launch(fn);
      else if (!isFirst) soonest = Math.min(soonest, LOOK_MS);
    }
    clearTimeout(this.#alarm);
    if (soonest < Number.POSITIVE_INFINITY) this.#alarm = setTimeout(() => this.#pump(), soonest + 1).unref();
  }

  /** When an invocation that waits is worth another environment: processes beyond the processors only hold each other up. */
  #patienceUntil(queue: Queue): number {
    return this.#spareTime.processors() >= SPARE_PROCESSORS
      ? oldest(queue) + PATIENCE_MS
      : Math.max(oldest(queue), this.#released.get(queue.fn.name) ?? 0) + STUCK_MS;
  }

  #makeRoom(urgent: boolean): boolean {
    if (this.#environments.size < this.#concurrency) return true;
    // The longest unused, but not the only one of its function while there are others.
    const idle = [...this.#idle.keys()];
    const surplus = idle.find(({ fn }) => this.#count(this.#environments, fn) > 1);
    const victim = surplus ?? (urgent ? idle[0] : undefined);
    if (victim) this.#retire(victim);
    return victim !== undefined;
  }

  #launch(fn: LambdaFunction): void {
    if (!fn.directory) throw new Error(`${fn.name} cannot run here`);
    const environment = new Environment(this.#context, fn, fn.directory);
    this.#environments.add(environment);
    this.#starting.add(environment);
    void environment.exited.then(() => this.#retire(environment));
    void environment.started.then(() => {
      this.#starting.delete(environment);
      // One that failed to start answers one invocation with the reason.
      if (this.#isStopped || (!environment.isAlive && !this.#queues.has(fn.name))) this.#retire(environment);
      else this.#offer(environment);
      this.#pump();
    });
  }

  #retire(environment: Environment): void {
    this.#idle.get(environment)?.();
    this.#idle.delete(environment);
    this.#environments.delete(environment);
    environment.kill();
  }

  #count(environments: ReadonlySet<Environment>, fn: LambdaFunction): number {
    let count = 0;
    for (const environment of environments) if (environment.fn.name === fn.name) count++;
    return count;
  }
}

/** When the invocation that has waited longest began to wait. */
function oldest({ waiters }: Queue): number {
  return waiters[0]?.since ?? Number.POSITIVE_INFINITY;
}
