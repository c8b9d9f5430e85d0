/*
 * What went wrong in other pipelines, one by one, and where a test tries it on this one.
 *
 *  1. One upload ran several executions .......... here; test/pipelines/duplicates, burst and crash.test.ts;
 *                                                  visibility time-outs: test/cdk/template.test.ts
 *  2. Throttling failed documents ................ test/pipelines/throttling.test.ts; test/lambdas/task-worker.test.ts
 *  3. A new upload got the old one's result ...... test/pipelines/duplicates.test.ts; test/lambdas/intake.test.ts
 *  4. A stale duplicate undid a success .......... here; test/lambdas/recorder.test.ts
 *  5. A denied step reported success ............. here; test/iam/grants.test.ts
 *  6. A failed COPY reported success ............. here; test/pipelines/warehouse-load.test.ts
 *  7. A batch was retried whole, or read in part . test/pipelines/duplicates.test.ts; test/lambdas/handler.test.ts
 *  8. Loads at once died of their conflict ....... here; test/pipelines/warehouse-load.test.ts; test/cdk/load-retries.test.ts
 *  9. Compaction lost rows unnoticed ............. here; test/pipelines/warehouse-load.test.ts
 * 10. A redrive ran the old definition ........... here
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  RedriveExecutionCommand,
  StartExecutionCommand,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { manifestsOf } from '../../lambdas/warehouse-load/manifest.ts';
import { Account } from '../support/account.ts';
import { assertOnce } from '../support/audit.ts';
import { deny } from '../support/deny.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

describe('what went wrong elsewhere', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  before(async () => {
    runtime = await startTestRuntime();
    account = new Account(runtime);
  });
  after(() => runtime?.stop());

  const execution = (executionArn: string) =>
    account.sfn.send(new DescribeExecutionCommand({ executionArn }));
  const end = (executionArn: string) =>
    account.until(`the end of ${executionArn}`, async () => {
      const described = await execution(executionArn);
      return described.status !== 'RUNNING' && described;
    });
  /** Names of the states that an execution entered. */
  const visited = async (executionArn: string | undefined) =>
    (await account.history(executionArn)).flatMap(({ stateEnteredEventDetails }) =>
      stateEnteredEventDetails?.name ? [stateEnteredEventDetails.name] : [],
    );
  const failed = (id: string) =>
    account.until(`${id} to fail`, async () => (await account.status(id)) === 'FAILED');

  /** A failure is an outcome too: after it, wait for the success. */
  const loaded = (id: string) =>
    account.until(`${id} to succeed and to be loaded`, async () => {
      const state = (await runtime.deployment.states([id])).get(id);
      return state?.status === 'SUCCEEDED' && state.loadStatus === 'LOADED';
    });

  test('1: one upload is one execution, and each says whose it is by its name', async () => {
    const id = await runtime.drop('documents/one.txt', 'It works, thank you.');
    await runtime.settled([id]);
    await account.drained();
    const [only, ...others] = await account.executions('document-ingestion');
    assert.deepEqual([only?.name, others], [id, []]);
    // A second start by anybody, with the name that the upload has, is refused.
    await assert.rejects(
      account.sfn.send(
        new StartExecutionCommand({
          stateMachineArn: account.machine('document-ingestion'),
          name: id,
          input: '{}',
        }),
      ),
      { name: 'ExecutionAlreadyExists' },
    );
    await assertOnce(account, new Map([[id, 'text']]));
  });

  test('4: a late failure of a stale duplicate does not overwrite a success', async () => {
    const id = await runtime.drop('documents/stale.txt', 'All is well.');
    await runtime.settled([id]);
    const [done] = await account.executions('document-ingestion', id);
    const later = Date.now() + 60_000;
    await account.sqs.send(
      new SendMessageCommand({
        QueueUrl: await account.queueUrl('RecorderChangesQueue'),
        MessageBody: JSON.stringify({
          version: '0',
          id: 'late',
          source: 'aws.states',
          'detail-type': 'Step Functions Execution Status Change',
          account: '000000000000',
          region: 'us-east-1',
          time: new Date(later).toISOString(),
          resources: [],
          detail: {
            executionArn: `${done?.executionArn}-r2`,
            stateMachineArn: account.machine('document-ingestion'),
            name: `${id}-r2`,
            status: 'FAILED',
            startDate: later - 1000,
            stopDate: later,
            input: JSON.stringify({ bucket: account.landing, key: 'documents/stale.txt', versionId: 'v' }),
            output: null,
            error: 'Stale',
            cause: 'A duplicate came too late.',
          },
        }),
      }),
    );
    const rows = await account.until('the late failure in the history', async () => {
      const all = await account.auditRows(id);
      return all.some(({ status }) => status === 'FAILED') && all;
    });
    assert.equal(rows.filter(({ status }) => status === 'FAILED').length, 1);
    assert.equal(await account.status(id), 'SUCCEEDED');
  });

  test('5: a step that is denied fails its file with the reason, and a redrive goes on from there', async () => {
    const allow = deny(runtime, 'DocumentIngestion/Publish/', 's3:PutObject');
    const id = await runtime.drop('documents/denied.txt', 'Nobody may publish me.');
    await failed(id);
    const state = (await runtime.deployment.states([id])).get(id);
    assert.match(state?.reason ?? '', /AccessDenied.*s3:PutObject/s);
    assert.equal(state?.loadStatus, undefined);
    allow();
    const [{ executionArn = '' } = {}] = await account.executions('document-ingestion', id);
    await account.sfn.send(new RedriveExecutionCommand({ executionArn }));
    await loaded(id);
    const states = await visited(executionArn);
    assert.equal(states.filter((name) => name === 'Inspect').length, 1, 'what was done is not done again');
    assert.equal((await account.executions('document-ingestion', id)).length, 1);
    assert.equal((await account.rowsByFile()).get(id), 1);
  });

  test('6: a COPY that fails is a failed load with its reason, and a rerun of it loads', async () => {
    const allow = deny(runtime, 'Warehouse/Role', 's3:GetObject');
    const id = await runtime.drop('documents/not-copied.txt', 'I am not there yet.');
    const load = await account.until('a failed load', async () =>
      (await account.executions('warehouse-load')).find(({ status }) => status === 'FAILED'),
    );
    const { error, cause = '', input = '' } = await execution(load.executionArn ?? '');
    assert.equal(error, 'LoadFailed');
    assert.match(cause, /The warehouse refused the load of documents .*FAILED/);
    await account.drained();
    assert.equal(await account.status(load.name ?? ''), 'FAILED');
    const state = (await runtime.deployment.states([id])).get(id);
    assert.deepEqual([state?.status, state?.loadStatus], ['SUCCEEDED', undefined]);
    assert.equal((await account.rowsByFile()).get(id), undefined);
    allow();
    const { executionArn = '' } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: account.machine('warehouse-load'),
        name: `${load.name}-r2`,
        input,
      }),
    );
    assert.equal((await end(executionArn)).status, 'SUCCEEDED');
    await loaded(id);
    assert.equal((await account.rowsByFile()).get(id), 1);
  });

  test('8: loads whose transactions conflict run again until they succeed', async () => {
    const objects = await Promise.all(
      (await account.keys(account.lake, 'curated/documents/')).map(async (key) => {
        const { VersionId: versionId, ContentLength: bytes = 0 } = await account.s3.send(
          new HeadObjectCommand({ Bucket: account.lake, Key: key }),
        );
        return { bucket: account.lake, key, versionId, bytes, time: '2026-01-01T00:00:00.000Z' };
      }),
    );
    const rows = await account.rowsByFile();
    const start = async (eTag: string): Promise<string> => {
      const [manifest] = manifestsOf(objects.map((object) => ({ ...object, eTag })));
      assert.ok(manifest);
      const { loadId, dataset } = manifest;
      const Key = `manifests/documents/${loadId}.json`;
      await account.s3.send(
        new PutObjectCommand({ Bucket: account.lake, Key, Body: JSON.stringify(manifest) }),
      );
      const input = JSON.stringify({ loadId, dataset, manifest: { bucket: account.lake, key: Key } });
      const { executionArn = '' } = await account.sfn.send(
        new StartExecutionCommand({
          stateMachineArn: account.machine('warehouse-load'),
          name: loadId,
          input,
        }),
      );
      return executionArn;
    };
    // Loads wait for each other; somebody else's transaction changes the same rows and takes its time.
    for (let round = 0, conflicts = 0; conflicts === 0; round++) {
      assert.ok(round < 8, 'no load has met the other transaction');
      await account.transaction([
        `UPDATE ${account.documents} SET pages = pages`,
        'SELECT COUNT(*) FROM generate_series(1, 2000000000)',
      ]);
      const loads = await Promise.all([0, 1, 2, 3].map((i) => start(`round ${round}, load ${i}`)));
      for (const { status, cause } of await Promise.all(loads.map(end))) {
        assert.equal(status, 'SUCCEEDED', cause);
      }
      const states = (await Promise.all(loads.map(visited))).flat();
      conflicts = states.filter((name) => name === 'BackOff').length;
    }
    assert.deepEqual(await account.rowsByFile(), rows);
  });

  test('9: a load leaves the Parquet files of others in its partition as they are', async () => {
    const parquet = async () => {
      const keys = await account.keys(account.lake, 'loaded/documents/');
      return new Map(
        await Promise.all(keys.map(async (key) => [key, await account.bytes(account.lake, key)] as const)),
      );
    };
    const before = await parquet();
    const id = await runtime.drop('documents/beside.txt', 'I come beside the others.');
    await runtime.settled([id]);
    const now = await parquet();
    assert.equal(now.size, before.size + 1);
    for (const [key, body] of before) assert.deepEqual(now.get(key), body, key);
  });

  test('10: a redrive runs the definition that it failed with, a rerun the mended one', async () => {
    const allow = deny(runtime, 'DocumentIngestion/Publish/', 's3:PutObject');
    const id = await runtime.drop('documents/mended.txt', 'Once broken, now mended.');
    await failed(id);
    allow();
    const stateMachineArn = account.machine('document-ingestion');
    const { definition = '' } = await account.sfn.send(new DescribeStateMachineCommand({ stateMachineArn }));
    const mended = JSON.parse(definition);
    mended.States.Mended = { Type: 'Pass', Next: mended.StartAt };
    mended.StartAt = 'Mended';
    await account.sfn.send(
      new UpdateStateMachineCommand({ stateMachineArn, definition: JSON.stringify(mended) }),
    );
    const [first] = await account.executions('document-ingestion', id);
    await account.sfn.send(new RedriveExecutionCommand({ executionArn: first?.executionArn }));
    await loaded(id);
    assert.ok(!(await visited(first?.executionArn)).includes('Mended'));

    const { input } = await execution(first?.executionArn ?? '');
    const rerun = await account.sfn.send(
      new StartExecutionCommand({ stateMachineArn, name: `${id}-r2`, input }),
    );
    assert.equal((await end(rerun.executionArn ?? '')).status, 'SUCCEEDED');
    assert.ok((await visited(rerun.executionArn)).includes('Mended'));
    await account.drained();
    assert.equal(await account.status(id), 'SUCCEEDED');
    assert.equal((await account.rowsByFile()).get(id), 1);
    const rows = await account.auditRows(id);
    assert.ok(rows.some(({ eventId }) => eventId === `document-ingestion:${id}-r2:SUCCEEDED:0`));
  });
});
