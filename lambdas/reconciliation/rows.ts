import { DATASETS } from '../../datasets/index.ts';
import { dynamo, s3, sfn } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { s3Objects } from '../shared/objects.ts';
import { stepHandler } from './batch.ts';
import { reconcileRows } from './rows-batch.ts';

const env = environment([
  'AUDIT_TABLE',
  'LAKE_BUCKET',
  'LOAD_STATE_MACHINE_ARN',
  'WAREHOUSE_SCHEMA',
  'RECONCILIATION',
]);

/** Origins whose records or publications lie among the curated ones. */
const CURATED: readonly string[] = ['records', 'landing'];

/** Compares what is curated with what the warehouse has, whose statements the state machine runs. */
export const handler = stepHandler('rows', env, (batch) =>
  reconcileRows(batch, {
    s3: s3(),
    dynamo: dynamo(),
    sfn: sfn(),
    objects: s3Objects(s3()),
    datasets: Object.values(DATASETS).filter(({ origin }) => CURATED.includes(origin)),
    auditTable: env.AUDIT_TABLE,
    lakeBucket: env.LAKE_BUCKET,
    loadStateMachineArn: env.LOAD_STATE_MACHINE_ARN,
    warehouseSchema: env.WAREHOUSE_SCHEMA,
  }),
);
