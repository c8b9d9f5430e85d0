import type { MapState } from '../definition.ts';
import { runMapRun } from '../distributed-map.ts';
import { isArray, isObject, type Json, type JsonObject } from '../json.ts';
import { runLanes } from '../lanes.ts';
import { recover } from '../retry.ts';
import { failureOf, type Outcome, type Walk } from '../walk.ts';

/** Iterations that an inline Map runs at once at most (developer guide, "Map state in Inline mode"). */
const INLINE_CONCURRENCY = 40;

export function visitMap(walk: Walk, state: MapState): Promise<Outcome> {
  const distributed = state.ItemProcessor.ProcessorConfig?.Mode === 'DISTRIBUTED';
  return recover(walk, state, () => (distributed ? runMapRun(walk, state) : runInline(walk, state)));
}

/** One item with its place in `$states.context.Map`. */
export interface MapItem {
  readonly value: Json;
  readonly context: JsonObject;
}

/** The items of `Items`, by default of the state's input. An object gives one item per member. */
export async function itemsOf(walk: Walk, state: MapState): Promise<MapItem[]> {
  const source = state.Items ?? '{% $states.input %}';
  const items = state.Items === undefined ? walk.input : await walk.evaluate(state.Items, 'Items');
  if (isArray(items))
    return items.map((value, Index) => ({ value, context: { Item: { Index, Value: value } } }));
  if (isObject(items))
    return Object.entries(items).map(([Key, Value], Index) => ({
      value: { Key, Value },
      context: { Item: { Index, Key, Value } },
    }));
  throw walk.unexpectedType(source, 'Items', 'array', items);
}

async function runInline(walk: Walk, state: MapState): Promise<Json> {
  const items = await itemsOf(walk, state);
  const asked = (await walk.evaluateNumber(state.MaxConcurrency, 'MaxConcurrency')) || INLINE_CONCURRENCY;
  const name = walk.position.state;
  walk.record('MapStateStarted', { mapStateStartedEventDetails: { length: items.length } });
  const started = walk.position.previous;
  try {
    const results = await runLanes(walk, {
      count: items.length,
      concurrency: Math.min(asked, INLINE_CONCURRENCY),
      began: (index) =>
        walk.host.record('MapIterationStarted', started, {
          mapIterationStartedEventDetails: { name, index },
        }),
      start: async (index) => {
        const item = items[index] ?? { value: null, context: {} };
        const input = await selectItem(walk, state, item);
        return { flow: state.ItemProcessor, input: JSON.stringify(input), map: item.context };
      },
      ended: (index, status, previous) => {
        walk.position.previous = walk.host.record(`MapIteration${status}`, previous, {
          [`mapIteration${status}EventDetails`]: { name, index },
        });
      },
    });
    walk.record('MapStateSucceeded');
    return results;
  } catch (error) {
    const failure = failureOf(error, walk.signal);
    walk.record('MapStateFailed');
    throw failure;
  }
}

/** Input of an iteration: `ItemSelector` evaluated for the item, or the item. */
export async function selectItem(walk: Walk, state: MapState, item: MapItem): Promise<Json> {
  if (state.ItemSelector === undefined) return item.value;
  return walk.evaluate(state.ItemSelector, 'ItemSelector', {}, item.context);
}
