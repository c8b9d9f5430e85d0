import type { FailState } from '../definition.ts';
import { StateError } from '../errors.ts';
import type { Outcome, Walk } from '../walk.ts';

/** @throws StateError always, with the state's `Error` and `Cause` */
export async function visitFail(walk: Walk, state: FailState): Promise<Outcome> {
  const text = async (field: 'Error' | 'Cause') =>
    state[field] === undefined ? undefined : String(await walk.evaluateAs('string', state[field], field));
  throw new StateError(await text('Error'), await text('Cause'));
}
