import { createHash } from 'node:crypto';
import type { Column } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { WAREHOUSE_TABLES } from './contract.ts';
import type { Found } from './loader.ts';
import { columnDdl, identifier, LOAD_ID, nullableDdl, quote, tableColumns } from './sql.ts';
import { AGGREGATES, aggregateStatements, VIEWS } from './sql-views.ts';

const text = (name: string, maxBytes: number, description: string): Column => ({
  name,
  type: 'string',
  maxBytes,
  required: true,
  description,
});
const count = (name: string, description: string): Column => ({
  name,
  type: 'bigint',
  required: true,
  description,
});
const time = (name: string, description: string): Column => ({ name, type: 'timestamp', description });

/** What a load is told of its files, and what the ledger keeps of them. */
export const FILE_COLUMNS: readonly Column[] = [
  text('file_id', 64, 'Id of the version of the file or page; of the document for records'),
  text('source_file', 1024, 'Its key, whatever the version'),
  time('landed_at', 'When it landed, UTC; when it was written to the lake for records'),
  count('row_count', 'Rows that it brought'),
];

interface Table {
  readonly name: string;
  readonly description: string;
  readonly columns: readonly Column[];
}

const DATASET = text('dataset', 128, 'Dataset');

/** Tables that loads keep for themselves. */
const OWN_TABLES: readonly Table[] = [
  {
    name: WAREHOUSE_TABLES.loads,
    description: 'One row for each load: what it brought when it ran last.',
    columns: [
      LOAD_ID,
      DATASET,
      count('files', 'Files, pages or records'),
      count('rows_read', 'Rows of its files'),
      count('rows_loaded', 'Rows that are as it brought them; the others were superseded'),
      count('rows_new', 'Rows whose key was not there before'),
      count('rows_removed', 'Rows of earlier versions of its files, which made room'),
      count('rows_before', 'Rows of the table before'),
      count('rows_after', 'Rows of the table after'),
      time('loaded_at', 'When, UTC'),
    ],
  },
  {
    name: WAREHOUSE_TABLES.files,
    description: 'One row for each file, page or record that was ever loaded.',
    columns: [DATASET, ...FILE_COLUMNS, LOAD_ID, time('loaded_at', 'When it was loaded last, UTC')],
  },
  {
    name: WAREHOUSE_TABLES.missing,
    description:
      'Rows whose value is no key of the dataset that it refers to, as the last load counted them.',
    columns: [
      DATASET,
      text('column_name', 128, 'Column that refers'),
      text('refers_to', 128, 'Dataset that it refers to'),
      count('row_count', 'Rows without a counterpart'),
      count('count_before', 'The same, before that load'),
      LOAD_ID,
    ],
  },
];

/** Every table that has columns to be kept up to date. */
const TABLES: readonly Table[] = [
  ...Object.values(DATASETS).map((dataset) => ({ ...dataset, columns: tableColumns(dataset) })),
  ...OWN_TABLES,
  ...AGGREGATES,
];

const versionOf = (made: unknown) =>
  createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 16);

/** Version of everything together. A load runs only where it has been made. */
export const SCHEMA_VERSION = versionOf([
  TABLES,
  AGGREGATES.map((aggregate) => aggregateStatements(aggregate, '')),
  VIEWS.map(({ name, select }) => [name, select('')]),
]);
const SCHEMA = 'schema';

const LOCKED = (schema: string) => `LOCK TABLE ${schema}.${WAREHOUSE_TABLES.lock}`;

