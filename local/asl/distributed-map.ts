import type { MapState } from './definition.ts';
import { Cancelled, StateError } from './errors.ts';
import type { ChildOutcome, MapRun } from './host.ts';
import { readItems } from './item-reader.ts';
import { isObject, isTooLarge, type Json, parseJson } from './json.ts';
import { writeResults } from './result-writer.ts';
import { type MapItem, selectItem } from './states/map.ts';
import { failureOf, type Walk } from './walk.ts';

/** Child executions at once at most (Step Functions quotas). */
const MAX_CHILDREN = 10_000;

/** The input of one child execution and how many items it stands for. */
interface Batch {
  readonly input: string;
  readonly items: number;
}

/**
 * Runs a distributed Map: each item or batch of items in a child execution of its own. Children that succeeded in an
 * earlier run of the state are not run again after a redrive.
 * @throws StateError `States.ExceedToleratedFailureThreshold` when more items fail than are tolerated
 */
export async function runMapRun(walk: Walk, state: MapState): Promise<Json> {
  const { host, position } = walk;
  const count = async (field: 'MaxConcurrency' | 'ToleratedFailureCount' | 'ToleratedFailurePercentage') =>
    (await walk.evaluateNumber(state[field], field)) ?? 0;
  const limits = {
    maxConcurrency: await count('MaxConcurrency'),
    toleratedFailureCount: await count('ToleratedFailureCount'),
    toleratedFailurePercentage: await count('ToleratedFailurePercentage'),
  };
  const items = await readItems(walk, state);
  const batches = await batch(walk, state, items);
  const run = host.mapRun({
    label: state.Label ?? position.state,
    processor: state.ItemProcessor,
    executionType: state.ItemProcessor.ProcessorConfig?.ExecutionType ?? 'STANDARD',
    limits,
    redriveOf: position.mapRunArn,
  });
  position.mapRunArn = run.arn;
  walk.record('MapStateStarted', { mapStateStartedEventDetails: { length: items.length } });
  walk.record(
    run.redriveCount ? 'MapRunRedriven' : 'MapRunStarted',
    run.redriveCount
      ? { mapRunRedrivenEventDetails: { mapRunArn: run.arn, redriveCount: run.redriveCount } }
      : { mapRunStartedEventDetails: { mapRunArn: run.arn } },
  );
  try {
    const outcomes = await runChildren(
      walk,
      run,
      batches,
      limits.maxConcurrency || MAX_CHILDREN,
      (failed) => {
        if (failed === 0) return false;
        const share = (failed / items.length) * 100;
        return failed > run.limits.toleratedFailureCount && share > run.limits.toleratedFailurePercentage;
      },
    );
    const result = await collect(walk, state, run, outcomes);
    run.finish('SUCCEEDED');
    walk.record('MapRunSucceeded');
    walk.record('MapStateSucceeded');
    return result;
  } catch (error) {
    run.finish(walk.signal.aborted ? 'ABORTED' : 'FAILED');
    if (walk.signal.aborted) walk.record('MapRunAborted');
    const failure = failureOf(error, walk.signal);
    walk.record('MapRunFailed', {
      mapRunFailedEventDetails: { error: failure.error ?? null, cause: failure.reason ?? null },
    });
    walk.record('MapStateFailed');
    throw failure;
  }
}

