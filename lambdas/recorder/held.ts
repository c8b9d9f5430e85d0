import type { IncidentDetail } from '../shared/contract.ts';
import type { Change } from './change.ts';

/**
 * The incident of a file that waits for a person; files that wait for the same reason are one incident. It is over for
 * a file when a rerun brings it to another outcome, which the help desk learns from the rerun's execution.
 */
export function heldIncident(change: Change): IncidentDetail {
  const { id, pipeline, eventId, time, executionArn, reason } = change;
  const code = reason?.code ?? 'HELD';
  return {
    eventId,
    key: `${pipeline}:HELD:${code}`,
    state: 'OPEN',
    severity: 'warning',
    pipeline,
    title: `${pipeline}: files wait for a decision (${code})`,
    summary: reason?.message ?? 'The file waits for a person to release or reject it.',
    runbook: 'files-that-wait',
    // A moment later than the run's end, which ends the incidents that earlier runs of the file had opened.
    occurredAt: new Date(Date.parse(time) + 1).toISOString(),
    members: [id],
    command: `npx millrace release ${id}`,
    executionArn,
  };
}
