import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GetJobRunsCommand, GlueClient, ListJobsCommand } from '@aws-sdk/client-glue';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  DescribeExecutionCommand,
  RedriveExecutionCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { documents } from '../../datasets/documents.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import { MovableClock } from '../../local/clock.ts';
import { Account } from '../support/account.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { switchSchedulesOff } from '../support/schedules.ts';
import { SmallZendesk, smallTicket } from '../support/small-zendesk.ts';

const DAY_MS = 86_400_000;

describe('customer features', { timeout: 600_000 }, () => {
  const clock = new MovableClock();
  let zendesk: SmallZendesk;
  let runtime: TestRuntime;
  let account: Account;
  before(async () => {
    zendesk = await new SmallZendesk().start();
    runtime = await startTestRuntime({ clock, helpDesk: false });
    account = new Account(runtime);
    await switchSchedulesOff(runtime);
    const now = clock.now();
    const ago = (days: number) => new Date(now - days * DAY_MS).toISOString();
    zendesk.changes.push(
      ...Array.from({ length: 8 }, (_, n) =>
        smallTicket(n + 1, { created_at: ago(5), updated_at: ago(1), metric_set: null }),
      ),
      // Of a customer who has not written for long.
      smallTicket(9, { requester_id: 500, created_at: ago(90), updated_at: ago(60) }),
    );
    await new SecretsManagerClient(runtime.client).send(
      new PutSecretValueCommand({
        SecretId: runtime.deployment.output('CrmSecretArn'),
        SecretString: zendesk.connection(),
      }),
    );
  });
  after(async () => {
    await runtime?.stop();
    zendesk?.stop();
  });

  const ended = (executionArn: string) =>
    account.until(
      'the end of the run',
      async () => {
        const execution = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
        if (execution.status !== 'RUNNING') return execution;
        const { type = '' } = (await account.history(executionArn)).at(-1) ?? {};
        // Waits and back-offs take no time.
        if (/^WaitStateEntered|^Task(Submit)?Failed/.test(type)) clock.jump(300_000);
        return undefined;
      },
      150,
    );
  async function start(): Promise<string> {
    const { executionArn = '' } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: runtime.deployment.output('CrmTicketsStateMachineArn'),
        input: '{}',
      }),
    );
    return executionArn;
  }
  const run = async () => ended(await start());
  const features = async () => {
    const schema = runtime.deployment.output('WarehouseSchema');
    return account.sql(
      `SELECT customer_id, tickets_total, documents_total FROM ${schema}.customer_features ORDER BY 1`,
    );
  };
  const jobRuns = async () => {
    const glue = new GlueClient(runtime.client);
    const { JobNames: [JobName] = [] } = await glue.send(new ListJobsCommand({}));
    const { JobRuns = [] } = await glue.send(new GetJobRunsCommand({ JobName }));
    return JobRuns;
  };

  test('a run that fails leaves the tickets loaded, and a redrive computes what was planned', async () => {
    const document = await runtime.drop('documents/customer=C-101/letter.txt', 'I am very happy, thank you!');
    await runtime.settled([document]);
    const key = 'loaded/documents/year=2026/month=01/day=01/broken.parquet';
    const put = (Body: Uint8Array | string) =>
      account.s3.send(new PutObjectCommand({ Bucket: account.lake, Key: key, Body }));
    await put('no Parquet at all');
    const failed = await run();
    assert.equal(failed.error, 'States.TaskFailed', JSON.stringify(failed));
    assert.match(failed.cause ?? '', /"JobRunState":"FAILED"/);
    assert.equal((await jobRuns()).length, 3);
    await put(parquetOf(documents.columns, []));
    const { executionArn = '' } = failed;
    await account.sfn.send(new RedriveExecutionCommand({ executionArn }));
    const mended = await ended(executionArn);
    assert.equal(mended.status, 'SUCCEEDED', JSON.stringify(mended));
    const rows = await features();
    assert.equal(rows.length, 7);
    assert.equal(JSON.parse(mended.output ?? '{}').features, 7);
    // The document names C-101, and each of the eight tickets one of the seven customers.
    const named = rows.find(([customer]) => customer === 'C-101');
    assert.deepEqual(named?.map(Number).slice(1), [2, 1]);
  });

  test('while a run waits for capacity, the next one fetches, and leaves the features to it', async () => {
    const before = (await jobRuns()).length;
    // Features are due again.
    clock.jump(DAY_MS);
    runtime.runtime.faults.set([{ fault: 'throttled', service: 'glue', operations: ['StartJobRun'] }]);
    const waits = await start();
    await account.until('a run that waits for Glue', async () => {
      const events = await account.history(waits);
      if (/^WaitStateEntered/.test(events.at(-1)?.type ?? '')) clock.jump(60_000);
      return events.some(({ type = '' }) => /^Task(Submit)?Failed/.test(type));
    });
    const now = new Date(clock.now() - 120_000).toISOString();
    zendesk.changes.push(smallTicket(10, { created_at: now, updated_at: now, metric_set: null }));
    const other = JSON.parse((await run()).output ?? '{}');
    assert.equal(other.reason, undefined, 'The cursor is free.');
    assert.deepEqual([other.tickets?.read, other.features], [1, null]);
    assert.equal(
      (await account.sfn.send(new DescribeExecutionCommand({ executionArn: waits }))).status,
      'RUNNING',
    );
    runtime.runtime.faults.clear();
    const late = await ended(waits);
    assert.equal(late.status, 'SUCCEEDED', JSON.stringify(late));
    assert.equal(JSON.parse(late.output ?? '{}').features, 7);
    assert.equal((await jobRuns()).length, before + 1);
  });
});
