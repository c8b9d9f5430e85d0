import type { Clock } from '../../clock.ts';
import type { Throttling } from './apis.ts';

/** A bucket of tokens: as many as the burst at most, and as many more each second as the rate says. */
export class Bucket {
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(clock: Clock, { rate, burst }: Throttling) {
    this.#clock = clock;
    this.#rate = rate ?? Number.POSITIVE_INFINITY;
    this.#burst = burst ?? Number.POSITIVE_INFINITY;
    this.#tokens = this.#burst;
    this.#at = clock.now();
  }

  /** @returns whether a request may go on */
  take(): boolean {
    const now = this.#clock.now();
    const gained = now > this.#at ? ((now - this.#at) / 1000) * this.#rate : 0;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
