import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { ALL } from '../../datasets/index.ts';
import { lakeViewSql } from '../../lib/constructs/lake-view.ts';
import { synthesise } from './synthesise.ts';

const GlueColumn = z.object({ Name: z.string(), Type: z.string(), Comment: z.string().max(255) });
const Table = z.object({
  DatabaseName: z.literal('millrace_dev'),
  TableInput: z.object({
    Name: z.string(),
    TableType: z.enum(['EXTERNAL_TABLE', 'VIRTUAL_VIEW']),
    Description: z.string(),
    Parameters: z.record(z.string(), z.unknown()),
    PartitionKeys: z.array(z.object({ Name: z.string(), Type: z.string() })).default([]),
    StorageDescriptor: z.object({
      Columns: z.array(GlueColumn),
      Location: z.unknown().optional(),
      SerdeInfo: z.record(z.string(), z.string()),
    }),
    ViewOriginalText: z.string().default(''),
    ViewExpandedText: z.string().default(''),
  }),
});
const View = z.strictObject({
  originalSql: z.string(),
  catalog: z.literal('awsdatacatalog'),
  schema: z.literal('millrace_dev'),
  columns: z.array(z.strictObject({ name: z.string(), type: z.string() })),
});

const tables = new Map(
  synthesise()
    .ofType('AWS::Glue::Table')
    .map(([, { Properties }]) => Table.parse(Properties).TableInput)
    .map((table) => [table.Name, table]),
);

/** What is in the comment that Athena keeps a view in. */
function viewOf(name: string): z.output<typeof View> {
  const base64 = /^\/\* Presto View: (\S+) \*\/$/.exec(tables.get(name)?.ViewOriginalText ?? '')?.[1] ?? '';
  return View.parse(JSON.parse(Buffer.from(base64, 'base64').toString('utf8')));
}

test('each dataset is a view that Athena understands, with the same columns in Glue’s types and its own', () => {
  const spelt: Readonly<Record<string, string>> = {
    varchar: 'string',
    integer: 'int',
    'timestamp(3)': 'timestamp',
  };
  for (const dataset of ALL) {
    const table = tables.get(dataset.name);
    const view = viewOf(dataset.name);
    assert.equal(table?.TableType, 'VIRTUAL_VIEW');
    assert.deepEqual(table.Parameters, { presto_view: 'true', comment: 'Presto View' });
    assert.equal(table.ViewExpandedText, '/* Presto View */');
    assert.equal(view.originalSql, lakeViewSql(dataset));
    assert.deepEqual(
      view.columns.map(({ name, type }) => [name, spelt[type] ?? type]),
      table.StorageDescriptor.Columns.map(({ Name, Type }) => [Name, Type]),
    );
  }
  const types = new Map(viewOf('sales').columns.map(({ name, type }) => [name, type]));
  assert.equal(types.get('unit_price'), 'decimal(18,2)');
  assert.equal(types.get('ordered_at'), 'timestamp(3)');
  assert.equal(types.get('year'), 'integer');
});

test('a view asks for tables that there are, and for columns that they have', () => {
  for (const { name, origin } of ALL) {
    const asked = new Set(viewOf(name).originalSql.match(new RegExp(`\\b${name}_[a-z]+\\b`, 'g')));
    const expected =
      origin === 'records' ? ['compactions', 'files'] : ['compactions', 'files', 'publications'];
    assert.deepEqual(
      [...asked].sort(),
      expected.map((table) => `${name}_${table}`),
    );
    const files = tables.get(`${name}_files`);
    const columns = [
      ...(files?.StorageDescriptor.Columns.map(({ Name }) => Name) ?? []),
      ...(files?.PartitionKeys.map(({ Name }) => Name) ?? []),
    ];
    assert.deepEqual(
      viewOf(name).columns.map((column) => column.name),
      columns,
    );
  }
});

test('lists of published and replaced files are read wherever they lie below their folder', () => {
  for (const [name, prefix] of [
    ['sales_publications', 'curated/sales/'],
    ['tickets_publications', 'published/tickets/'],
    ['sales_compactions', 'operations/compaction/sales/'],
  ] as const) {
    const table = tables.get(name);
    assert.deepEqual(table?.PartitionKeys, []);
    assert.equal(table.Parameters['projection.enabled'], undefined);
    assert.match(JSON.stringify(table.StorageDescriptor.Location), new RegExp(`/${prefix}"`));
  }
});

test('personal columns are marked in the catalogue', () => {
  for (const { name, columns } of ALL) {
    for (const table of [name, `${name}_files`]) {
      const comments = new Map(
        tables.get(table)?.StorageDescriptor.Columns.map(({ Name, Comment }) => [Name, Comment]),
      );
      for (const column of columns) {
        assert.equal(comments.get(column.name)?.startsWith('Personal data. '), column.personal === true);
      }
    }
  }
});
