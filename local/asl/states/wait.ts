import type { WaitState } from '../definition.ts';
import type { Outcome, Walk } from '../walk.ts';

export async function visitWait(walk: Walk, state: WaitState): Promise<Outcome> {
  const { position, host } = walk;
  position.wakeAt ??= await wakeTime(walk, state);
  await walk.sleep(Math.max(0, position.wakeAt - host.clock.now()));
  return walk.conclude(state, walk.input);
}

async function wakeTime(walk: Walk, state: WaitState): Promise<number> {
  if (state.Timestamp === undefined) {
    const seconds = (await walk.evaluateNumber(state.Seconds, 'Seconds')) ?? 0;
    return walk.position.enteredAt + seconds * 1000;
  }
  const text = String(await walk.evaluateAs('string', state.Timestamp, 'Timestamp'));
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw walk.unexpectedType(state.Timestamp, 'Timestamp', 'timestamp', text);
  return time;
}
