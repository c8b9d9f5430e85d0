import { type AuditReader, isFinal } from '../audit-table.ts';
import type { Deployment } from '../deployment.ts';
import { describeExecution, isAudited } from '../executions.ts';
import { type Io, type Progress, pause } from '../io.ts';

const POLL_MS = 1_000;
/** Executions are asked themselves now and then: a status change that was lost reaches no audit table. */
const ASK_EVERY_MS = 30_000;
const ASKED_AT_ONCE = 20;

/** Work that was begun again: what the audit table said before, and which execution works on it. */
export interface Begun {
  readonly base: string;
  /** `EventId` of its current state before. */
  readonly before?: string | undefined;
  readonly executionArn?: string | undefined;
}

/** Follows work to its end. Answers the outcome of each by its base; what was not over when the person stopped is left out. */
export async function followToEnd(
  deployment: Deployment,
  reader: AuditReader,
  begun: readonly Begun[],
  io: Io,
  progress: Progress,
): Promise<Map<string, string>> {
  const outcomes = new Map<string, string>();
  let askedAt = Date.now();
  for (;;) {
    const open = begun.filter(({ base }) => !outcomes.has(base));
    progress.show(`${outcomes.size} of ${begun.length} done${countsOf(outcomes)}`);
    if (open.length === 0 || io.signal.aborted) break;
    const states = await reader.current(open.map(({ base }) => base).filter(isAudited));
    for (const { base, before } of open) {
      const state = states.get(base);
      if (state && state.EventId !== before && isFinal(state.Status)) outcomes.set(base, state.Status);
    }
    const isTime = Date.now() - askedAt > ASK_EVERY_MS;
    if (isTime) askedAt = Date.now();
    const asked = open.filter(({ base }) => !outcomes.has(base) && (isTime || !isAudited(base)));
    for (const { base, executionArn } of asked.slice(0, ASKED_AT_ONCE)) {
      const execution = executionArn
        ? await describeExecution(deployment.sfn, executionArn, io.signal)
        : undefined;
      if (execution?.status && !['RUNNING', 'PENDING_REDRIVE'].includes(execution.status))
        outcomes.set(base, outcomeOf(execution.status, execution.output));
    }
    if (outcomes.size < begun.length) await pause(POLL_MS, io.signal);
  }
  progress.clear();
  return outcomes;
}

/** An execution tells the outcome of its file in its output. */
function outcomeOf(status: string, output: string | undefined): string {
  if (status !== 'SUCCEEDED') return 'FAILED';
  const { outcome }: { outcome?: unknown } = Object(JSON.parse(output ?? '{}'));
  return typeof outcome === 'string' ? outcome : status;
}

function countsOf(outcomes: ReadonlyMap<string, string>): string {
  const counts = Object.entries(Object.groupBy(outcomes.values(), (outcome) => outcome));
  return counts.length > 0 ? `: ${counts.map(([outcome, of]) => `${of?.length} ${outcome}`).join(', ')}` : '';
}
