import { events } from '../shared/clients.ts';
import { CANARY } from '../shared/contract.ts';
import { lambda } from '../shared/handler.ts';
import { putIncident } from '../shared/incident.ts';
import { parse } from '../shared/parse.ts';
import { CANARY_INCIDENT } from './expectations.ts';
import { ResolveInput } from './schemas.ts';

/** State Resolve: ends the incident of the run's failing file, which nobody can mend. */
export const handler = lambda(async (event, { log, identify }) => {
  const { files, at } = parse(ResolveInput, event);
  const { fileId, key } = files.failing;
  identify({ fileId, pipeline: CANARY.pipeline });
  await putIncident(events(), {
    eventId: `canary:${files.run}:over`,
    key: CANARY_INCIDENT,
    state: 'RESOLVED',
    severity: 'info',
    pipeline: CANARY.pipeline,
    title: 'The canary’s file has failed as it should',
    summary: `${key} failed on purpose, and the canary has seen what it had to see of it.`,
    runbook: 'canary',
    occurredAt: at,
    members: [fileId],
  });
  log.info('The incident was ended.');
});
