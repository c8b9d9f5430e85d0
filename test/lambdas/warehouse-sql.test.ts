import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { customers } from '../../datasets/customers.ts';
import { type Dataset, parquetColumns } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { sales } from '../../datasets/sales.ts';
import { tickets } from '../../datasets/tickets.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import { type Fields, LocalWarehouse } from '../support/local-warehouse.ts';
import { customer, order, ticket } from '../support/tabular-rows.ts';
import { seeded } from './support.ts';

async function open(t: TestContext): Promise<LocalWarehouse> {
  const warehouse = await LocalWarehouse.open();
  t.after(() => warehouse.close());
  return warehouse;
}

/** Everything that loads have made, but for when and by which load. */
async function content(warehouse: LocalWarehouse, dataset: Dataset): Promise<string[][]> {
  const columns = dataset.columns.map(({ name }) => `"${name}"`).join(', ');
  return warehouse.sql(
    `SELECT ${columns}, source_file, file_id, line, landed_at FROM millrace.${dataset.name} ORDER BY ALL`,
  );
}

test('a load brings rows of every type, and the same again changes nothing', async (t) => {
  const warehouse = await open(t);
  const file = await warehouse.publish(sales, {
    name: 'sales/a.csv',
    landedAt: '2026-11-21T05:00:00Z',
    rows: [order('1', { delivered_at: new Date('2026-11-21T09:00:00Z') }), order('2', { quantity: 1 })],
  });
  assert.deepEqual(await warehouse.load(sales, [file]), {
    rowsLoaded: 2,
    rowsNew: 2,
    rowsRemoved: 0,
    references: [],
  });
  const before = await content(warehouse, sales);
  assert.equal(before[0]?.[sales.columns.findIndex(({ name }) => name === 'unit_price')], '19.99');
  for (const salt of ['', 'by another load']) {
    const again = await warehouse.load(sales, [file], salt);
    assert.deepEqual([again.rowsLoaded, again.rowsRemoved], [2, 2]);
    assert.deepEqual(await content(warehouse, sales), before);
  }
  assert.deepEqual(await warehouse.sql('SELECT dataset, source_file, row_count FROM millrace.loaded_files'), [
    ['sales', 'sales/a.csv', '2'],
  ]);
});

test('times that come out of the files as of another age are refused, and nothing is kept', async (t) => {
  const warehouse = await open(t);
  // What a reader makes of microseconds that takes them for nanoseconds.
  const file = { name: 'sales/a.csv', landedAt: '1970-01-21T18:47:00Z', rows: [order('1')] };
  const entry = await warehouse.publish(sales, file);
  await assert.rejects(warehouse.load(sales, [entry]), /reads other times from the files than are written/);
  assert.deepEqual(await warehouse.sql('SELECT COUNT(*) FROM millrace.sales'), [['0']]);
});

test('a later version of a file replaces exactly its own rows, whichever is loaded first', async (t) => {
  const versions = [
    {
      name: 'sales/a.csv',
      landedAt: '2026-11-21T05:00:00Z',
      rows: [order('1'), order('2'), order('3', { ordered_at: new Date('2026-11-19T10:00:00Z') })],
    },
    { name: 'sales/b.csv', landedAt: '2026-11-21T05:30:00Z', rows: [order('4')] },
    {
      name: 'sales/a.csv',
      landedAt: '2026-11-21T06:00:00Z',
      rows: [order('2', { quantity: 9 }), order('5')],
    },
  ];
  const contents: string[][][] = [];
  for (const loads of [[[0], [1], [2]], [[2], [1], [0]], [[1, 2, 0]], [[2, 0], [1], [0]]]) {
    const warehouse = await open(t);
    const files = await Promise.all(versions.map((version) => warehouse.publish(sales, version)));
    for (const members of loads) {
      await warehouse.load(
        sales,
        members.flatMap((i) => files[i] ?? []),
      );
    }
    contents.push(await content(warehouse, sales));
    assert.deepEqual(
      await warehouse.sql('SELECT day, orders, order_lines, revenue FROM millrace.sales_daily ORDER BY 1'),
      [['2026-11-20', '3', '3', '259.87']],
      JSON.stringify(loads),
    );
    assert.deepEqual(await warehouse.sql('SELECT COUNT(*) FROM millrace.loaded_files'), [['3']]);
  }
  assert.deepEqual(
    contents[0]?.map(([id]) => id),
    ['2', '4', '5'],
  );
  for (const other of contents) assert.deepEqual(other, contents[0]);
});

test('a corrected file without a single row takes its rows back', async (t) => {
  const warehouse = await open(t);
  const file = { name: 'sales/a.csv', landedAt: '2026-11-21T05:00:00Z', rows: [order('1')] };
  await warehouse.load(sales, [await warehouse.publish(sales, file)]);
  const empty = await warehouse.publish(sales, { ...file, landedAt: '2026-11-21T06:00:00Z', rows: [] });
  const { rowsRemoved } = await warehouse.load(sales, [empty]);
  assert.equal(rowsRemoved, 1);
  assert.deepEqual(await content(warehouse, sales), []);
});

