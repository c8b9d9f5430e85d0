import { withoutData } from './logging.ts';
import type { Store } from './store.ts';

export type HistoryEvent = Record<string, unknown> & { readonly id: number };

/** The history of a stored execution, oldest first. */
export function historyOf(store: Store, seq: number): HistoryEvent[] {
  const bodies = store
    .all('SELECT body FROM events WHERE execution = ? ORDER BY first', seq)
    .map(({ body }) => body);
  return JSON.parse(`[${bodies.join(',')}]`);
}

/** An event without inputs and outputs, for `includeExecutionData: false`. */
export const eventWithoutData = (event: HistoryEvent): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(event).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null ? withoutData(value) : value,
    ]),
  );
