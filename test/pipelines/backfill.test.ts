import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, ListMapRunsCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { Account } from '../support/account.ts';
import { assertOnce } from '../support/audit.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

const Output = z.object({
  prefix: z.string(),
  mapRunArn: z.string(),
  results: z.object({ Bucket: z.string(), Key: z.string() }),
});
const Manifest = z.object({ ResultFiles: z.object({ SUCCEEDED: z.array(z.object({ Key: z.string() })) }) });

describe('objects that nobody was told of', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  before(async () => {
    runtime = await startTestRuntime();
    account = new Account(runtime);
  });
  after(() => runtime?.stop());

  async function backfill(prefix: string) {
    const { executionArn } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: runtime.deployment.output('BackfillStateMachineArn'),
        input: JSON.stringify({ prefix }),
      }),
    );
    return account.until('the end of the backfill', async () => {
      const execution = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
      return execution.status !== 'RUNNING' && execution;
    });
  }

  /** What the functions said of each batch. */
  async function results(output = '') {
    const { results: at } = Output.parse(JSON.parse(output));
    const manifest = Manifest.parse(JSON.parse(await account.text(at.Bucket, at.Key)));
    const files = await Promise.all(
      manifest.ResultFiles.SUCCEEDED.map(({ Key }) => account.text(at.Bucket, Key)),
    );
    return files.flatMap((text) => text.split('\n').map((line) => JSON.parse(line)));
  }

  /** Lands objects whose events are discarded. */
  async function landUnseen(bodies: Readonly<Record<string, string>>): Promise<string[]> {
    // S3 has sent test events when notifications were switched on.
    await account.drained();
    const lambda = new LambdaClient(runtime.client);
    const url = await account.queueUrl('ArrivalsQueue');
    const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand());
    const mapping = EventSourceMappings.find(({ EventSourceArn }) =>
      EventSourceArn?.includes('ArrivalsQueue'),
    );
    const enable = (Enabled: boolean) =>
      lambda.send(new UpdateEventSourceMappingCommand({ UUID: mapping?.UUID, Enabled }));
    await enable(false);
    const ids = await Promise.all(
      Object.entries(bodies).map(async ([Key, Body]) => {
        const { VersionId = '' } = await account.s3.send(
          new PutObjectCommand({ Bucket: account.landing, Key, Body }),
        );
        return runtime.fileId(Key, VersionId);
      }),
    );
    const isThere = async () => {
      const queue = (await account.queues()).find((candidate) => candidate.url === url);
      return queue?.messages === ids.length;
    };
    await account.until('the events of S3', isThere);
    await account.sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
    await enable(true);
    return ids;
  }

  test('are processed once by a backfill, and running it again changes nothing', async () => {
    const ids = await landUnseen({
      'documents/old/one.txt': 'All is well.',
      'documents/old/two words & more.txt': 'This is terrible.',
      'documents/old/ünïcode+plus.txt': 'A parcel came.',
    });
    await landUnseen({ 'documents/old/deleted.txt': 'Gone.', 'documents/old/folder/': '' });
    await account.s3.send(
      new DeleteObjectCommand({ Bucket: account.landing, Key: 'documents/old/deleted.txt' }),
    );
    assert.deepEqual(await Promise.all(ids.map((id) => account.status(id))), [
      undefined,
      undefined,
      undefined,
    ]);

    const first = await backfill('documents/old/');
    assert.equal(first.status, 'SUCCEEDED', first.cause);
    assert.deepEqual(await results(first.output), [{ told: 3, archived: 0, gone: 1 }]);
    const states = await runtime.settled(ids);
    assert.deepEqual(
      ids.map((id) => states.get(id)?.status),
      ['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'],
    );
    const { mapRuns = [] } = await account.sfn.send(
      new ListMapRunsCommand({ executionArn: first.executionArn }),
    );
    assert.equal(mapRuns[0]?.mapRunArn, Output.parse(JSON.parse(first.output ?? '')).mapRunArn);

    const again = await backfill('documents/');
    assert.equal(again.status, 'SUCCEEDED', again.cause);
    await account.drained();
    await assertOnce(account, new Map(ids.map((id) => [id, 'text'])));
  });

  test('a prefix that starts no pipeline is refused, and so is none', async () => {
    for (const prefix of ['reports/', '', 'canary/']) {
      const { status, error } = await backfill(prefix);
      assert.deepEqual([status, error], ['FAILED', 'UnknownPrefix'], prefix);
    }
  });

  test('a prefix without objects is no failure', async () => {
    const { status, cause } = await backfill('documents/none/');
    assert.equal(status, 'SUCCEEDED', cause);
  });
});
