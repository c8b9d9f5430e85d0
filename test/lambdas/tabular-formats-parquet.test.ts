import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import type { AsyncBuffer } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { parquetFile } from '../../lambdas/tabular/formats/parquet-file.ts';
import { UnreadableFile } from '../../lambdas/tabular/formats/types.ts';
import { all, damaged, damages } from '../support/tables.ts';

const folder = mkdtempSync(join(tmpdir(), 'parquet-'));
let duckdb: DuckDBConnection;
before(async () => {
  duckdb = await (await DuckDBInstance.create()).connect();
});
after(() => {
  duckdb.closeSync();
  rmSync(folder, { recursive: true });
});

/** What DuckDB writes for a query. */
async function written(query: string, options = ''): Promise<Buffer> {
  const path = join(folder, 'file.parquet');
  await duckdb.run(`COPY (${query}) TO '${path}' (FORMAT parquet${options})`);
  return readFileSync(path);
}

function source(bytes: Uint8Array): AsyncBuffer & { fetched: number } {
  return {
    byteLength: bytes.length,
    fetched: 0,
    slice(start, end) {
      const part = Uint8Array.from(bytes.subarray(start, end));
      this.fetched += part.length;
      return part.buffer;
    },
  };
}

const rowsOf = async (bytes: Uint8Array) => all((await parquetFile(source(bytes))).read());

test('values of every type come as the validator takes them', async () => {
  const bytes = await written(`
    SELECT 'Grüße' AS text, 7::INTEGER AS small, 9007199254740991 AS number, 9007199254740993 AS large,
      -1.05::DECIMAL(4,2) AS tiny, 12345678.05::DECIMAL(10,2) AS price,
      -12345678901234567.89::DECIMAL(38,2) AS huge, 0.25::DOUBLE AS share, true AS flag,
      DATE '2026-11-21' AS day, TIMESTAMP '2026-11-21 10:11:12.345' AS local,
      TIMESTAMPTZ '2026-11-21 10:11:12+02' AS zoned, TIMESTAMP_NS '2026-11-21 10:11:12.345678' AS nanos,
      NULL::VARCHAR AS nothing, NULL::DECIMAL(10,2) AS "no price"`);
  assert.deepEqual(await rowsOf(bytes), [
    {
      line: 1,
      fields: {
        text: 'Grüße',
        small: 7,
        number: 9007199254740991,
        large: 9007199254740993n,
        tiny: '-1.05',
        price: '12345678.05',
        huge: '-12345678901234567.89',
        share: 0.25,
        flag: true,
        day: new Date('2026-11-21'),
        local: new Date('2026-11-21T10:11:12.345Z'),
        zoned: new Date('2026-11-21T08:11:12Z'),
        nanos: new Date('2026-11-21T10:11:12.345Z'),
        nothing: null,
        'no price': null,
      },
    },
  ]);
});

for (const codec of ['uncompressed', 'snappy', 'gzip', 'zstd', 'brotli']) {
  test(`${codec} is read, row group by row group`, async () => {
    const bytes = await written(
      `SELECT i::INTEGER AS id, 'value ' || (i % 100) AS value FROM range(5000) t(i)`,
      `, CODEC ${codec}, ROW_GROUP_SIZE 2048`,
    );
    const file = await parquetFile(source(bytes));
    assert.deepEqual([file.header, file.rows, file.groups], [['id', 'value'], 5000, 3]);
    const expected = Array.from({ length: 5000 }, (_, id) => ({
      line: id + 1,
      fields: { id, value: `value ${id % 100}` },
    }));
    assert.deepEqual(await all(file.read()), expected);
    assert.deepEqual(await all(file.read({ fromGroup: 1, untilGroup: 2 })), expected.slice(2048, 4096));
  });
}

test('a row group of more rows than are decoded at once is read in batches', async () => {
  const file = await parquetFile(
    source(await written('SELECT i AS id, i % 7 AS seven FROM range(120000) t(i)')),
  );
  assert.equal(file.groups, 1);
  let id = 0;
  for await (const batch of file.read()) {
    assert.ok(batch.length <= 1000);
    for (const row of batch) {
      assert.deepEqual(row, { line: id + 1, fields: { id, seven: id % 7 } });
      id++;
    }
  }
  assert.equal(id, 120_000);
});

