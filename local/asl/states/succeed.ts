import type { SucceedState } from '../definition.ts';
import type { Outcome, Walk } from '../walk.ts';

export const visitSucceed = (walk: Walk, state: SucceedState): Promise<Outcome> =>
  walk.conclude(state, walk.input);
