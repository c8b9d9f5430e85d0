import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import type { Dataset } from '../../datasets/dataset.ts';
import { parquetOf } from '../../lambdas/warehouse-load/parquet.ts';
import type { Row } from '../../lambdas/warehouse-load/rows.ts';

const TYPES = ['string', 'integer', 'bigint', 'double', 'boolean', 'timestamp'] as const;

const dataset: Dataset = {
  name: 'all_types',
  description: 'One column of each type.',
  columns: TYPES.map((type) => ({ name: `a_${type}`, type, description: type })),
  origin: 'records',
  key: ['a_string'],
  partitionBy: 'a_timestamp',
};

const NOON = new Date('2026-11-21T12:00:00.123Z');

/** Every third row has no values but its key; texts fill more than one page. */
const rows: Row[] = Array.from({ length: 100 }, (_, i) =>
  i % 3 === 2
    ? [`row ${i}`, null, null, null, null, null]
    : [`row ${i} ${'ü'.repeat(10_000)}`, i - 50, BigInt(i) ** 8n, i / 7, i % 2 === 0, NOON],
);

function buffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

test('a second reader finds every value of every type, and nothing where there is none', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-parquet-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'all.parquet');
  writeFileSync(file, parquetOf(dataset, rows, 'load'));
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  t.after(() => {
    connection.closeSync();
    instance.closeSync();
  });
  const read = await connection.runAndReadAll(
    `SELECT * REPLACE (epoch_ms(a_timestamp) AS a_timestamp) FROM '${file}'`,
  );
  const expected = rows.map((row) => [
    ...row.map((value) => (value instanceof Date ? BigInt(value.getTime()) : value)),
    'load',
  ]);
  assert.deepEqual(read.getRows(), expected);
});

test('the author’s own reader finds the same', async () => {
  const objects = await parquetReadObjects({ file: buffer(parquetOf(dataset, rows, 'load')) });
  assert.deepEqual(
    objects.map((object) => Object.values(object)),
    rows.map((row) => [...row, 'load']),
  );
});

test('a file has nothing that an old reader does not know', () => {
  const metadata = parquetMetadata(buffer(parquetOf(dataset, rows, 'load')));
  assert.equal(metadata.version, 1);
  for (const { meta_data } of metadata.row_groups[0]?.columns ?? []) {
    assert.deepEqual(meta_data?.encodings, ['PLAIN', 'RLE']);
    assert.equal(meta_data?.codec, 'SNAPPY');
    assert.equal(meta_data?.dictionary_page_offset, undefined);
  }
});

test('a load without rows is a file without rows', async () => {
  assert.deepEqual(await parquetReadObjects({ file: buffer(parquetOf(dataset, [], 'load')) }), []);
});
