import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import type { Column } from '../../datasets/dataset.ts';
import { sales } from '../../datasets/sales.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import { PartsWriter } from '../../lambdas/shared/dataset/parts-writer.ts';
import { rowValidator } from '../../lambdas/shared/dataset/validate.ts';
import type { Row } from '../../lambdas/shared/dataset/values.ts';
import { salesRows } from '../support/sales.ts';

const TYPES = ['string', 'integer', 'bigint', 'double', 'decimal', 'boolean', 'date', 'timestamp'] as const;

const COLUMNS: readonly Column[] = TYPES.map((type) => ({
  name: `a_${type}`,
  type,
  description: '',
  ...(type === 'decimal' && { decimal: { precision: 12, scale: 3 } }),
}));

const DAY_MS = 86_400_000;
const NOON = Date.parse('2026-11-21T12:00:00.123Z');

/** Every third row has no values but its key. `repeat` different values of each type; texts of many pages where asked. */
function rowsOf(count: number, repeat: number, text = 'ü'): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const n = i % repeat;
    return i % 3 === 2
      ? [`row ${n}`, null, null, null, null, null, null, null]
      : [
          `row ${n} ${text}`,
          n - 50,
          BigInt(n) ** 4n - 1n,
          n / 7,
          BigInt(n) * -1_001n,
          n % 2 === 0,
          new Date((n - 10) * DAY_MS),
          new Date(NOON - n * 1_000),
        ];
  });
}

const CASES: readonly (readonly [string, Row[]])[] = [
  ['values that hardly repeat', rowsOf(5_000, 5_000)],
  ['values that repeat', rowsOf(5_000, 37)],
  ['texts of many pages', rowsOf(300, 300, 'ü'.repeat(10_000))],
  ['long texts that repeat', rowsOf(300, 5, 'ü'.repeat(10_000))],
  ['one value again and again', rowsOf(3_000, 1)],
  ['one row', rowsOf(1, 1)],
  ['nothing but nulls', Array.from({ length: 20 }, () => TYPES.map(() => null))],
  ['no rows', []],
];

function buffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** Rows of Parquet files as DuckDB reads them, times in milliseconds and decimals as text. */
async function duckRows(t: TestContext, files: readonly Uint8Array[], select: string): Promise<unknown[][]> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-parquet-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [i, file] of files.entries()) writeFileSync(join(directory, `${i}.parquet`), file);
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  t.after(() => {
    connection.closeSync();
    instance.closeSync();
  });
  const read = await connection.runAndReadAll(`SELECT ${select} FROM '${directory}/*.parquet'`);
  return read.getRows();
}

for (const [name, rows] of CASES) {
  test(`two readers of other hands find every value: ${name}`, async (t) => {
    const file = parquetOf(COLUMNS, rows);
    const inDuck = await duckRows(
      t,
      [file],
      `* REPLACE (a_decimal::VARCHAR AS a_decimal, epoch_ms(a_date) AS a_date, epoch_ms(a_timestamp) AS a_timestamp)`,
    );
    const decimal = (value: bigint) =>
      `${value < 0n ? '-' : ''}${String(value < 0n ? -value : value)
        .padStart(4, '0')
        .replace(/(\d{3})$/, '.$1')}`;
    assert.deepEqual(
      inDuck,
      rows.map((row) =>
        row.map((value, i) =>
          value instanceof Date
            ? BigInt(value.getTime())
            : TYPES[i] === 'decimal' && typeof value === 'bigint'
              ? decimal(value)
              : value,
        ),
      ),
    );
    const objects = await parquetReadObjects({ file: buffer(file) });
    assert.deepEqual(
      objects.map(({ a_decimal, ...others }) => others),
      rows.map((row) =>
        Object.fromEntries(TYPES.flatMap((type, i) => (type === 'decimal' ? [] : [[`a_${type}`, row[i]]]))),
      ),
    );
  });
}

