import type { State } from '../definition.ts';
import type { Outcome, Walk } from '../walk.ts';
import { visitChoice } from './choice.ts';
import { visitFail } from './fail.ts';
import { visitMap } from './map.ts';
import { visitParallel } from './parallel.ts';
import { visitPass } from './pass.ts';
import { visitSucceed } from './succeed.ts';
import { visitTask } from './task.ts';
import { visitWait } from './wait.ts';

/** Does what a state does. A state of another type never gets here: definitions are validated when they are read. */
export function visit(walk: Walk, state: State): Promise<Outcome> {
  switch (state.Type) {
    case 'Task':
      return visitTask(walk, state);
    case 'Pass':
      return visitPass(walk, state);
    case 'Choice':
      return visitChoice(walk, state);
    case 'Wait':
      return visitWait(walk, state);
    case 'Succeed':
      return visitSucceed(walk, state);
    case 'Fail':
      return visitFail(walk, state);
    case 'Parallel':
      return visitParallel(walk, state);
    case 'Map':
      return visitMap(walk, state);
  }
}