test('of a ticket the newest version stays, in whatever order and company its versions are loaded', async (t) => {
  const random = seeded(11);
  const at = (minute: number) => `2026-11-21T12:${String(minute).padStart(2, '0')}:00Z`;
  const pages = Array.from({ length: 6 }, (_, page) => ({
    name: `raw/page-${page}`,
    landedAt: at(page),
    // Overlapping exports: the same ticket in several pages, older and newer versions mixed.
    rows: [0, 1, 2].map((n) =>
      ticket(`${(page + n) % 4}`, at(Math.floor(random() * 30)), { status: `page ${page}` }),
    ),
  }));
  const contents: string[][][] = [];
  for (let round = 0; round < 4; round++) {
    const warehouse = await open(t);
    const entries = await Promise.all(pages.map((page) => warehouse.publish(tickets, page)));
    const shuffled = entries.map((entry) => ({ entry, at: random() })).sort((a, b) => a.at - b.at);
    const size = round + 1;
    for (let i = 0; i < shuffled.length; i += size) {
      await warehouse.load(
        tickets,
        shuffled.slice(i, i + size).map(({ entry }) => entry),
      );
    }
    contents.push(await content(warehouse, tickets));
  }
  for (const other of contents) assert.deepEqual(other, contents[0]);
  for (const [id = '', , , , status] of contents[0] ?? []) {
    const newest = pages
      .flatMap(({ rows }) => rows)
      .filter((row) => row.ticket_id === id)
      .toSorted((a, b) => Number(a.updated_at) - Number(b.updated_at))
      .at(-1);
    assert.equal(status, newest?.status);
  }
});

test('files that were written before a column was added are loaded beside those that have it', async (t) => {
  const warehouse = await open(t);
  const older: Dataset = { ...sales, columns: sales.columns.slice(0, -1) };
  const { status: _, ...row } = order('1');
  const files = [
    await warehouse.publish(older, { name: 'sales/a.csv', landedAt: '2026-11-20T05:00:00Z', rows: [row] }),
    await warehouse.publish(sales, {
      name: 'sales/b.csv',
      landedAt: '2026-11-21T05:00:00Z',
      rows: [order('2')],
    }),
  ];
  // What the last column was added to: it has to be one that may be empty.
  const { sqls } = await warehouse.plan(sales, files);
  const nullable = sqls.map((sql) => sql.replace('"status" VARCHAR(16) NOT NULL', '"status" VARCHAR(16)'));
  await warehouse.migrate((await warehouse.plan(sales, files)).catalogue);
  await warehouse.transaction([
    'ALTER TABLE millrace.sales DROP COLUMN "status"',
    "DELETE FROM millrace.schema_versions WHERE \"object\" IN ('sales', 'schema')",
  ]);
  await assert.rejects(warehouse.transaction(nullable), /refused: the tables are of another version/);
  await warehouse.migrate((await warehouse.plan(sales, files)).catalogue);
  await warehouse.transaction(nullable);
  assert.deepEqual(await warehouse.sql('SELECT order_id, status, line FROM millrace.sales ORDER BY 1'), [
    ['1', '', '1'],
    ['2', 'shipped', '1'],
  ]);
});

test('rows of a file that compaction has replaced are loaded from what replaced it', async (t) => {
  const warehouse = await open(t);
  const [a, b] = [
    await warehouse.publish(sales, { name: 'a', landedAt: '2026-11-21T05:00:00Z', rows: [order('1')] }),
    await warehouse.publish(sales, {
      name: 'b',
      landedAt: '2026-11-21T06:00:00Z',
      rows: [order('2'), order('3', { ordered_at: new Date('2026-11-19T10:00:00Z') })],
    }),
  ];
  const partition = 'year=2026/month=11/day=20/';
  const retired = [...warehouse.objects.keys()].filter((key) => key.startsWith(`loaded/sales/${partition}`));
  assert.equal(retired.length, 2);
  const rows = await Promise.all(
    retired.map((key) => parquetReadObjects({ file: new Uint8Array(warehouse.take(key)).buffer })),
  );
  await assert.rejects(warehouse.load(sales, [a]), { name: 'InvalidRecord', message: /is gone, and no/ });
  const added = `loaded/sales/${partition}compacted-${'0'.repeat(64)}.parquet`;
  const columns = parquetColumns(sales);
  const file = rows
    .flat()
    .map((row) => columns.map(({ name, type }) => (type === 'decimal' ? 1999n : (row[name] ?? null))));
  warehouse.put(added, parquetOf(columns, file));
  warehouse.put(
    `operations/compaction/sales/${partition}compaction.json`,
    JSON.stringify({ dataset: 'sales', partition, added: [added], retired, waiting: [] }),
  );
  assert.equal((await warehouse.load(sales, [b])).rowsLoaded, 2);
  assert.deepEqual(await warehouse.sql('SELECT order_id FROM millrace.sales ORDER BY 1'), [['2'], ['3']]);
  assert.equal((await warehouse.load(sales, [a])).rowsLoaded, 1);
});

