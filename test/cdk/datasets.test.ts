import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Column, Dataset } from '../../datasets/dataset.ts';
import { ALL } from '../../datasets/index.ts';
import { PROJECT_ROOT } from '../../lib/constructs/bundle.ts';
import { checkDatasets, LOCK_FILE } from '../../lib/datasets/check.ts';
import { declarationProblems } from '../../lib/datasets/declarations.ts';
import { evolutionProblems, lockOf } from '../../lib/datasets/evolution.ts';
import { datasetsPage } from '../../scripts/datasets/page.ts';

test('the datasets are right, and stores can follow them', () => {
  assert.doesNotThrow(checkDatasets);
});

test('page and lock are those of the datasets: npm run docs:datasets brings them up to date', () => {
  const page = readFileSync(join(PROJECT_ROOT, 'docs', 'datasets.md'), 'utf8');
  assert.equal(page, datasetsPage(ALL), 'run npm run docs:datasets');
  assert.deepEqual(JSON.parse(readFileSync(LOCK_FILE, 'utf8')), lockOf(ALL), 'run npm run docs:datasets');
});

const id: Column = { name: 'id', type: 'string', required: true, description: 'Id' };
const at: Column = { name: 'at', type: 'timestamp', required: true, description: 'When' };
const price: Column = { name: 'price', type: 'decimal', description: 'Price' };
const note: Column = { name: 'note', type: 'string', description: 'Note' };

const orders = {
  name: 'web_orders',
  description: 'Orders of the web shop.',
  origin: 'landing',
  key: ['id'],
  partitionBy: 'at',
  columns: [id, at, price, note],
  files: { formats: ['csv'], tolerance: 0.01, onNewColumn: 'ignore', onMissingColumn: 'ignore' },
} as const satisfies Dataset;

const withColumn = (column: Partial<Column>) => ({ columns: [id, at, { ...note, ...column }] });
const expected = { by: '06:00', timeZone: 'Europe/Berlin', days: 'every day' } as const;
const check = { name: 'a-check', description: '', left: 'at', is: '<', right: 'at' } as const;

