import type { Recoverable, Retrier } from './definition.ts';
import type { StateError } from './errors.ts';
import type { Json } from './json.ts';
import { failureOf, type Outcome, type Walk } from './walk.ts';

/** Defaults of a retrier (states-language.net, "Retrying after error"). */
const INTERVAL_SECONDS = 1;
const MAX_ATTEMPTS = 3;
const BACKOFF_RATE = 2;

/**
 * Milliseconds before retry number `used` (0 for the first).
 * @param random between 0 and 1; scales the delay where the jitter is FULL
 */
export function retryDelay(retrier: Retrier, used: number, random: number): number {
  const { IntervalSeconds = INTERVAL_SECONDS, BackoffRate = BACKOFF_RATE, MaxDelaySeconds } = retrier;
  const seconds = Math.min(
    IntervalSeconds * BackoffRate ** used,
    MaxDelaySeconds ?? Number.POSITIVE_INFINITY,
  );
  return seconds * 1000 * (retrier.JitterStrategy === 'FULL' ? random : 1);
}

/** Does the work of a state that can be retried and caught, and concludes it. */
export async function recover(walk: Walk, state: Recoverable, work: () => Promise<Json>): Promise<Outcome> {
  const { position, host } = walk;
  for (;;) {
    if (position.wakeAt !== undefined) {
      await walk.sleep(Math.max(0, position.wakeAt - host.clock.now()));
      position.wakeAt = undefined;
    }
    try {
      const result = await work();
      return await walk.conclude(state, result, { result });
    } catch (error) {
      const failure = failureOf(error, walk.signal);
      position.token = undefined;
      position.job = undefined;
      const delay = nextDelay(walk, state, failure);
      if (delay === undefined) return await caught(walk, state, failure);
      position.retryCount++;
      position.lanes = undefined;
      position.mapRunArn = undefined;
      position.wakeAt = host.clock.now() + delay;
    }
  }
}

/** The first retrier that matches decides; undefined when it has no attempts left. */
function nextDelay(walk: Walk, state: Recoverable, failure: StateError): number | undefined {
  const index = state.Retry?.findIndex((retrier) => failure.matches(retrier.ErrorEquals)) ?? -1;
  const retrier = state.Retry?.[index];
  if (!retrier) return undefined;
  const { retries } = walk.position;
  const used = retries[index] ?? 0;
  if (used >= (retrier.MaxAttempts ?? MAX_ATTEMPTS)) return undefined;
  while (retries.length < index) retries.push(0);
  retries[index] = used + 1;
  return retryDelay(retrier, used, walk.host.random());
}

async function caught(walk: Walk, state: Recoverable, failure: StateError): Promise<Outcome> {
  const catcher = state.Catch?.find((candidate) => failure.matches(candidate.ErrorEquals));
  if (!catcher) throw failure;
  const errorOutput = failure.output;
  return walk.conclude(catcher, errorOutput, { errorOutput });
}
