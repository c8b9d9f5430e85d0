import type { Flow } from './definition.ts';
import { Cancelled } from './errors.ts';
import { type Json, type JsonObject, parseJson } from './json.ts';
import { startOf, type Walk } from './walk.ts';

/** One branch or iteration to run. */
export interface LaneStart {
  readonly flow: Flow;
  /** JSON text. */
  readonly input: string;
  readonly map?: JsonObject;
}

export interface LaneOptions {
  readonly count: number;
  readonly concurrency: number;
  start(index: number): Promise<LaneStart>;
  /** Called as lanes begin and end, to record events; returns the id after which the lane's own events come. */
  began?(index: number): number;
  ended?(index: number, status: 'Succeeded' | 'Failed' | 'Aborted', previous: number): void;
}

/**
 * Runs branches or iterations side by side and returns their outputs in order. The first failure cancels the others
 * and is thrown when they have stopped. Lanes that ended in an earlier run of the state are not run again.
 */
export async function runLanes(walk: Walk, options: LaneOptions): Promise<Json[]> {
  const { position } = walk;
  const after = position.previous;
  const siblings = new AbortController();
  const cancel = () => siblings.abort(walk.signal.reason);
  walk.signal.addEventListener('abort', cancel, { once: true });
  const lanes = position.lanes ?? [];
  position.lanes = lanes;
  const results: Json[] = new Array(options.count);
  let next = 0;
  let failure: { readonly error: unknown } | undefined;

  const runLane = async (index: number): Promise<void> => {
    const known = lanes[index];
    if (known && 'output' in known) {
      results[index] = parseJson(known.output);
      return;
    }
    const previous = options.began?.(index) ?? after;
    let last = previous;
    try {
      const { flow, input, map } = await options.start(index);
      const lane = known ?? startOf(flow, input);
      lane.previous = previous;
      lanes[index] = lane;
      const inner = walk.inner({ flow, signal: siblings.signal, position: lane, map });
      try {
        const output = await inner.run();
        lanes[index] = { output: output.text };
        results[index] = output.value;
      } finally {
        last = lane.previous;
      }
      options.ended?.(index, 'Succeeded', last);
    } catch (error) {
      const aborted = siblings.signal.aborted;
      options.ended?.(index, aborted ? 'Aborted' : 'Failed', last);
      if (!aborted) {
        failure = { error };
        siblings.abort(new Cancelled('A sibling failed.'));
      }
    }
  };
  const worker = async () => {
    while (next < options.count && !siblings.signal.aborted) await runLane(next++);
  };
  await Promise.all(Array.from({ length: Math.min(options.count, options.concurrency) }, worker));
  walk.signal.removeEventListener('abort', cancel);
  walk.signal.throwIfAborted();
  if (failure) throw failure.error;
  return results;
}
