import type { Clock } from '../clock.ts';
import { Refusal } from '../help-desk/api.ts';

const WINDOW_MS = 60_000;

/** So many requests a minute, counted from the first one. */
export class RateLimit {
  readonly total: number;
  readonly #clock: Clock;
  #began = Number.NEGATIVE_INFINITY;
  #used = 0;

  constructor(clock: Clock, total: number) {
    this.#clock = clock;
    this.total = total;
  }

  /** Seconds until everything is free again, rounded up. */
  get resets(): number {
    return Math.max(0, Math.ceil((this.#began + WINDOW_MS - this.#clock.now()) / 1000));
  }

  get remaining(): number {
    return this.resets === 0 ? this.total : this.total - this.#used;
  }

  /** Counts a request. @returns whether it may go on */
  take(): boolean {
    if (this.resets === 0) {
      this.#began = this.#clock.now();
      this.#used = 0;
    }
    if (this.#used === this.total) return false;
    this.#used += 1;
    return true;
  }
}

/** The account's limit, on every answer (Zendesk API, "Rate limits"). */
export function accountHeaders(limit: RateLimit): Record<string, string> {
  return {
    'x-rate-limit': String(limit.total),
    'ratelimit-limit': String(limit.total),
    'x-rate-limit-remaining': String(limit.remaining),
    'ratelimit-remaining': String(limit.remaining),
    'ratelimit-reset': String(limit.resets),
  };
}

/** The limit of one endpoint, in its own header. */
export function endpointHeader(name: string, limit: RateLimit): Record<string, string> {
  return {
    [`zendesk-ratelimit-${name}`]: `total=${limit.total}; remaining=${limit.remaining}; resets=${limit.resets}`,
  };
}

export const tooMany = (
  seconds: number,
  headers: Readonly<Record<string, string>> = {},
  what = 'API requests per minute',
): Refusal =>
  new Refusal(
    429,
    { error: 'APIRateLimitExceeded', description: `Number of allowed ${what} exceeded` },
    { ...headers, 'retry-after': String(seconds) },
  );
