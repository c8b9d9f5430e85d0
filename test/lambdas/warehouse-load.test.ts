import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dataset } from '../../datasets/dataset.ts';
import type { CreatedObject } from '../../lambdas/shared/s3-events.ts';
import { datasetOf, manifestsOf } from '../../lambdas/warehouse-load/manifest.ts';
import { markFiles } from '../../lambdas/warehouse-load/mark-files.ts';
import { rowOf } from '../../lambdas/warehouse-load/rows.ts';
import { startLoad } from '../../lambdas/warehouse-load/start-load.ts';
import { tellReferences } from '../../lambdas/warehouse-load/tell-references.ts';
import { awsError, FakeClient, MemoryLake, seeded, startDynamo } from './support.ts';

const object = (key: string, more: Partial<CreatedObject> = {}): CreatedObject => ({
  bucket: 'lake',
  key,
  versionId: `version of ${key}`,
  bytes: 10,
  eTag: `tag of ${key}`,
  time: '2026-11-21T12:00:00.000Z',
  ...more,
});

test('the same objects make the same load, in whatever order and however often they come', () => {
  const objects = [
    ...Array.from({ length: 8 }, (_, i) => object(`curated/documents/${i}.json`)),
    object('curated/documents/0.json', {
      time: '2026-11-21T12:00:01.000Z',
      eTag: 'later',
      versionId: 'later',
    }),
    object('curated/documents/1.json', { eTag: 'other', versionId: 'other, of the same moment' }),
  ];
  const [expected, ...none] = manifestsOf(objects);
  assert.deepEqual(none, []);
  assert.deepEqual(
    expected?.entries.map(({ key }) => key),
    Array.from({ length: 8 }, (_, i) => `curated/documents/${i}.json`),
  );
  assert.deepEqual(expected?.entries[0], {
    key: 'curated/documents/0.json',
    versionId: 'later',
    eTag: 'later',
    size: 10,
  });
  const random = seeded(7);
  for (let round = 0; round < 20; round++) {
    const shuffled = [...objects, ...objects]
      .map((one) => ({ one, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ one }) => one);
    assert.deepEqual(manifestsOf(shuffled), [expected]);
  }
});

test('other content, another key or another dataset is another load', () => {
  const loads = [
    [object('curated/documents/a.json')],
    [object('curated/documents/b.json')],
    [object('curated/documents/a.json', { eTag: 'new' })],
    [object('curated/documents/a.json'), object('curated/documents/b.json')],
    [object('curated/sales/a.json')],
  ].map((objects) => manifestsOf(objects)[0]?.loadId ?? '');
  assert.equal(new Set(loads).size, loads.length);
  for (const loadId of loads) assert.match(loadId, /^[0-9a-f]{64}$/);
});

test('each dataset has its own manifest, and what is not a curated record is refused', () => {
  const manifests = manifestsOf([
    object('curated/sales/year=2026/a.json'),
    object('curated/documents/a.json'),
  ]);
  assert.deepEqual(
    manifests.map(({ dataset, entries }) => [dataset, entries.length]),
    [
      ['sales', 1],
      ['documents', 1],
    ],
  );
  for (const key of ['restricted/documents/a.json', 'curated/a.json', 'curated//a.json']) {
    assert.throws(() => datasetOf(key), { name: 'InvalidEvent' }, key);
  }
});

test('a load that was started before is found, and any other refusal is an error', async () => {
  const [manifest] = manifestsOf([object('curated/documents/a.json')]);
  assert.ok(manifest);
  const answers = [
    () => ({}),
    () => {
      throw awsError('ExecutionAlreadyExists');
    },
    () => {
      throw awsError('ExecutionLimitExceeded');
    },
  ];
  const sfn = new FakeClient({ StartExecution: () => answers.shift()?.() });
  const objects = new MemoryLake();
  const start = () => startLoad(manifest, { objects, sfn, lakeBucket: 'lake', stateMachineArn: 'machine' });
  assert.equal(await start(), true);
  assert.equal(await start(), false);
  await assert.rejects(start(), { name: 'ExecutionLimitExceeded' });
  const [first, ...again] = sfn.inputs('StartExecution');
  for (const input of again) assert.deepEqual(input, first);
  assert.equal(first?.name, manifest.loadId);
  const key = `manifests/documents/${manifest.loadId}.json`;
  assert.deepEqual(JSON.parse(String(first?.input)), {
    loadId: manifest.loadId,
    dataset: 'documents',
    manifest: { bucket: 'lake', key },
  });
  assert.deepEqual(JSON.parse(objects.objects.get(key) ?? ''), manifest);
});

const dataset: Dataset = {
  name: 'things',
  description: '',
  origin: 'records',
  key: ['id'],
  partitionBy: 'at',
  columns: [
    { name: 'id', type: 'string', maxBytes: 4, required: true, description: '' },
    { name: 'pages', type: 'integer', description: '' },
    { name: 'bytes', type: 'bigint', description: '' },
    { name: 'score', type: 'double', description: '' },
    { name: 'cut', type: 'boolean', description: '' },
    { name: 'at', type: 'timestamp', description: '' },
  ],
};