test('tables are made once, and what is made again is nothing', async (t) => {
  const warehouse = await open(t);
  const { catalogue, sqls } = await warehouse.plan(sales, []);
  assert.ok((await warehouse.migrate(catalogue)) > 100);
  assert.ok((await warehouse.migrate(catalogue)) <= 2);
  for (const name of Object.keys(DATASETS)) await warehouse.sql(`SELECT * FROM millrace.${name}`);
  await warehouse.transaction(sqls);
});

test('rows that refer to nothing are counted until what they refer to has come', async (t) => {
  const warehouse = await open(t);
  const rows = [
    ticket('1', '2026-11-21T04:00:00Z'),
    ticket('2', '2026-11-21T04:00:00Z', { customer_id: 'C-2' }),
  ];
  const file = await warehouse.publish(tickets, { name: 'page', landedAt: '2026-11-21T05:00:00Z', rows });
  const brought = async (dataset: Dataset, entry: typeof file, salt = '') =>
    (await warehouse.load(dataset, [entry], salt)).references.map(({ rows: now, rowsBefore }) => [
      now,
      rowsBefore,
    ]);
  assert.deepEqual(await brought(tickets, file), [[2, 0]]);
  const people = async (...ids: string[]) =>
    warehouse.publish(customers, {
      name: `page of ${ids}`,
      landedAt: '2026-11-21T06:00:00Z',
      rows: ids.map(customer),
    });
  assert.deepEqual(await brought(customers, await people('C-1')), [[1, 2]]);
  assert.deepEqual(await brought(customers, await people('C-2')), [[0, 1]]);
  assert.deepEqual(await brought(customers, await people('C-2')), [[0, 1]], 'the load runs again');
  assert.deepEqual(await brought(tickets, file, 'later'), [[0, 0]]);
});

test('the health of customers joins sales and tickets, and has no personal data', async (t) => {
  const warehouse = await open(t);
  const day = (back: number) => new Date(Date.now() - back * 86_400_000);
  const landedAt = '2026-11-21T05:00:00Z';
  const load = async (dataset: Dataset, rows: Fields[]) =>
    warehouse.load(dataset, [await warehouse.publish(dataset, { name: dataset.name, landedAt, rows })]);
  await load(customers, [customer('C-1'), customer('C-2')]);
  await load(sales, [
    order('1', { ordered_at: day(10) }),
    order('2', { ordered_at: day(100), quantity: 1 }),
    order('3', { ordered_at: day(5), status: 'cancelled' }),
    order('4', { ordered_at: day(5), customer_id: 'C-2' }),
    order('5', { ordered_at: day(5), customer_id: 'C-2', currency: 'USD' }),
  ]);
  await load(tickets, [
    ticket('1', '2026-11-20T10:00:00Z', { created_at: day(3), sentiment_score: -0.5, priority: 'urgent' }),
    ticket('2', '2026-11-20T10:00:00Z', { created_at: day(300) }),
  ]);
  assert.deepEqual(
    await warehouse.sql(
      'SELECT customer_id, currency, orders_90d, revenue_90d, revenue_prior_90d, revenue_trend, tickets_90d, tickets_open,' +
        ' tickets_high_priority_90d, ticket_sentiment_90d FROM millrace.customer_health ORDER BY 1',
    ),
    [
      ['C-1', 'EUR', '2', '39.98', '19.99', '1', '1', '2', '1', '-0.5'],
      ['C-2', '', '2', '', '', '', '0', '0', '0', ''],
    ],
  );
  const columns = await warehouse.sql(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_name IN ('customer_health', 'customers_public', 'sales_public')",
  );
  assert.ok(columns.some(([table]) => table === 'sales_public'));
  const personal = Object.values(DATASETS).flatMap((dataset) =>
    dataset.columns.filter((column) => column.personal).map(({ name }) => name),
  );
  for (const [table, column = ''] of columns) assert.ok(!personal.includes(column), `${table}.${column}`);
});

test('statements keep to the limits of the Data API', async (t) => {
  const warehouse = await open(t);
  for (const dataset of [sales, tickets, customers]) {
    const { sqls, catalogue, refusals, versionCheck } = await warehouse.plan(dataset, []);
    for (const batch of [sqls, catalogue]) {
      assert.ok(batch.length <= 40);
      for (const sql of batch) assert.ok(Buffer.byteLength(sql) <= 100_000);
    }
    assert.match(sqls[versionCheck - 1] ?? '', /schema_versions/);
    for (const number of Object.keys(refusals)) assert.match(sqls[Number(number) - 1] ?? '', /refused: /);
  }
});
