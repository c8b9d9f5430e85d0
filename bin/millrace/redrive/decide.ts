/** What becomes of a failed execution. */
export interface Decision {
  /** `redrive`: from the point of failure. `rerun`: a new run with the next suffix. `leave`: nothing. */
  readonly action: 'redrive' | 'rerun' | 'leave';
  /** Why, as the rest of a sentence; empty for a plain redrive. */
  readonly why: string;
}

/** What the decision about a failed execution depends on. */
export interface Facts {
  /** Status of its file or load in the audit table now; nothing where the table does not know it. */
  readonly recorded: string | undefined;
  /** It is the latest run of its file, load or work: no later one ran, or succeeded with the same. */
  readonly isLatest: boolean;
  /** A canary's file that has to fail. */
  readonly isDeliberate: boolean;
  /** Milliseconds since it ended. */
  readonly age: number;
  /** The state machine's definition is not the one that it began with. */
  readonly isChanged: boolean;
  /** It ended in a Fail state: a redrive would begin there, and fail again. */
  readonly endedInFailState: boolean;
  /** Step Functions refuses to redrive it, for this reason. */
  readonly refused?: string | undefined;
}

/** Step Functions redrives an execution for 14 days after its end ("Redriving executions", developer guide). */
export const REDRIVABLE_MS = 14 * 24 * 3_600_000;

/** The first rule that applies decides. */
const RULES: readonly {
  readonly when: (facts: Facts) => boolean;
  readonly action: Decision['action'];
  readonly why: string | ((facts: Facts) => string);
}[] = [
  { when: ({ isDeliberate }) => isDeliberate, action: 'leave', why: 'fails on purpose' },
  { when: ({ isLatest }) => !isLatest, action: 'leave', why: 'a later run took its place' },
  {
    when: ({ recorded }) => recorded === undefined,
    action: 'leave',
    why: 'the audit table does not know it: npx millrace reconcile',
  },
  {
    when: ({ recorded }) => recorded !== 'FAILED',
    action: 'leave',
    why: ({ recorded }) => `is ${recorded} now`,
  },
  { when: ({ age }) => age >= REDRIVABLE_MS, action: 'rerun', why: 'ended more than 14 days ago' },
  { when: ({ isChanged }) => isChanged, action: 'rerun', why: 'the state machine was changed since' },
  {
    when: ({ endedInFailState }) => endedInFailState,
    action: 'rerun',
    why: 'it ended in a Fail state, where a redrive would begin',
  },
  { when: ({ refused }) => refused !== undefined, action: 'rerun', why: ({ refused = '' }) => refused },
  { when: () => true, action: 'redrive', why: '' },
];

/** What becomes of a failed execution. */
export function decide(facts: Facts): Decision {
  for (const { when, action, why } of RULES) {
    if (when(facts)) return { action, why: typeof why === 'string' ? why : why(facts) };
  }
  throw new Error('The last rule applies to everything.');
}

/** Names of the errors of a definition's Fail states, in nested states too. */
export function failErrors(definition: unknown): ReadonlySet<string> {
  if (typeof definition !== 'object' || definition === null) return new Set();
  const own =
    'Type' in definition && definition.Type === 'Fail' && 'Error' in definition
      ? [String(definition.Error)]
      : [];
  return new Set([...own, ...Object.values(definition).flatMap((inner) => [...failErrors(inner)])]);
}

/** A revision of a state machine's definition. */
export interface Revision {
  /** Differs from revision to revision: when it was made. */
  readonly id: string;
  readonly definition: string;
}

/**
 * The executions that began with another definition than the current one. Executions that began between two of the same
 * revision are of that revision, so only few are asked about: DescribeStateMachineForExecution refills at 1 a second.
 * (For some seconds after a change, executions may still begin with the definition before it; one that is overlooked is
 * redriven with that, which its next redrive would do too.)
 * @param arns by the start of the executions
 */
export async function changedSince(
  arns: readonly string[],
  current: string,
  revisionOf: (executionArn: string) => Promise<Revision>,
): Promise<ReadonlySet<string>> {
  const known = new Map<number, Promise<Revision>>();
  const at = (i: number) => {
    const asked = known.get(i) ?? revisionOf(arns[i] ?? '');
    known.set(i, asked);
    return asked;
  };
  const changed = new Set<string>();
  const look = async (from: number, to: number): Promise<void> => {
    const [first, last] = [await at(from), await at(to)];
    if (first.id === last.id || to - from <= 1) {
      for (let i = from; i <= to; i++) {
        const { definition } = i === to ? last : first;
        if (definition !== current) changed.add(arns[i] ?? '');
      }
      return;
    }
    const middle = Math.floor((from + to) / 2);
    await look(from, middle);
    await look(middle, to);
  };
  if (arns.length > 0) await look(0, arns.length - 1);
  return changed;
}
