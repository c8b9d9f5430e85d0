import { pause } from './io.ts';

/** A token bucket: so many turns a second on the average, and so many at once. */
export class Pace {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #now: () => number;
  #tokens: number;
  #filledAt: number;

  constructor(perSecond: number, burst = perSecond, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#now = now;
    this.#tokens = burst;
    this.#filledAt = now();
  }

  /** Milliseconds until the caller's turn, which is taken: callers get theirs one after another. */
  take(): number {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = now;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000;
  }

  /** Waits for the caller's turn, or until the person stops. */
  async turn(signal: AbortSignal): Promise<void> {
    const ms = this.take();
    if (ms > 0) await pause(ms, signal);
  }
}

/** Does the work for every item, so many at once; begins nothing new once the person stops. */
export async function inLanes<T>(
  items: Iterable<T>,
  lanes: number,
  work: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const lane = async () => {
    for (let next = rest.next(); !next.done && !signal?.aborted; next = rest.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** The answers for every item, in order, so many asked at once. */
export async function mapInLanes<T, R>(
  items: readonly T[],
  lanes: number,
  ask: (item: T) => Promise<R>,
): Promise<R[]> {
  const answers = new Map<number, R>();
  await inLanes(items.entries(), lanes, async ([i, item]) => {
    answers.set(i, await ask(item));
  });
  return items.flatMap((_, i) => {
    const answer = answers.get(i);
    return answer === undefined ? [] : [answer];
  });
}
