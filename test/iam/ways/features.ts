import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { customerFeatures } from '../../../datasets/customer-features.ts';
import { customers } from '../../../datasets/customers.ts';
import { parquetColumns } from '../../../datasets/dataset.ts';
import { documents } from '../../../datasets/documents.ts';
import { tickets } from '../../../datasets/tickets.ts';
import { inputColumns } from '../../../lambdas/crm-tickets/features-input.ts';
import { parquetOf } from '../../../lambdas/shared/dataset/parquet.ts';
import type { Value } from '../../../lambdas/shared/dataset/values.ts';
import { SmallZendesk } from '../../support/small-zendesk.ts';
import { newId, type Stage } from '../stage.ts';
import { executionOf, movesOf, type Way, type Ways } from './moves.ts';

const WORK = 'raw/crm-work/features';
const DAY = 'year=2027/month=01/day=01/';
const INPUTS = [tickets, customers, documents];
const AT = '2027-01-01T12:00:00.000Z';

/** The ways of customer features. */
export async function featureWays(stage: Stage): Promise<Ways> {
  const { invoke, run } = movesOf(stage);
  const { lake } = stage.account;
  const columns = parquetColumns(customerFeatures);

  for (const { name } of INPUTS) {
    await stage.put(
      `operations/compaction/${name}/${DAY}compaction.json`,
      JSON.stringify({ dataset: name, partition: DAY, added: [], retired: [], waiting: [] }),
    );
  }
  await stage.put(
    `published/customer_features/year=2027/month=01/day=03/${'e'.repeat(64)}.json`,
    JSON.stringify({
      dataset: 'customer_features',
      fileId: 'e'.repeat(64),
      sourceFile: 'x',
      landedAt: '2027-01-03T12:00:00.000Z',
      rows: 0,
      parts: [],
    }),
  );

  /** For an execution that nobody knows: whoever was at it before is asked about. */
  const plan = (at: string): Way =>
    invoke('CrmTickets/Features/Plan', () => ({ execution: executionOf(stage), at }));

  /** A result as the job writes it. */
  const publish: Way = async () => {
    const runId = newId();
    const fields: Readonly<Record<string, Value>> = {
      customer_id: 'C-1',
      computed_at: new Date(AT),
      source_file: 'x',
      file_id: runId,
      line: 1n,
      landed_at: new Date(AT),
    };
    const row = columns.map(({ name, type }) => fields[name] ?? (type === 'bigint' ? 0n : null));
    await stage.put(`${WORK}/${runId}/rows/part-00000.parquet`, parquetOf(columns, [row]));
    await stage.put(`${WORK}/${runId}/rows/_SUCCESS`, ' ');
    return stage.invoke('CrmTickets/Features/Publish', { runId, at: AT });
  };

  /** A run of the job that reads a file of each dataset, and has a folder to replace. */
  const job: Way = async () => {
    const id = newId();
    const files = await Promise.all(
      INPUTS.map(async (dataset) => {
        const key = `loaded/${dataset.name}/${DAY}${id}.parquet`;
        await stage.put(key, parquetOf(parquetColumns(dataset), []));
        return [dataset.name, { columns: inputColumns(dataset), files: [`s3://${lake}/${key}`] }] as const;
      }),
    );
    const input = { run: { run_at: AT, file_id: id, source_file: 'x' }, views: Object.fromEntries(files) };
    await stage.put(`${WORK}/${id}/input.json`, JSON.stringify(input));
    await stage.put(`${WORK}/${id}/rows/part-of-an-earlier-run.parquet`, ' ');
    const JobName = stage.id('CrmTickets/Features/Job');
    const Arguments = {
      '--input': `s3://${lake}/${WORK}/${id}/input.json`,
      '--output': `s3://${lake}/${WORK}/${id}/rows/`,
    };
    const { JobRunId } = await stage.call('glue', 'StartJobRun', { JobName, Arguments });
    await stage.test.runtime.services.glue.jobRunEnded(String(JobRunId));
    return JSON.stringify(await stage.call('glue', 'GetJobRun', { JobName, RunId: JobRunId }));
  };

  /** The whole machine with a CRM that has nothing: features are due, and stay so, because none are published. */
  const machine: Way = async (refusal) => {
    const zendesk = await new SmallZendesk().start();
    const secrets = new SecretsManagerClient(stage.test.client);
    const SecretId = stage.test.deployment.output('CrmSecretArn');
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId }));
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: zendesk.connection() }));
    try {
      return await run('crm-tickets', {})(refusal);
    } finally {
      await secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
      zendesk.stop();
    }
  };

  return {
    'CrmTickets/Features/Plan': [plan(AT), plan('2027-01-03T13:00:00.000Z')],
    'CrmTickets/Features/Publish': [publish],
    'CrmTickets/Features/Job': [job],
    'CrmTickets/StateMachine glue:': [machine],
    'CrmTickets/StateMachine lambda:InvokeFunction lambda:function:CrmTickets/Features': [machine],
    'CrmTickets/StateMachine dynamodb:': [machine],
  };
}
