import type { PassState } from '../definition.ts';
import type { Outcome, Walk } from '../walk.ts';

export const visitPass = (walk: Walk, state: PassState): Promise<Outcome> => walk.conclude(state, walk.input);