test('lists and structures come as they are, for the validator to refuse', async () => {
  const bytes = await written(
    "SELECT i AS id, [i, 7] AS list, {'a': i, 'b': 'x'} AS structure FROM range(70000) t(i)",
  );
  const rows = await rowsOf(bytes);
  assert.equal(rows.length, 70_000);
  for (const id of [0, 65_535, 65_536, 69_999]) {
    assert.deepEqual(
      JSON.stringify(rows[id], (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
      JSON.stringify({ line: id + 1, fields: { id, list: [id, 7], structure: { a: id, b: 'x' } } }),
    );
  }
});

test('what Node cannot decompress is refused', async () => {
  const bytes = await written('SELECT 1 AS a', ', CODEC lz4_raw');
  await assert.rejects(rowsOf(bytes), { code: 'UNSUPPORTED_TYPE', message: /LZ4_RAW.*Snappy/ });
});

test('only the columns that are wanted are fetched, by their declared names', async () => {
  const bytes = await written(
    `SELECT i AS "Id", repeat(md5(i::VARCHAR), 20) AS noise FROM range(20000) t(i)`,
  );
  const ranges = source(bytes);
  const file = await parquetFile(ranges);
  ranges.fetched = 0;
  const rows = await all(file.read({ columnOf: (name) => (name === 'Id' ? 'id' : undefined) }));
  assert.deepEqual(rows[19_999], { line: 20_000, fields: { id: 19_999 } });
  assert.ok(ranges.fetched < bytes.length / 10, `${ranges.fetched} of ${bytes.length}`);
});

test('bytes without a type are texts, and what is not UTF-8 is a broken row', async () => {
  const bytes = new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'raw', data: [Buffer.from('plain'), Buffer.from('é')], type: 'BYTE_ARRAY' },
        { name: 'text', data: ['ok', 'MARK'], type: 'STRING' },
      ],
      codec: 'UNCOMPRESSED',
      statistics: false,
    }),
  );
  assert.deepEqual(await rowsOf(bytes), [
    { line: 1, fields: { raw: 'plain', text: 'ok' } },
    { line: 2, fields: { raw: 'é', text: 'MARK' } },
  ]);
  const spoilt = Buffer.from(Buffer.from(bytes).toString('latin1').replace('MARK', 'MAR\xff'), 'latin1');
  assert.deepEqual((await rowsOf(spoilt))[1], { line: 2, broken: 'The record is not valid UTF-8.' });
});

test('however it is damaged: refused, or as many rows as it says', async () => {
  const whole = await written(
    `SELECT i AS id, i * 1.01::DECIMAL(18,2) AS price, 'v' || (i % 3) AS value FROM range(500) t(i)`,
  );
  await fc.assert(
    fc.asyncProperty(damages(), async (harm) => {
      const bytes = damaged(whole, harm);
      try {
        const file = await parquetFile(source(bytes));
        const rows = await all(file.read());
        assert.deepEqual(
          rows.map(({ line }) => line),
          Array.from({ length: file.rows }, (_, i) => i + 1),
        );
      } catch (error) {
        if (!(error instanceof UnreadableFile)) throw error;
      }
    }),
  );
});

test('an error of the source comes through as it is', async () => {
  const lost = new Error('connection lost');
  const bytes = await written('SELECT 1 AS a');
  const ranges = source(bytes);
  const file = await parquetFile(ranges);
  ranges.slice = () => {
    throw lost;
  };
  await assert.rejects(all(file.read()), (error) => error === lost);
  await assert.rejects(parquetFile(ranges), (error) => error === lost);
});

test('a row group that would not fit into memory is refused', async () => {
  const bytes = await written(`SELECT 1 AS a FROM range(16500000)`, ', ROW_GROUP_SIZE 17000000');
  await assert.rejects(rowsOf(bytes), { code: 'TOO_LARGE', message: /Write smaller row groups/ });
});
