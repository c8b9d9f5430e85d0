import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import {
  BatchExecuteStatementCommand,
  DescribeStatementCommand,
  RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { documents } from '../../datasets/documents.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import type { CompactedLoad, Manifest } from '../../lambdas/warehouse-load/contract.ts';
import { manifestsOf } from '../../lambdas/warehouse-load/manifest.ts';
import { rowOf } from '../../lambdas/warehouse-load/rows.ts';
import { stagedColumns } from '../../lambdas/warehouse-load/sql.ts';
import { Account } from '../support/account.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

/** How a load ended. */
interface Ended {
  readonly arn: string;
  readonly status: string | undefined;
  readonly error: string | undefined;
  readonly cause: string;
  readonly output: Record<string, unknown>;
}

describe('warehouse-load', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  /** Keys of the curated records of files that went the whole way. */
  let curated: string[];
  let fileIds: string[];

  before(async () => {
    runtime = await startTestRuntime();
    account = new Account(runtime);
    const texts = [
      'The lamp is lovely.',
      'The lamp is broken.',
      'The lamp is a lamp.',
      'Thank you for the lamp.',
    ];
    fileIds = await Promise.all(texts.map((body, i) => runtime.drop(`documents/lamps/${i}.txt`, body)));
    await runtime.settled(fileIds);
    await account.drained();
    curated = await account.keys(account.lake, 'curated/documents/');
    assert.equal(curated.length, texts.length);
  });
  after(() => runtime?.stop());

  const put = async (Key: string, Body: string | Uint8Array) => {
    const { ETag = '', VersionId } = await account.s3.send(
      new PutObjectCommand({ Bucket: account.lake, Key, Body }),
    );
    return { key: Key, eTag: ETag.replaceAll('"', ''), versionId: VersionId };
  };
  const table = () => account.sql(`SELECT * FROM ${account.documents} ORDER BY file_id`);

  /** Writes a manifest over curated records; its name is a load of its own. */
  const manifestOf = async (keys: readonly string[], salt = ''): Promise<Manifest> => {
    const [manifest] = manifestsOf(
      await Promise.all(
        keys.map(async (key) => {
          const body = await account.bytes(account.lake, key);
          const eTag = createHash('md5').update(body).update(salt).digest('hex');
          const { VersionId: versionId } = await account.s3.send(
            new HeadObjectCommand({ Bucket: account.lake, Key: key }),
          );
          return {
            bucket: account.lake,
            key,
            versionId,
            bytes: body.length,
            eTag,
            time: new Date(0).toISOString(),
          };
        }),
      ),
    );
    assert.ok(manifest);
    await put(`manifests/documents/${manifest.loadId}.json`, JSON.stringify(manifest));
    return manifest;
  };

  const start = async (loadId: string, suffix = ''): Promise<string> => {
    const { executionArn = '' } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: account.machine('warehouse-load'),
        name: `${loadId}${suffix}`,
        input: JSON.stringify({
          loadId,
          dataset: 'documents',
          manifest: { bucket: account.lake, key: `manifests/documents/${loadId}.json` },
        }),
      }),
    );
    return executionArn;
  };

  const end = (executionArn: string): Promise<Ended> =>
    account.until(`the end of ${executionArn}`, async () => {
      const { status, output, error, cause } = await account.sfn.send(
        new DescribeExecutionCommand({ executionArn }),
      );
      return (
        status !== 'RUNNING' && {
          arn: executionArn,
          status,
          error,
          cause: cause ?? '',
          output: JSON.parse(output ?? '{}'),
        }
      );
    });

  /** Puts a record where S3 tells the pipeline of it, and answers the load that this begins. */
  const publish = async (key: string, body: string | Uint8Array): Promise<string> => {
    const loads = async () =>
      (await account.executions('warehouse-load')).map((one) => one.executionArn ?? '');
    const known = await loads();
    await put(key, body);
    return account.until(`a load of ${key}`, async () => (await loads()).find((arn) => !known.includes(arn)));
  };

  /** What Compact answered in an execution. */
  const compacted = async (executionArn: string): Promise<CompactedLoad> => {
    const event = (await account.history(executionArn)).find(({ type }) => type === 'TaskSucceeded');
    return JSON.parse(event?.taskSucceededEventDetails?.output ?? '').Payload;
  };

  test('loading the same manifest again changes nothing', async () => {
    const before = await table();
    const [load] = await account.executions('warehouse-load');
    const again = await end(await start(load?.name ?? '', '-r2'));
    assert.equal(again.status, 'SUCCEEDED', again.cause);
    const { rows } = await compacted(again.arn);
    assert.deepEqual(again.output, {
      outcome: 'SUCCEEDED',
      dataset: 'documents',
      rows,
      files: rows,
      loadStatus: 'LOADED',
      rowsLoaded: rows,
      rowsNew: 0,
      rowsRemoved: 0,
    });
    assert.deepEqual(await table(), before);
  });

  for (const loads of [2, 4]) {
    test(`${loads} loads of the same records at once all succeed in the end`, async () => {
      const manifests = await Promise.all(
        Array.from({ length: loads }, (_, i) => manifestOf(curated, `${loads}-${i}`)),
      );
      const before = await table();
      const arns = await Promise.all(manifests.map(({ loadId }) => start(loadId)));
      for (const { status, cause } of await Promise.all(arns.map(end)))
        assert.equal(status, 'SUCCEEDED', cause);
      const now = await table();
      const withoutLoad = (rows: unknown[][]) => rows.map((row) => row.slice(0, -1));
      assert.deepEqual(withoutLoad(now), withoutLoad(before));
      // Whole loads, one after the other: all rows are of one.
      const [last, ...others] = new Set(now.map((row) => row.at(-1)));
      assert.deepEqual(others, []);
      assert.ok(manifests.some(({ loadId }) => loadId === last));
    });
  }

  test('a record that does not fit fails its load with the reason, and no file of it is marked', async () => {
    const before = await table();
    const record = JSON.parse(await account.text(account.lake, curated[0] ?? ''));
    const id = 'f'.repeat(64);
    const key = `curated/documents/year=2026/month=01/day=01/${id}.json`;
    const arn = await publish(key, JSON.stringify({ ...record, file_id: id, pages: 'three' }));
    const failed = await end(arn);
    assert.equal(failed.error, 'InvalidRecord');
    assert.match(failed.cause, new RegExp(`${key}: pages is not of type integer`));
    assert.doesNotMatch(failed.cause, /three/);
    await account.drained();
    const loadId = arn.split(':').at(-1) ?? '';
    assert.equal(await account.status(loadId), 'FAILED');

    const mixed = await manifestOf([...curated, key]);
    const { status, error } = await end(await start(mixed.loadId));
    assert.deepEqual([status, error], ['FAILED', 'InvalidRecord']);
    const rows = (await Promise.all(fileIds.map((fileId) => account.auditRows(fileId)))).flat();
    assert.deepEqual(
      rows.filter(({ eventId }) => eventId.startsWith(mixed.loadId)),
      [],
    );
    assert.equal(await account.status(id), undefined);
    assert.deepEqual(await table(), before);
  });

  test('of a file that a manifest holds twice the newer record is loaded', async () => {
    const twin = `${curated[0]?.replace('.json', '')}-copy.json`;
    const single = await end(await publish(twin, await account.bytes(account.lake, curated[0] ?? '')));
    assert.equal(single.status, 'SUCCEEDED', single.cause);
    const { loadId } = await manifestOf([...curated, twin], 'twice');
    const { status, output, cause } = await end(await start(loadId));
    assert.equal(status, 'SUCCEEDED', cause);
    assert.deepEqual(
      [output.rows, output.files, output.rowsLoaded, output.rowsNew],
      [curated.length + 1, curated.length, curated.length, 0],
    );
    assert.equal((await table()).length, curated.length);
  });

  test('a load that is older than what the warehouse has undoes nothing', async () => {
    const [key = ''] = curated;
    const older = await manifestOf([key], 'older');
    const record = JSON.parse(await account.text(account.lake, key));
    // S3 tells seconds.
    await account.until('the next second', async () => new Date().getMilliseconds() < 100);
    const newer = await end(await publish(key, JSON.stringify({ ...record, language: 'xx' })));
    assert.equal(newer.status, 'SUCCEEDED', newer.cause);
    const before = await table();
    const { status, output, cause } = await end(await start(older.loadId));
    assert.equal(status, 'SUCCEEDED', cause);
    assert.deepEqual([output.rows, output.rowsLoaded], [1, 0]);
    assert.deepEqual(await table(), before);
    await end(await publish(key, JSON.stringify(record)));
  });

  test('files that hold fewer rows than the manifest roll the transaction back', async () => {
    const { loadId } = await manifestOf(curated, 'short');
    const load = await end(await start(loadId));
    assert.equal(load.status, 'SUCCEEDED', load.cause);
    const { sqls } = await compacted(load.arn);
    const before = await table();

    const records = await Promise.all(
      curated.slice(1).map(async (key) => JSON.parse(await account.text(account.lake, key))),
    );
    const columns = stagedColumns(documents);
    const short = parquetOf(
      columns,
      records.map((record) => [...rowOf(documents, { ...record, language: 'xx' }, 'record'), new Date()]),
    );
    const [key = '', ...others] = (await account.keys(account.lake, 'loaded/documents/')).filter((one) =>
      one.endsWith(`${loadId}.parquet`),
    );
    assert.deepEqual(others, []);
    await put(key, short);

    const run = () => runStatements(runtime, account, sqls);
    assert.match(await run(), /Spectrum Scan Error|content_length|size/i);
    await put(
      `manifests/documents/${loadId}.copy-${columns.length}.json`,
      JSON.stringify({
        entries: [
          {
            url: `s3://${account.lake}/${key}`,
            mandatory: true,
            meta: { content_length: short.byteLength },
          },
        ],
      }),
    );
    assert.match(await run(), new RegExp(`refused: the files do not hold the ${curated.length} rows`));
    assert.deepEqual(await table(), before);
  });
});

/** Runs statements as the load does, in one transaction. Answers the error. */
async function runStatements(
  runtime: TestRuntime,
  account: Account,
  Sqls: readonly string[],
): Promise<string> {
  const redshift = new RedshiftDataClient(runtime.client);
  const { Id } = await redshift.send(
    new BatchExecuteStatementCommand({
      WorkgroupName: runtime.deployment.output('WarehouseWorkgroupName'),
      Database: runtime.deployment.output('WarehouseDatabase'),
      Sqls: [...Sqls],
    }),
  );
  return account.until('the end of the transaction', async () => {
    const { Status, Error: error } = await redshift.send(new DescribeStatementCommand({ Id }));
    return (Status === 'FAILED' || Status === 'FINISHED') && (error ?? 'no error');
  });
}
