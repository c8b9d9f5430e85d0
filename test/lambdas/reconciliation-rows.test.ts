import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Dataset } from '../../datasets/dataset.ts';
import { documents } from '../../datasets/documents.ts';
import { sales } from '../../datasets/sales.ts';
import type { Batch } from '../../lambdas/reconciliation/batch.ts';
import { Ledger } from '../../lambdas/reconciliation/ledger.ts';
import { type RowsDependencies, reconcileRows } from '../../lambdas/reconciliation/rows-batch.ts';
import { FakeClient, MemoryLake } from './support.ts';

const NOW = Date.parse('2026-11-21T12:00:00.000Z');
const idOf = (n: number) => createHash('sha256').update(String(n)).digest('hex');
const keyOf = (id: string, day = '21', dataset = 'documents') =>
  `curated/${dataset}/year=2026/month=11/day=${day}/${id}.json`;

/** Runs the comparison as the state machine does, against a warehouse that holds rows by day. */
async function compare(
  curated: ReadonlyMap<string, Date>,
  warehouse: ReadonlyMap<string, readonly string[]>,
  loaded: (id: string) => boolean = () => true,
  dataset: Dataset = documents,
) {
  const keys = [...curated.keys()].sort();
  const s3 = new FakeClient({
    ListObjectsV2: ({ Prefix, Delimiter, StartAfter, MaxKeys = 1000 }) => {
      if (Delimiter) return { CommonPrefixes: [{ Prefix: `${Prefix}year=2026/` }] };
      const all = keys.filter((key) => key.startsWith(String(Prefix)) && key > String(StartAfter ?? ''));
      const page = all.slice(0, Number(MaxKeys));
      return {
        Contents: page.map((Key) => ({ Key, LastModified: curated.get(Key) })),
        IsTruncated: page.length < all.length,
      };
    },
    HeadObject: () => ({ VersionId: 'v', ETag: '"e"', ContentLength: 1 }),
  });
  const item = (pk: string) => ({
    pk: { S: pk },
    ...(loaded(pk) && { LoadStatus: { S: 'LOADED' } }),
  });
  const dynamo = new FakeClient({
    BatchGetItem: ({ RequestItems }) => {
      const { Keys } = (RequestItems as { audit: { Keys: { pk: { S: string } }[] } }).audit;
      return { Responses: { audit: Keys.map(({ pk }) => item(pk.S)) } };
    },
  });
  const lake = new MemoryLake();
  const dependencies: RowsDependencies = {
    s3,
    dynamo,
    sfn: new FakeClient(),
    objects: lake,
    datasets: [dataset],
    auditTable: 'audit',
    lakeBucket: 'lake',
    loadStateMachineArn: 'arn:loads',
    warehouseSchema: 'millrace',
  };
  const answer = (sql: string): string[][] => {
    const asked = [...sql.matchAll(/'([0-9a-f]{64})'/g)].map(([, id = '']) => id);
    if (asked.length > 0) {
      const rows = new Set([...warehouse.values()].flat());
      return asked.filter((id) => rows.has(id)).map((id) => [id]);
    }
    return [...warehouse].map(([day, ids]) => [
      day,
      String(ids.length),
      String(ids.reduce((sum, id) => sum + BigInt(`0x${id.slice(0, 8)}`), 0n)),
    ]);
  };
  const ledger = new Ledger();
  const statements: string[] = [];
  let cursor: unknown;
  let rows: readonly (readonly string[])[] = [];
  for (let number = 0; cursor !== null; number++) {
    assert.ok(number < 100, 'the comparison does not end');
    const batch: Batch = {
      run: 'run',
      step: 'rows',
      startedAt: new Date(NOW).toISOString(),
      number,
      cursor: cursor ?? undefined,
      rows,
      ledger,
      now: NOW,
      graceSeconds: 1800,
      loadGraceSeconds: 2100,
      againSeconds: 64_800,
      log: { info() {} } as unknown as Batch['log'],
    };
    const { cursor: next, sql } = await reconcileRows(batch, dependencies);
    cursor = JSON.parse(JSON.stringify(next));
    assert.ok(JSON.stringify(cursor).length < 50_000, 'a cursor fits into the state');
    rows = sql === undefined ? [] : answer(sql);
    if (sql === undefined) continue;
    assert.ok(sql.length < 100_000, 'the Data API takes 100 KB');
    statements.push(sql);
  }
  const reloaded = [...lake.objects.values()].flatMap((text) =>
    (JSON.parse(text).entries as { key: string }[]).map(({ key }) => key),
  );
  return { statements, reloaded: reloaded.sort(), missing: ledger.mismatches.get('row-missing')?.found ?? 0 };
}

const OLD = new Date(NOW - 3_600_000);
const ids = Array.from({ length: 1_200 }, (_, n) => idOf(n));
const ALL = new Map(ids.map((id) => [keyOf(id), OLD]));

test('counts and sums that agree need one statement for a year', async () => {
  const { statements, reloaded } = await compare(ALL, new Map([['2026-11-21', ids]]));
  assert.equal(statements.length, 1);
  assert.deepEqual(reloaded, []);
});

test('of a day that differs the missing rows are found page by page, and loaded again', async () => {
  const gone = new Set([ids[0], ids[600], ids[1_199]]);
  const rows = ids.filter((id) => !gone.has(id));
  const { statements, reloaded, missing } = await compare(ALL, new Map([['2026-11-21', rows]]));
  assert.equal(statements.length, 1 + 3, '1,200 records are three pages');
  assert.deepEqual(reloaded, [...gone].map((id) => keyOf(id ?? '')).sort());
  assert.equal(missing, 3);
});

test('a lost row and a strange one in its place are told apart though the counts agree', async () => {
  const rows = [...ids.slice(1), idOf(-1)];
  const { reloaded } = await compare(ALL, new Map([['2026-11-21', rows]]));
  assert.deepEqual(reloaded, [keyOf(ids[0] ?? '')]);
});

test('records that may still be loaded are left alone, loaded or not', async () => {
  const recent = Array.from({ length: 700 }, (_, n) => idOf(10_000 + n));
  const curated = new Map([...ALL, ...recent.map((id) => [keyOf(id), new Date(NOW - 1000)] as const)]);
  for (const arrived of [[], recent.slice(0, 5), recent]) {
    const { reloaded } = await compare(curated, new Map([['2026-11-21', [...ids, ...arrived]]]));
    assert.deepEqual(reloaded, []);
  }
});

test('records that were never loaded are the landing step’s', async () => {
  const { reloaded, missing } = await compare(ALL, new Map(), () => false);
  assert.deepEqual([reloaded, missing], [[], 0]);
});

test('a warehouse without the table lacks everything that was loaded', async () => {
  const { missing } = await compare(ALL, new Map());
  assert.equal(missing, 1_200);
});

test('a publication is compared with the ledger of loaded files, and loaded again as a whole', async () => {
  const files = ids.slice(0, 20);
  const published = new Map(files.map((id) => [keyOf(id, '21', 'sales'), OLD]));
  const { statements, reloaded } = await compare(
    published,
    new Map([['2026-11-21', files.slice(1)]]),
    () => true,
    sales,
  );
  assert.deepEqual(reloaded, [keyOf(files[0] ?? '', '21', 'sales')]);
  for (const sql of statements)
    assert.match(sql, / FROM millrace\.loaded_files WHERE .* AND dataset = 'sales'/);
});