test('a file has nothing that an old reader does not know', () => {
  for (const [, rows] of CASES) {
    const metadata = parquetMetadata(buffer(parquetOf(COLUMNS, rows)));
    assert.equal(metadata.version, 1);
    assert.equal(metadata.row_groups.length, 1);
    for (const { meta_data } of metadata.row_groups[0]?.columns ?? []) {
      const encoding = meta_data?.dictionary_page_offset === undefined ? 'PLAIN' : 'PLAIN_DICTIONARY';
      assert.deepEqual(meta_data?.encodings, [encoding, 'RLE']);
      assert.equal(meta_data?.codec, 'SNAPPY');
    }
    assert.deepEqual(
      metadata.schema.slice(1).map(({ name, type, converted_type }) => [name, type, converted_type]),
      [
        ['a_string', 'BYTE_ARRAY', 'UTF8'],
        ['a_integer', 'INT32', undefined],
        ['a_bigint', 'INT64', undefined],
        ['a_double', 'DOUBLE', undefined],
        ['a_decimal', 'INT64', 'DECIMAL'],
        ['a_boolean', 'BOOLEAN', undefined],
        ['a_date', 'INT32', 'DATE'],
        ['a_timestamp', 'INT64', 'TIMESTAMP_MICROS'],
      ],
    );
  }
});

test('a value of another type than its column is no file', () => {
  assert.throws(() => parquetOf([{ name: 'a', type: 'bigint', description: '' }], [[1]]), TypeError);
});

const FILE_ID = 'f'.repeat(64);
const LANDED_AT = new Date('2026-11-22T05:00:00Z');

async function partsOf(rows: readonly Row[], maxBufferedBytes: number, prefix?: string) {
  const files = new Map<string, Uint8Array>();
  const writer = new PartsWriter({
    dataset: sales,
    fileId: FILE_ID,
    sourceFile: 'sales/one.csv',
    landedAt: LANDED_AT,
    write: async (key, bytes) => void files.set(key, bytes),
    maxBufferedBytes,
    ...(prefix !== undefined && { prefix }),
  });
  for (const [i, row] of rows.entries()) await writer.add(row, i + 2);
  return { parts: await writer.finish(), files };
}

/** Checked rows of sales on three days. */
function checkedRows(count: number): Row[] {
  const { check } = rowValidator(sales);
  return Array.from(salesRows(count, { days: 3 }), (fields) => {
    const checked = check(fields);
    assert.ok('row' in checked);
    return checked.row;
  });
}

test('parts hold each row once, in the partition of its day, with where it came from', async (t) => {
  const rows = checkedRows(3_000);
  const { parts, files } = await partsOf(rows, 200_000);
  assert.ok(parts.length > 6, `${parts.length} parts`);
  assert.equal(
    parts.reduce((sum, part) => sum + part.rows, 0),
    rows.length,
  );
  for (const { key, bytes } of parts) {
    assert.match(key, /^loaded\/sales\/year=2026\/month=11\/day=(18|19|20)\/f{64}-\d+\.parquet$/);
    assert.equal(files.get(key)?.byteLength, bytes);
  }
  const read = await duckRows(
    t,
    [...files.values()],
    'order_id, line_number, ordered_at::DATE::VARCHAR, source_file, file_id, line, epoch_ms(landed_at)',
  );
  const byLine = read.toSorted((a, b) => Number(a[5]) - Number(b[5]));
  assert.deepEqual(
    byLine,
    rows.map((row, i) => [
      row[0],
      row[1],
      row[2] instanceof Date && row[2].toISOString().slice(0, 10),
      'sales/one.csv',
      FILE_ID,
      BigInt(i + 2),
      BigInt(LANDED_AT.getTime()),
    ]),
  );
});

test('the same rows in the same order make the same parts, and pieces of a file have parts of their own', async () => {
  const rows = checkedRows(500);
  const first = await partsOf(rows, 50_000);
  assert.deepEqual(await partsOf(rows, 50_000), first);
  const piece = await partsOf(rows, 50_000, '3');
  assert.equal(piece.parts[0]?.key, first.parts[0]?.key.replace(FILE_ID, `${FILE_ID}-3`));
});

test('a row that was not checked is no row', async () => {
  await assert.rejects(partsOf([sales.columns.map(() => null)], 1_000), TypeError);
});

test('rows of sales take less than three tenths of their JSON', async () => {
  const fields = [...salesRows(20_000, { days: 3 })];
  const { parts } = await partsOf(checkedRows(20_000), 64 * 1024 ** 2);
  const json = fields.reduce((sum, row) => sum + JSON.stringify(row).length + 1, 0);
  const parquet = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  assert.ok(parquet < json * 0.3, `${parquet} of ${json} bytes`);
});
