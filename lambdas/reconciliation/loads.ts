import { dynamo, s3, sfn, sqs } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { s3Objects } from '../shared/objects.ts';
import { stepHandler } from './batch.ts';
import { reconcileLoads } from './loads-batch.ts';

const env = environment([
  'AUDIT_TABLE',
  'TICKETS_TABLE',
  'LAKE_BUCKET',
  'CHANGES_QUEUE_URL',
  'INCIDENTS_QUEUE_URL',
  'LOAD_STATE_MACHINE_ARN',
  'RECONCILIATION',
]);

/** Compares the loads in Step Functions with the audit table, and runs failed ones again. */
export const handler = stepHandler('loads', env, (batch) =>
  reconcileLoads(batch, {
    dynamo: dynamo(),
    sfn: sfn(),
    sqs: sqs(),
    objects: s3Objects(s3()),
    auditTable: env.AUDIT_TABLE,
    ticketsTable: env.TICKETS_TABLE,
    lakeBucket: env.LAKE_BUCKET,
    changesQueueUrl: env.CHANGES_QUEUE_URL,
    incidentsQueueUrl: env.INCIDENTS_QUEUE_URL,
    loadStateMachineArn: env.LOAD_STATE_MACHINE_ARN,
  }),
);