/** What is declared otherwise than in `orders`, and what is said of it. */
const WRONG: readonly (readonly [Partial<Dataset>, RegExp])[] = [
  [{ name: 'WebOrders' }, /the name is WebOrders; allowed is lower-case snake case/],
  [{ name: 'order' }, /means something else already/],
  [{ name: 'loaded_files' }, /means something else already/],
  [{ name: 'web_files' }, /ends with _files/],
  [{ description: ' ' }, /description/],
  [{ columns: [] }, /it has no columns/],
  [withColumn({ name: 'Note' }), /column Note is not named in lower-case snake case/],
  [withColumn({ name: 'line' }), /column line has the name of a column that every dataset gets/],
  [withColumn({ name: 'year' }), /column year has the name of a column that every dataset gets/],
  [withColumn({ name: 'id' }), /column id: the name id is another column’s, too/],
  [withColumn({ aliases: ['ID'] }), /column note: the name id is another column’s, too/],
  [withColumn({ description: 'x'.repeat(241) }), /column note has a description/],
  [withColumn({ maxBytes: 65_536 }), /column note has maxBytes 65536; allowed is 1 to 65535/],
  [withColumn({ type: 'integer', maxBytes: 10 }), /column note has maxBytes, which is for strings only/],
  [withColumn({ range: { min: 1 } }), /column note has range, which is for numbers only/],
  [withColumn({ type: 'integer', range: { min: 2, max: 1 } }), /the range 2 to 1, in which nothing is/],
  [
    withColumn({ type: 'decimal', decimal: { precision: 19, scale: 2 } }),
    /has 19 digits; allowed is 1 to 18/,
  ],
  [
    withColumn({ type: 'decimal', decimal: { precision: 3, scale: 4 } }),
    /4 digits behind the point; allowed is 0 to 3/,
  ],
  [withColumn({ allowed: [] }), /allows no value at all/],
  [withColumn({ maxBytes: 3, allowed: ['four'] }), /allows "four", which is empty or longer than 3 bytes/],
  [withColumn({ pattern: '(' }), /the pattern \(, which is no regular expression/],
  [{ key: [] }, /the key has no columns/],
  [{ key: ['id', 'id'] }, /the key names a column twice/],
  [{ key: ['none'] }, /key: none is no column/],
  [{ key: ['note'] }, /key: note is not required/],
  [{ partitionBy: 'none' }, /partitionBy: none is no column/],
  [{ partitionBy: 'id' }, /partitionBy: id is not a required date or timestamp/],
  [{ versionBy: 'price' }, /versionBy: price is not a required date, timestamp or whole number/],
  [{ origin: 'crm' }, /files is given; rows of origin crm come by themselves/],
  [{ files: { ...orders.files, formats: [] } }, /files\.formats is empty/],
  [{ files: { ...orders.files, tolerance: 5 } }, /files\.tolerance is 5; allowed is 0 to 1/],
  [{ files: { ...orders.files, expected: { ...expected, by: '6:00' } } }, /by is 6:00; allowed is HH:MM/],
  [
    { files: { ...orders.files, expected: { ...expected, timeZone: 'Europe/Bonn' } } },
    /timeZone is Europe\/Bonn/,
  ],
  [{ expectations: { freshHours: 0 } }, /freshHours is 0/],
  [{ expectations: { rowsPerDay: { min: 9, max: 3 } } }, /rowsPerDay is 9 to 3/],
  [
    { expectations: { checks: [{ ...check, name: 'A check' }] } },
    /check A check: its name is not lower-case kebab/,
  ],
  [{ expectations: { checks: [check, check] } }, /check a-check: its name is another check’s, too/],
  [{ expectations: { checks: [{ ...check, right: 'none' }] } }, /check a-check: none is no column/],
  [
    { expectations: { checks: [{ ...check, right: 'price' }] } },
    /at is timestamp and price is decimal of scale 2/,
  ],
  [
    { expectations: { references: [{ column: 'none', dataset: 'customers', key: 'customer_id' }] } },
    /none is no column/,
  ],
  [{ expectations: { references: [{ column: 'id', dataset: 'none', key: 'id' }] } }, /none is no dataset/],
  [
    { expectations: { references: [{ column: 'id', dataset: 'customers', key: 'name' }] } },
    /name is not the key of customers/,
  ],
  [
    { expectations: { references: [{ column: 'at', dataset: 'customers', key: 'customer_id' }] } },
    /it is timestamp, and customers\.customer_id is string/,
  ],
  [{ retentionDays: 0 }, /retentionDays is 0/],
];

test('what is wrong with a declaration is said with its file, and nothing is said of one that is right', () => {
  assert.deepEqual(declarationProblems([...ALL, orders]), []);
  for (const [change, message] of WRONG) {
    const found = declarationProblems([...ALL, { ...orders, ...change }]).join('\n');
    assert.match(found, message, JSON.stringify(change));
    assert.match(found, /^datasets\/[\w-]+\.ts: /);
  }
  const { files, ...none } = orders;
  assert.match(declarationProblems([none]).join(), /files is missing; rows of origin landing come as files/);
  assert.match(declarationProblems([orders, orders]).join(), /the name is another dataset’s, too/);
});

/** How the columns of `orders` change, and what is said of it; nothing where stores follow. */
const CHANGES: readonly (readonly [Partial<Dataset>, RegExp | undefined])[] = [
  [{}, undefined],
  [{ description: 'New words', versionBy: 'at', retentionDays: 1 }, undefined],
  [
    { columns: [id, at, { ...price, range: { min: 0 }, personal: true, aliases: ['amount'] }, note] },
    undefined,
  ],
  [{ columns: [id, at, price, note, { ...note, name: 'more' }] }, undefined],
  [
    { columns: [id, at, price, note, { ...note, name: 'more', required: true }] },
    /^datasets\/web-orders\.ts: column more is new and required: .*; let it be empty$/,
  ],
  [
    { columns: [id, at, { ...note, name: 'more' }, price, note] },
    /^datasets\/web-orders\.ts: column more is new and not the last: .*; put it behind the others$/,
  ],
  [{ columns: [id, at, note] }, /^datasets\/web-orders\.ts: column price is gone: [^\n]*$/],
  [{ columns: [id, at, price] }, /column note is gone: .*; keep it, and add a new column behind the others$/],
  [{ columns: [id, at, price, { ...note, name: 'remark' }] }, /column note is gone \(renamed to remark\?\)/],
  [{ columns: [id, at, note, price] }, /column price has another place: .*; leave the order as it was/],
  [
    { columns: [id, at, price, { ...note, required: true }] },
    /column note was string\(256\) and is string\(256\), required/,
  ],
  [
    { columns: [id, { ...at, required: false }, price, note] },
    /column at was timestamp, required and is timestamp/,
  ],
  [
    { columns: [id, at, price, { ...note, maxBytes: 100 }] },
    /column note was string\(256\) and is string\(100\)/,
  ],
  [
    { columns: [id, at, { ...price, decimal: { precision: 18, scale: 3 } }, note] },
    /was decimal\(18,2\) and is decimal\(18,3\)/,
  ],
  [
    { columns: [id, at, { ...price, type: 'double' }, note] },
    /column price was decimal\(18,2\) and is double/,
  ],
  [{ key: ['id', 'at'] }, /the key was id and is id, at: .*; declare a new dataset for it$/],
  [{ partitionBy: 'other' }, /partitionBy was at and is other/],
  [{ origin: 'crm' }, /origin was landing and is crm/],
];

test('a change that tables and files cannot follow is refused, with the column, why, and what to do', () => {
  const lock = lockOf([orders]);
  for (const [change, message] of CHANGES) {
    const found = evolutionProblems(lock, [{ ...orders, ...change }]);
    if (message) assert.match(found.join('\n'), message);
    else assert.deepEqual(found, []);
  }
  assert.match(evolutionProblems(lock, []).join(), /the dataset is gone/);
  assert.deepEqual(evolutionProblems({}, [orders]), [], 'a dataset that is new');
});
