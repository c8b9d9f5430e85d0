import type { ChoiceState } from '../definition.ts';
import { StateError } from '../errors.ts';
import type { Outcome, Walk } from '../walk.ts';

/** Follows the first rule whose condition is true, with the rule's own `Assign` and `Output`; else `Default`. */
export async function visitChoice(walk: Walk, state: ChoiceState): Promise<Outcome> {
  for (const [index, rule] of state.Choices.entries()) {
    const holds = await walk.evaluateAs('boolean', rule.Condition, `Choices[${index}]/Condition`);
    if (!holds) continue;
    return walk.conclude(
      { ...(state.Output !== undefined && { Output: state.Output }), ...rule },
      walk.input,
    );
  }
  if (state.Default !== undefined) return walk.conclude({ ...state, Next: state.Default }, walk.input);
  const { state: name, enteredId } = walk.position;
  throw new StateError(
    'States.NoChoiceMatched',
    `An error occurred while executing the state '${name}' (entered at the event id #${enteredId}). Failed to transition out of the state. The state does not point to a next state.`,
  );
}
