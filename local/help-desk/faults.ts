import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Handler } from './api.ts';

/**
 * What a desk can be told to do instead of its work:
 * - `down`: close the connection
 * - `slow`: take the request, do nothing and never answer
 * - `lost-answer`: do what is asked, and close the connection instead of answering
 * - `throttled`: refuse with 429 and Retry-After
 * - `unauthorized`: refuse the credentials
 * - `nonsense`: answer 200 with a page of HTML
 * - `server-error`: answer with the product's own 5xx
 *
 * On request only, there is also `truncated`: do what is asked, and close the connection in the middle of the answer.
 */
export const FAULT_KINDS = [
  'down',
  'slow',
  'lost-answer',
  'throttled',
  'unauthorized',
  'nonsense',
  'server-error',
] as const;

export const Fault = z.strictObject({
  kind: z.enum([...FAULT_KINDS, 'truncated']),
  /** Left out, all of them. */
  desk: z.string().optional(),
  /** How long it lasts; left out, until it is ended. */
  seconds: z.number().positive().optional(),
  /** How many requests it meets; left out, all. */
  times: z.int().positive().optional(),
  /** What a throttled request is told to wait, seconds. */
  retryAfter: z.number().nonnegative().default(1),
});
export type Fault = z.input<typeof Fault>;
export type FaultKind = z.output<typeof Fault>['kind'];

interface Active {
  readonly kind: FaultKind;
  readonly desk: string | undefined;
  readonly retryAfter: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
  left: number;
}

/** The faults that are switched on. */
export class Faults {
  readonly #clock: Clock;
  #active: Active[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Switches a fault on; the returned function ends it. */
  add(fault: Fault): () => void {
    const { kind, desk, seconds = Number.POSITIVE_INFINITY, times, retryAfter } = Fault.parse(fault);
    const until = this.#clock.now() + seconds * 1000;
    const active = { kind, desk, retryAfter, until, left: times ?? Number.POSITIVE_INFINITY };
    this.#active.push(active);
    return () => {
      this.#active = this.#active.filter((other) => other !== active);
    };
  }

  clear(): void {
    this.#active = [];
  }

  /** The fault that a request to the desk meets, the oldest first. */
  meet(desk: string): { kind: FaultKind; retryAfter: number } | undefined {
    const now = this.#clock.now();
    this.#active = this.#active.filter(({ until, left }) => until > now && left > 0);
    const met = this.#active.find((fault) => fault.desk === undefined || fault.desk === desk);
    if (met) met.left -= 1;
    return met;
  }

  list(): { kind: FaultKind; desk: string | null }[] {
    return this.#active.map(({ kind, desk = null }) => ({ kind, desk }));
  }
}

/** The switches of the faults, for programs. */
export const faultRoutes = (faults: Faults): Readonly<Record<string, Handler>> => ({
  'GET /faults': () => ({ status: 200, body: { faults: faults.list() } }),
  'POST /faults': ({ headers, body }) => {
    if (!/^application\/json\b/.test(headers['content-type'] ?? ''))
      return {
        status: 415,
        body: { error: 'A fault is JSON: send it with "Content-Type: application/json".' },
      };
    const parsed = Fault.safeParse(parseJson(body));
    if (!parsed.success) return { status: 400, body: { error: parsed.error.issues } };
    faults.add(parsed.data);
    return { status: 201, body: { faults: faults.list() } };
  },
  'DELETE /faults': () => {
    faults.clear();
    return { status: 200, body: { faults: [] } };
  },
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