/** Runs the children; the outcome of one that succeeded is kept as its lane's output, for a redrive. */
async function runChildren(
  walk: Walk,
  run: MapRun,
  batches: readonly Batch[],
  concurrency: number,
  exceeded: (failedItems: number) => boolean,
): Promise<ChildOutcome[]> {
  const lanes = walk.position.lanes ?? [];
  walk.position.lanes = lanes;
  const items = batches.reduce((sum, { items: size }) => sum + size, 0);
  for (const [counts, total] of [
    [run.itemCounts, items],
    [run.executionCounts, batches.length],
  ] as const) {
    counts.total = total;
    counts.pending = total;
  }
  const stop = new AbortController();
  const cancel = () => stop.abort(walk.signal.reason);
  walk.signal.addEventListener('abort', cancel, { once: true });
  const outcomes: ChildOutcome[] = new Array(batches.length);
  let next = 0;
  const worker = async () => {
    while (next < batches.length && !stop.signal.aborted) {
      const index = next++;
      const one = batches[index];
      if (!one) continue;
      const move = (from: 'pending' | 'running', to: keyof MapRun['itemCounts']) => {
        for (const [counts, size] of [
          [run.itemCounts, one.items],
          [run.executionCounts, 1],
        ] as const) {
          counts[from] -= size;
          counts[to] += size;
        }
      };
      const known = lanes[index];
      if (known && 'output' in known) {
        outcomes[index] = JSON.parse(known.output);
        move('pending', 'succeeded');
        continue;
      }
      move('pending', 'running');
      const outcome = await run.child(one.input, stop.signal);
      outcomes[index] = outcome;
      move('running', COUNTED_AS[outcome.status]);
      if (outcome.status === 'SUCCEEDED') lanes[index] = { output: JSON.stringify(outcome) };
      const { failed, timedOut } = run.itemCounts;
      if (exceeded(failed + timedOut))
        stop.abort(new Cancelled('The tolerated failure threshold was exceeded.'));
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, batches.length) }, worker));
  walk.signal.removeEventListener('abort', cancel);
  walk.signal.throwIfAborted();
  if (stop.signal.aborted)
    throw new StateError(
      'States.ExceedToleratedFailureThreshold',
      'The specified tolerated failure threshold was exceeded',
    );
  return outcomes;
}

const COUNTED_AS = {
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timedOut',
  ABORTED: 'aborted',
} as const;

async function batch(walk: Walk, state: MapState, items: readonly MapItem[]): Promise<Batch[]> {
  const { ItemBatcher: batcher } = state;
  if (!batcher) {
    const batches: Batch[] = [];
    for (const item of items)
      batches.push({ input: JSON.stringify(await selectItem(walk, state, item)), items: 1 });
    return batches;
  }
  const field = (name: string) => `ItemBatcher/${name}`;
  const most =
    (await walk.evaluateNumber(batcher.MaxItemsPerBatch, field('MaxItemsPerBatch'))) ||
    Number.POSITIVE_INFINITY;
  const bytes =
    (await walk.evaluateNumber(batcher.MaxInputBytesPerBatch, field('MaxInputBytesPerBatch'))) ||
    Number.POSITIVE_INFINITY;
  const shared = batcher.BatchInput && (await walk.evaluate(batcher.BatchInput, field('BatchInput')));
  const wrap = (list: readonly Json[]) =>
    JSON.stringify({ ...(shared !== undefined && { BatchInput: shared }), Items: list });
  const batches: Batch[] = [];
  let open: Json[] = [];
  const close = () => {
    if (open.length) batches.push({ input: wrap(open), items: open.length });
    open = [];
  };
  for (const item of items) {
    const selected = await selectItem(walk, state, item);
    const grown = wrap([...open, selected]);
    if (open.length >= most || (open.length && (Buffer.byteLength(grown) > bytes || isTooLarge(grown))))
      close();
    open.push(selected);
  }
  close();
  return batches;
}

async function collect(
  walk: Walk,
  state: MapState,
  run: MapRun,
  outcomes: readonly ChildOutcome[],
): Promise<Json> {
  const { ResultWriter: writer } = state;
  if (!writer?.Resource) {
    run.itemCounts.resultsWritten = run.itemCounts.succeeded;
    run.executionCounts.resultsWritten = run.executionCounts.succeeded;
    return outcomes
      .filter(({ status }) => status === 'SUCCEEDED')
      .map(({ output }) => parseJson(output ?? 'null'));
  }
  const args = await walk.evaluate(writer.Arguments ?? {}, 'ResultWriter/Arguments');
  const details = await writeResults(walk, writer, isObject(args) ? args : {}, run.arn, outcomes);
  run.itemCounts.resultsWritten = run.itemCounts.total;
  run.executionCounts.resultsWritten = run.executionCounts.total;
  return { MapRunArn: run.arn, ResultWriterDetails: details };
}
