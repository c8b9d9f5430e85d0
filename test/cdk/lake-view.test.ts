import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Dataset, parquetColumns } from '../../datasets/dataset.ts';
import { documents } from '../../datasets/documents.ts';
import { sales } from '../../datasets/sales.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import { rowValidator } from '../../lambdas/shared/dataset/validate.ts';
import type { Row } from '../../lambdas/shared/dataset/values.ts';
import { TestLake } from '../support/lake.ts';

const landed: Dataset = {
  name: 'orders',
  description: '',
  origin: 'landing',
  key: ['id'],
  partitionBy: 'at',
  columns: [
    { name: 'id', type: 'string', required: true, description: '' },
    { name: 'at', type: 'timestamp', required: true, description: '' },
    { name: 'price', type: 'decimal', description: '' },
  ],
  ...(sales.files && { files: sales.files }),
};

const upserted: Dataset = {
  ...landed,
  name: 'people',
  origin: 'crm',
  versionBy: 'changed',
  columns: [...landed.columns, { name: 'changed', type: 'integer', required: true, description: '' }],
};

const MONDAY = 'year=2026/month=11/day=16/';
const at = '2026-11-16T10:00:00Z';
const order = (id: string, price: string, time = at) => ({ id, at: time, price });
const seen = (lake: TestLake) => lake.view('id', 'price::VARCHAR', 'year', 'month', 'day');

test('a lake in which nothing is has no rows', async (t) => {
  assert.deepEqual(await seen(new TestLake(t, landed)), []);
  assert.deepEqual(await seen(new TestLake(t, upserted)), []);
});

test('rows are seen when their file is published, and not before', async (t) => {
  const lake = new TestLake(t, landed);
  const rows = [order('a', '1.00'), order('b', '2.00', '2026-11-17T00:00:00Z')];
  const file = { source: 'orders/one.csv', landedAt: '2026-11-18T05:00:00Z', rows };
  await lake.land({ ...file, published: false });
  assert.deepEqual(await seen(lake), []);
  await lake.land(file);
  assert.deepEqual(await seen(lake), [
    ['a', '1.00', 2026, 11, 16],
    ['b', '2.00', 2026, 11, 17],
  ]);
});

test('of a file that landed twice, only the rows of the newer version are seen', async (t) => {
  const lake = new TestLake(t, landed);
  const source = 'orders/one.csv';
  // Seconds with and without a fraction: the text of the later one sorts before.
  const newer = { source, landedAt: '2026-11-18T05:00:00.500Z', rows: [order('a', '1.50')] };
  const older = {
    source,
    landedAt: '2026-11-18T05:00:00Z',
    rows: [order('a', '1.00'), order('gone', '9.00')],
  };
  await lake.land(newer);
  await lake.land(older);
  await lake.land({ source: 'orders/two.csv', landedAt: '2026-11-17T05:00:00Z', rows: [order('c', '3.00')] });
  assert.deepEqual(await lake.view('id', 'price::VARCHAR'), [
    ['a', '1.50'],
    ['c', '3.00'],
  ]);
});

test('a newer version without rows takes the rows of the older one away', async (t) => {
  const lake = new TestLake(t, landed);
  const source = 'orders/one.csv';
  await lake.land({ source, landedAt: '2026-11-18T05:00:00Z', rows: [order('a', '1.00')] });
  await lake.land({ source, landedAt: '2026-11-18T06:00:00Z', rows: [] });
  assert.deepEqual(await seen(lake), []);
});

test('a row that two exports bring is seen once, as the later one brings it', async (t) => {
  const lake = new TestLake(t, landed);
  const [first, second] = [[order('a', '1.00')], [order('a', '1.10'), order('b', '2.00')]];
  await lake.land({ source: 'orders/1.csv', landedAt: '2026-11-18T05:00:00Z', rows: first });
  await lake.land({ source: 'orders/2.csv', landedAt: '2026-11-18T06:00:00Z', rows: second });
  assert.deepEqual(await lake.view('id', 'price::VARCHAR'), [
    ['a', '1.10'],
    ['b', '2.00'],
  ]);
});

