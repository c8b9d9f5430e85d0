import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sales } from '../../datasets/sales.ts';
import { rowValidator } from '../../lambdas/shared/dataset/validate.ts';
import { detect } from '../../lambdas/tabular/formats/detect.ts';
import { readRows } from '../../lambdas/tabular/formats/read-rows.ts';
import { HEAD_BYTES } from '../../lambdas/tabular/formats/types.ts';
import { damagedSales } from '../support/damaged-sales.ts';
import { all, stream } from '../support/tables.ts';

test('of a file with damage of every kind exactly the damaged rows are refused', async () => {
  const file = damagedSales(20_000, {
    'wrong number': 0.001,
    'out of range': 0.001,
    'missing value': 0.001,
    'not allowed': 0.001,
    'wrong address': 0.001,
    'wrong time': 0.001,
    'field less': 0.001,
    'field more': 0.001,
    'lost quote': 0.001,
    'zero byte': 0.001,
    'not UTF-8': 0.001,
    'too long': 0.0001,
  });
  const chunks = [...file.chunks()];
  const detected = detect(Buffer.concat(chunks).subarray(0, HEAD_BYTES), 'sales/x.csv', ['csv']);
  // UTF-8 is told by characters beyond ASCII, of which this file has none.
  assert.equal(detected.encoding, 'ascii');
  const { check } = rowValidator(sales);
  const rows = await all(readRows(stream(chunks), { ...detected, encoding: 'utf-8' }));
  const refused = rows.filter((row) => 'broken' in row || 'problems' in check(row.fields));
  assert.equal(rows.length, 20_000);
  assert.deepEqual(
    refused.map(({ line }) => line),
    file.lines,
  );
  assert.equal(rows.length - refused.length, file.good);
});

test('the same seed makes the same file', () => {
  const bytes = (seed: number) =>
    Buffer.concat([...damagedSales(100, { 'lost quote': 0.1 }, { seed }).chunks()]);
  assert.ok(bytes(1).equals(bytes(1)));
  assert.ok(!bytes(1).equals(bytes(2)));
});
