import { createHash } from 'node:crypto';
import { CANARY, LAKE } from '../shared/contract.ts';
import type { CanaryRun, Look, Phase } from './contract.ts';
import type { Sources, TicketView } from './sources.ts';

/** Dedupe key of the incident that the failing files of all runs are. */
export const CANARY_INCIDENT = `${CANARY.pipeline}:${CANARY.error}`;

const TICKET_ID = createHash('sha256').update(CANARY_INCIDENT).digest('hex');

/** One thing that has to come true. */
interface Expectation {
  readonly name: string;
  /** Answers what is wrong in a sentence, or nothing once it has come true. */
  look(run: CanaryRun, sources: Sources): Promise<string | undefined>;
}

const outcomeOf = (name: 'succeeding' | 'failing', expected: string): Expectation => ({
  name: `${name} file`,
  async look(run, { audit }) {
    const { key, fileId } = run[name];
    const state = await audit(fileId);
    if (state?.status === expected && state.pipeline === CANARY.pipeline) return undefined;
    return state
      ? `${key} is ${state.status} of ${state.pipeline} in the audit table and should be ${expected} of ${CANARY.pipeline}.`
      : `${key} is not in the audit table: its arrival was not recorded.`;
  },
});

const EXPECTATIONS: Readonly<Record<Phase, readonly Expectation[]>> = {
  happened: [
    outcomeOf('succeeding', 'SUCCEEDED'),
    outcomeOf('failing', 'FAILED'),
    {
      name: 'published record',
      async look({ succeeding: { fileId, key } }, { audit, exists }) {
        const state = await audit(fileId);
        const record = state?.recordKey;
        if (!record?.startsWith(LAKE.canary) || !(await exists(record))) {
          return `The record of ${key} was not published below ${LAKE.canary} of the lake.`;
        }
        // What is below `curated/` is what the warehouse takes in.
        const taken = await exists(record.replace(LAKE.canary, LAKE.curated));
        return taken || state?.loadStatus
          ? `The record of ${key} got into the data that the warehouse takes in.`
          : undefined;
      },
    },
    {
      name: 'alarm',
      async look(_, { alarmState }) {
        const state = await alarmState();
        return state === 'ALARM'
          ? undefined
          : `The alarm on the file that fails on purpose is ${state ?? 'not there'}.`;
      },
    },
    {
      name: 'ticket',
      async look({ failing: { fileId, key } }, { ticket }) {
        const found = await ticket(TICKET_ID, fileId);
        if (!found) return `No ticket was opened for the failure of ${key}.`;
        if (found.state !== 'OPEN' || !found.isWaiting)
          return `The ticket does not wait for ${key}: it is ${found.state}.`;
        return desksOtherThan('OPEN', found);
      },
    },
  ],
  over: [
    {
      name: 'resolved ticket',
      async look({ failing: { fileId, key } }, { ticket }) {
        const found = await ticket(TICKET_ID, fileId);
        if (!found || found.isWaiting) return `The ticket still waits for ${key}, whose incident is over.`;
        // A canary that runs at the same time keeps it open.
        if (found.state !== 'RESOLVED') return found.members > 0 ? undefined : 'The ticket is not resolved.';
        return desksOtherThan('RESOLVED', found);
      },
    },
  ],
};

function desksOtherThan(state: string, { desks }: TicketView): string | undefined {
  const behind = Object.entries(desks).filter(([, desk]) => desk !== state);
  if (behind.length > 0)
    return `The ticket is ${behind.map(([name, desk]) => `${desk} at ${name}`).join(', ')}.`;
  return Object.keys(desks).length > 0 ? undefined : 'Nobody was told of the ticket.';
}

/**
 * Looks for what has not come true yet. What was seen once counts, for an alarm goes on and off, and the ticket of a
 * quick help desk too.
 */
export async function lookFor(
  phase: Phase,
  run: CanaryRun,
  seen: readonly string[],
  sources: Sources,
): Promise<Look> {
  const expected = EXPECTATIONS[phase];
  const results = await Promise.all(
    expected.map(async (expectation) => ({
      name: expectation.name,
      problem: seen.includes(expectation.name) ? undefined : await expectation.look(run, sources),
    })),
  );
  return {
    seen: results.filter(({ problem }) => problem === undefined).map(({ name }) => name),
    missing: results.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
  };
}
