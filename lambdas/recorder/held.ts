import type { IncidentDetail } from '../shared/contract.ts';
import type { Change } from './change.ts';
import type { Recorded } from './record.ts';

/**
 * What the help desk is told of a file that waits for a person, and of one that no longer does. Files that wait for the
 * same reason are one incident; it is over for a file when it comes to another outcome. Nothing of what is no longer
 * true.
 */
export function heldIncident(change: Change, { isCurrent, heldFor }: Recorded): IncidentDetail | undefined {
  const { id, pipeline, eventId, time, executionArn, status, reason } = change;
  if (!heldFor || !isCurrent || !change.isFinal) return undefined;
  const isHeld = status === 'HELD';
  return {
    eventId,
    key: `${pipeline}:HELD:${heldFor}`,
    state: isHeld ? 'OPEN' : 'RESOLVED',
    severity: 'warning',
    pipeline,
    title: `${pipeline}: files wait for a decision (${heldFor})`,
    summary: isHeld ? (reason?.message ?? 'A file waits for a person.') : `A file that waited is ${status}.`,
    runbook: 'files-that-wait',
    occurredAt: time,
    members: [id],
    command: `npx millrace release ${id}`,
    executionArn,
  };
}
