import { dynamo, s3, sfn, sqs } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { s3Objects } from '../shared/objects.ts';
import { stepHandler } from './batch.ts';
import { reconcileLanding } from './landing-batch.ts';

const env = environment([
  'AUDIT_TABLE',
  'TICKETS_TABLE',
  'LANDING_BUCKET',
  'LAKE_BUCKET',
  'TRIGGERS',
  'ARRIVALS_QUEUE_URL',
  'CHANGES_QUEUE_URL',
  'INCIDENTS_QUEUE_URL',
  'LOAD_STATE_MACHINE_ARN',
  'RECONCILIATION',
]);

/** Compares the landing bucket with the audit table, and the audit table with Step Functions and the loads. */
export const handler = stepHandler('landing', env, (batch) =>
  reconcileLanding(batch, {
    s3: s3(),
    dynamo: dynamo(),
    sfn: sfn(),
    sqs: sqs(),
    objects: s3Objects(s3()),
    auditTable: env.AUDIT_TABLE,
    ticketsTable: env.TICKETS_TABLE,
    landingBucket: env.LANDING_BUCKET,
    lakeBucket: env.LAKE_BUCKET,
    triggers: env.TRIGGERS,
    arrivalsQueueUrl: env.ARRIVALS_QUEUE_URL,
    changesQueueUrl: env.CHANGES_QUEUE_URL,
    incidentsQueueUrl: env.INCIDENTS_QUEUE_URL,
    loadStateMachineArn: env.LOAD_STATE_MACHINE_ARN,
  }),
);
