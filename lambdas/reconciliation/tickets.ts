import { dynamo, sfn, sqs } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { stepHandler } from './batch.ts';
import { reconcileTickets } from './tickets-batch.ts';

const env = environment([
  'AUDIT_TABLE',
  'TICKETS_TABLE',
  'LAKE_BUCKET',
  'INCIDENTS_QUEUE_URL',
  'RECONCILIATION',
]);

/** Compares open tickets with the audit table. */
export const handler = stepHandler('tickets', env, (batch) =>
  reconcileTickets(batch, {
    dynamo: dynamo(),
    sfn: sfn(),
    sqs: sqs(),
    auditTable: env.AUDIT_TABLE,
    ticketsTable: env.TICKETS_TABLE,
    incidentsQueueUrl: env.INCIDENTS_QUEUE_URL,
  }),
);
