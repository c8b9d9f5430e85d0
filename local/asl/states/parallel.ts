import type { ParallelState } from '../definition.ts';
import { runLanes } from '../lanes.ts';
import { recover } from '../retry.ts';
import { failureOf, type Outcome, type Walk } from '../walk.ts';

export function visitParallel(walk: Walk, state: ParallelState): Promise<Outcome> {
  return recover(walk, state, async () => {
    const input =
      state.Arguments === undefined
        ? walk.position.input
        : JSON.stringify(await walk.evaluate(state.Arguments, 'Arguments'));
    walk.record('ParallelStateStarted');
    try {
      const results = await runLanes(walk, {
        count: state.Branches.length,
        concurrency: state.Branches.length,
        start: async (index) => ({ flow: state.Branches[index] ?? { StartAt: '', States: {} }, input }),
        ended: (_index, status, previous) => {
          if (status === 'Succeeded') walk.position.previous = previous;
        },
      });
      walk.record('ParallelStateSucceeded');
      return results;
    } catch (error) {
      const failure = failureOf(error, walk.signal);
      walk.record('ParallelStateFailed');
      throw failure;
    }
  });
}
