import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { IncidentDetail } from '../shared/contract.ts';
import { putIncident } from '../shared/incident.ts';
import type { CountedReference } from './answer.ts';

/**
 * Rows that refer to nothing are one incident for each dataset, until none is left. Of references that were whole before
 * and still are nothing is said.
 */
export async function tellReferences(
  events: Pick<EventBridgeClient, 'send'>,
  references: readonly CountedReference[],
  load: { readonly loadId: string; readonly loadedAt: string },
): Promise<void> {
  for (const [dataset, members] of Map.groupBy(references, (reference) => reference.dataset)) {
    if (members.every(({ rows, rowsBefore }) => rows === 0 && rowsBefore === 0)) continue;
    await putIncident(events, incidentOf(dataset, members, load));
  }
}

function incidentOf(
  dataset: string,
  references: readonly CountedReference[],
  { loadId, loadedAt }: { readonly loadId: string; readonly loadedAt: string },
): IncidentDetail {
  const missing = references.filter(({ rows }) => rows > 0);
  const told = missing.map(
    ({ column, references: to, rows }) =>
      `${rows} ${rows === 1 ? 'row has' : 'rows have'} a ${column} that ${to} does not have`,
  );
  return {
    eventId: `references:${dataset}:${loadId}:${missing.length > 0 ? 'OPEN' : 'RESOLVED'}`,
    key: `data-quality:references:${dataset}`,
    state: missing.length > 0 ? 'OPEN' : 'RESOLVED',
    severity: 'warning',
    pipeline: 'warehouse-load',
    title: `Rows of ${dataset} refer to nothing`,
    summary: missing.length > 0 ? `${told.join('; ')}.` : `Every reference of ${dataset} leads somewhere.`,
    runbook: 'rows-that-refer-to-nothing',
    occurredAt: loadedAt,
    command: `millrace query "SELECT * FROM missing_references"`,
  };
}