test('a row has the values of its record in the order of the columns, and nothing for what is missing', () => {
  const at = '2026-11-21T12:00:00.000Z';
  assert.deepEqual(
    rowOf(dataset, { at, cut: false, score: 0.5, bytes: 9, pages: 3, id: 'a', unknown: 1 }, 'here'),
    ['a', 3, 9n, 0.5, false, new Date(at)],
  );
  assert.deepEqual(rowOf(dataset, { id: 'üé', pages: null }, 'here').slice(1), [
    null,
    null,
    null,
    null,
    null,
  ]);
});

for (const [wrong, expected] of [
  [{ id: null }, /here: id is missing/],
  [{ id: 'ü€€' }, /here: id is longer than 4 bytes/],
  [{ pages: 'secret' }, /here: pages is not of type integer/],
  [{ pages: 1.5 }, /here: pages is not of type integer/],
  [{ pages: 2 ** 31 }, /here: pages is not of type integer/],
  [{ bytes: 2 ** 53 }, /here: bytes is not of type bigint/],
  [{ score: '1' }, /here: score is not of type double/],
  [{ cut: 0 }, /here: cut is not of type boolean/],
  [{ at: 'secret' }, /here: at is not of type timestamp/],
  [{ at: 0 }, /here: at is not of type timestamp/],
] as const) {
  test(`${JSON.stringify(wrong)} does not fit, and the value is not told`, () => {
    assert.throws(
      () => rowOf(dataset, { id: 'a', ...wrong }, 'here'),
      (error) =>
        error instanceof Error &&
        error.name === 'InvalidRecord' &&
        expected.test(error.message) &&
        !error.message.includes('secret'),
    );
  });
}

test('marking files again changes nothing, an older load undoes no newer one, and their own states stay', async (t) => {
  const dynamo = await startDynamo({ audit: ['pk', 'sk'] });
  t.after(() => dynamo.stop());
  const { GetItemCommand, PutItemCommand, ScanCommand } = await import('@aws-sdk/client-dynamodb');
  const fileId = 'b'.repeat(64);
  const key = { pk: { S: fileId }, sk: { S: 'CURRENT' } };
  await dynamo.client.send(
    new PutItemCommand({ TableName: 'audit', Item: { ...key, Status: { S: 'SUCCEEDED' } } }),
  );
  const mark = (loadId: string, loadedAt: string) =>
    markFiles(
      [{ fileId, fileName: 'documents/b.txt' }],
      { loadId, loadStatus: 'LOADED', loadedAt },
      { dynamo: dynamo.client, auditTable: 'audit' },
    );
  await mark('new', '2026-11-21T13:00:00.000Z');
  await mark('new', '2026-11-21T13:00:00Z');
  await mark('old', '2026-11-21T12:00:00.000Z');
  const { Item } = await dynamo.client.send(new GetItemCommand({ TableName: 'audit', Key: key }));
  assert.deepEqual(
    [Item?.Status?.S, Item?.LoadStatus?.S, Item?.LoadId?.S, Item?.LoadedAt?.S, Item?.FileName?.S],
    ['SUCCEEDED', 'LOADED', 'new', '2026-11-21T13:00:00.000Z', 'documents/b.txt'],
  );
  const { Items = [] } = await dynamo.client.send(new ScanCommand({ TableName: 'audit' }));
  assert.deepEqual(Items.map(({ sk }) => sk?.S).sort(), [
    '2026-11-21T12:00:00.000Z#old:LOADED',
    '2026-11-21T13:00:00.000Z#new:LOADED',
    'CURRENT',
  ]);
});

test('rows that refer to nothing are one incident for a dataset, until there are none; of what was well nothing is said', async () => {
  const told = async (rows: number, rowsBefore: number) => {
    const events = new FakeClient();
    const reference = { dataset: 'sales', column: 'customer_id', references: 'customers', rows, rowsBefore };
    await tellReferences(events, [reference], { loadId: 'load', loadedAt: '2026-11-21T12:00:00.000Z' });
    return events.inputs('PutEvents').flatMap(({ Entries }) => {
      const [entry] = Entries as { Detail: string }[];
      return JSON.parse(entry?.Detail ?? '');
    });
  };
  const [open, ...others] = await told(2, 0);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [open.key, open.state, open.severity, open.summary],
    [
      'data-quality:references:sales',
      'OPEN',
      'warning',
      '2 rows have a customer_id that customers does not have.',
    ],
  );
  const [over] = await told(0, 2);
  assert.deepEqual([over.key, over.state], [open.key, 'RESOLVED']);
  assert.notEqual(over.eventId, open.eventId);
  assert.deepEqual(await told(0, 0), []);
});