test('of rows that are upserted, the newest version is seen, whenever and under whatever day it came', async (t) => {
  const lake = new TestLake(t, upserted);
  const person = (id: string, price: string, changed: number, time = at) => ({
    ...order(id, price, time),
    changed,
  });
  await lake.land({
    source: 'page 1',
    landedAt: '2026-11-18T05:00:00Z',
    rows: [person('a', '1.00', 1), person('b', '5.00', 9)],
  });
  await lake.land({
    source: 'page 2',
    landedAt: '2026-11-18T06:00:00Z',
    rows: [person('a', '2.00', 2, '2026-11-17T10:00:00Z'), person('b', '4.00', 8)],
  });
  assert.deepEqual(await seen(lake), [
    ['a', '2.00', 2026, 11, 17],
    ['b', '5.00', 2026, 11, 16],
  ]);
});

test('a compaction changes nothing that is seen, before, in and after its swap', async (t) => {
  const lake = new TestLake(t, landed);
  const files = ['1', '2', '3'].map((n) => ({
    source: `orders/${n}.csv`,
    landedAt: `2026-11-18T0${n}:00:00.000Z`,
    rows: [order(`id ${n}`, `${n}.00`)],
  }));
  const retired: string[] = [];
  const compactedRows: Row[] = [];
  for (const file of files) {
    const parts = await lake.land(file);
    retired.push(...parts.map(({ key }) => key));
    const fileId = /([\da-f]{64})-0\.parquet$/.exec(parts[0]?.key ?? '')?.[1] ?? '';
    for (const row of lake.checked(file.rows)) {
      compactedRows.push([...row, file.source, fileId, 1n, new Date(file.landedAt)]);
    }
  }
  const expected = await seen(lake);
  assert.equal(expected.length, 3);
  const added = lake.compacted(MONDAY, 'c'.repeat(64), compactedRows);
  assert.deepEqual(await seen(lake), expected, 'a compacted file that was not swapped in is seen');
  lake.swap(MONDAY, [added], retired);
  assert.deepEqual(await seen(lake), expected, 'after the swap');

  await lake.land({
    source: 'orders/2.csv',
    landedAt: '2026-11-19T00:00:00Z',
    rows: [order('id 2', '2.50')],
  });
  const corrected = expected.map(([id, price, ...day]) => [id, id === 'id 2' ? '2.50' : price, ...day]);
  assert.deepEqual(await seen(lake), corrected, 'a corrected file replaces its rows in a compacted one');
});

test('records are seen without publications, and once', async (t) => {
  const records = documents;
  const lake = new TestLake(t, records);
  const { check } = rowValidator(records);
  const rows = ['a', 'b'].map((id) => {
    const fields = records.columns.map(({ name, type }) => [name, type === 'timestamp' ? at : '1']);
    const checked = check({ ...Object.fromEntries(fields), file_id: id });
    assert.ok('row' in checked);
    return [...checked.row, new Date(at)];
  });
  const [first, second] = [`loaded/documents/${MONDAY}1.parquet`, `loaded/documents/${MONDAY}2.parquet`];
  lake.write(first, parquetOf(parquetColumns(records), rows));
  lake.write(second, parquetOf(parquetColumns(records), rows.slice(1)));
  const expected = [['a'], ['b']];
  assert.deepEqual(await lake.view('file_id'), expected);
  const added = lake.compacted(MONDAY, 'c'.repeat(64), rows);
  assert.deepEqual(await lake.view('file_id'), expected);
  lake.swap(MONDAY, [added], [first, second]);
  assert.deepEqual(await lake.view('file_id'), expected);
  lake.swap(MONDAY, [], [first, second]);
  assert.deepEqual(await lake.view('file_id'), [], 'what is retired is not seen');
});

test('files from before a column was added are read as if they had it empty', async (t) => {
  const lake = new TestLake(t, { ...landed, columns: landed.columns.slice(0, 2) });
  await lake.land({ source: 'orders/1.csv', landedAt: '2026-11-18T05:00:00Z', rows: [order('a', '1.00')] });
  const now = lake.declaredAs(landed);
  await now.land({ source: 'orders/2.csv', landedAt: '2026-11-18T06:00:00Z', rows: [order('b', '2.00')] });
  assert.deepEqual(await now.view('id', 'price::VARCHAR'), [
    ['a', null],
    ['b', '2.00'],
  ]);
});