/** Ends with the columns that there are, and the versions that were made. */
export function catalogueStatements(schema: string): string[] {
  const { lock, versions } = WAREHOUSE_TABLES;
  const names = TABLES.map(({ name }) => quote(name)).join(', ');
  return [
    `CREATE SCHEMA IF NOT EXISTS ${schema}`,
    `CREATE TABLE IF NOT EXISTS ${schema}.${lock} ("holder" INTEGER)`,
    `CREATE TABLE IF NOT EXISTS ${schema}.${versions} ("object" VARCHAR(128) NOT NULL, "version" VARCHAR(64) NOT NULL, "made_at" TIMESTAMP)`,
    // The catalogue lives on Redshift's leader node, where a query cannot join it with tables.
    `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ${quote(schema)} AND table_name IN (${names})`,
    `SELECT "object", "version" FROM ${schema}.${versions}`,
  ];
}

/** Is true where the schema has been made in this version. */
export function isMade(schema: string): string {
  return (
    `(SELECT COUNT(*) FROM ${schema}.${WAREHOUSE_TABLES.versions} WHERE "object" = ${quote(SCHEMA)}` +
    ` AND "version" = ${quote(SCHEMA_VERSION)}) > 0`
  );
}

/** Statements of a batch of the Data API, the lock among them. */
const MAX_STATEMENTS = 40;

/**
 * Everything that is not there yet in its declared version, in transactions that may each be done again: tables first,
 * because views need them. Columns are added and never dropped; a table keeps what an older deployment still loads.
 */
export function migrations(schema: string, found: Found): string[][] {
  const changed = (name: string, version: string) => found.versions.get(name) !== version;
  const statements = [
    ...TABLES.flatMap((table) => {
      const version = versionOf(table);
      if (!changed(table.name, version)) return [];
      return [...tableStatements(schema, table, found), ...made(schema, table.name, version)];
    }),
    ...AGGREGATES.flatMap((aggregate) => {
      const name = `${aggregate.name} rows`;
      const fill = aggregateStatements(aggregate, schema);
      const version = versionOf(fill);
      return changed(name, version) ? [...fill, ...made(schema, name, version)] : [];
    }),
    ...VIEWS.flatMap(({ name, select }) => {
      const view = `${schema}.${name}`;
      const query = select(schema);
      const version = versionOf(query);
      if (!changed(`${name} view`, version)) return [];
      return [
        // A view cannot be replaced by one of other columns.
        `DROP VIEW IF EXISTS ${view}`,
        `CREATE VIEW ${view} AS ${query} WITH NO SCHEMA BINDING`,
        ...made(schema, `${name} view`, version),
      ];
    }),
    // Earlier versions stay: loads of an older deployment look for theirs.
    insertVersion(schema, SCHEMA, SCHEMA_VERSION),
  ];
  return batches(statements, MAX_STATEMENTS - 1).map((batch) => [LOCKED(schema), ...batch]);
}

function tableStatements(schema: string, { name, description, columns }: Table, found: Found): string[] {
  const table = `${schema}.${name}`;
  const isThere = columns.some((column) => found.columns.has(`${name}.${column.name}`));
  const missing = columns.filter((column) => !found.columns.has(`${name}.${column.name}`));
  const make = isThere
    ? missing.map((column) => `ALTER TABLE ${table} ADD COLUMN ${nullableDdl(column)}`)
    : [`CREATE TABLE IF NOT EXISTS ${table} (${columns.map(columnDdl).join(', ')})`];
  return [
    ...make,
    `COMMENT ON TABLE ${table} IS ${quote(description)}`,
    ...columns.map(
      (column) => `COMMENT ON COLUMN ${table}.${identifier(column.name)} IS ${quote(column.description)}`,
    ),
  ];
}

function made(schema: string, object: string, version: string): string[] {
  return [
    `DELETE FROM ${schema}.${WAREHOUSE_TABLES.versions} WHERE "object" = ${quote(object)}`,
    insertVersion(schema, object, version),
  ];
}

function insertVersion(schema: string, object: string, version: string): string {
  return `INSERT INTO ${schema}.${WAREHOUSE_TABLES.versions} ("object", "version", "made_at") VALUES (${quote(object)}, ${quote(version)}, GETDATE())`;
}

function batches<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
