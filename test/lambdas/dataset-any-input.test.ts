import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import type { Column, Dataset } from '../../datasets/dataset.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import { rowValidator } from '../../lambdas/shared/dataset/validate.ts';
import type { Row } from '../../lambdas/shared/dataset/values.ts';

const TYPES = ['string', 'integer', 'bigint', 'double', 'decimal', 'boolean', 'date', 'timestamp'] as const;

const COLUMNS: readonly Column[] = [
  { name: 'at', type: 'timestamp', required: true, description: '' },
  ...TYPES.map((type): Column => ({ name: `a_${type}`, type, description: '' })),
  { name: 'secret', type: 'string', format: 'email', personal: true, description: '' },
];

const dataset: Dataset = {
  name: 'anything',
  description: '',
  origin: 'landing',
  key: ['at'],
  partitionBy: 'at',
  columns: COLUMNS,
};

/** Texts as they look when they are meant, and anything that JSON, Parquet or a broken export may bring. */
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.date({ noInvalidDate: false }).map((date) => (Number.isNaN(date.getTime()) ? date : date.toISOString())),
  fc.date(),
  fc.integer().map(String),
  fc.double().map(String),
  fc.double(),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom('', null, undefined, 'true', '2026-11-21', '19.99', '-0', '+', '.', 'NaN', '9'.repeat(400)),
  fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }),
);

const fields = fc.record(
  Object.fromEntries(COLUMNS.map(({ name }) => [name, name === 'at' ? fc.date() : value])),
);

const { check } = rowValidator(dataset);

test('whatever comes, a row is taken or refused, and a refusal tells no personal value', () => {
  fc.assert(
    fc.property(fields, (given) => {
      const checked = check(given);
      if ('row' in checked) {
        assert.equal(checked.row.length, COLUMNS.length);
        return;
      }
      assert.ok(checked.problems.length > 0);
      for (const { column, value: told = '', message } of checked.problems) {
        assert.ok(column !== 'secret' || told === '', 'a personal value is told');
        assert.ok(told.length <= 200);
        assert.ok(column !== null && message.startsWith(column));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('every row that is taken comes back from Parquet as it went in', async () => {
  const rows: Row[] = [];
  fc.assert(
    fc.property(fields, (given) => {
      const bad = new Set<unknown>();
      const first = check(given);
      // What is wrong is left out, so that the rest of each row is written.
      if ('problems' in first) for (const { column } of first.problems) bad.add(column);
      const rest = Object.fromEntries(Object.entries(given).filter(([name]) => !bad.has(name)));
      const checked = check({ ...rest, at: new Date('2026-11-21T12:00:00Z') });
      assert.ok('row' in checked);
      rows.push(checked.row);
    }),
    { numRuns: 2_000 },
  );
  const file = new Uint8Array(parquetOf(COLUMNS, rows)).buffer;
  const read = await parquetReadObjects({ file });
  const scaled = (row: Record<string, unknown>) => ({ ...row, a_decimal: null });
  assert.deepEqual(
    read.map(scaled),
    rows.map((row) => scaled(Object.fromEntries(COLUMNS.map(({ name }, i) => [name, row[i]])))),
  );
});
