import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IncidentDetail } from '../../lambdas/shared/contract.ts';
import { putIncident } from '../../lambdas/shared/incident.ts';
import { FakeClient } from './support.ts';

const DETAIL: IncidentDetail = {
  eventId: 'e-1',
  key: 'document-ingestion:HELD:COST_OVER_LIMIT',
  state: 'OPEN',
  severity: 'warning',
  pipeline: 'document-ingestion',
  title: 'Files wait',
  summary: 'It would cost about $4.00.',
  runbook: 'files-that-wait',
  occurredAt: '2026-11-21T10:00:00.000Z',
};

test('an incident is one event of this project', async () => {
  const events = new FakeClient({ PutEvents: () => ({ FailedEntryCount: 0, Entries: [{ EventId: 'x' }] }) });
  await putIncident(events, DETAIL);
  const [{ Entries } = {}] = events.inputs('PutEvents');
  assert.deepEqual(Entries, [
    {
      Source: 'millrace',
      DetailType: 'Millrace Incident',
      Detail: JSON.stringify(DETAIL),
      Time: new Date(DETAIL.occurredAt),
    },
  ]);
});

test('an event that EventBridge answers it did not take is not taken for told', async () => {
  const refused = { ErrorCode: 'InternalFailure', ErrorMessage: 'Try again.' };
  const events = new FakeClient({ PutEvents: () => ({ FailedEntryCount: 1, Entries: [refused] }) });
  await assert.rejects(putIncident(events, DETAIL), {
    name: 'IncidentNotTaken',
    message: /COST_OVER_LIMIT: InternalFailure Try again\.$/,
  });
});
