import { type Column, type ColumnType, type Dataset, DEFAULT_MAX_BYTES } from '../../datasets/dataset.ts';
import { LOAD_ID_COLUMN } from './contract.ts';

const REDSHIFT_TYPES: Readonly<Record<Exclude<ColumnType, 'string'>, string>> = {
  integer: 'INTEGER',
  bigint: 'BIGINT',
  double: 'DOUBLE PRECISION',
  decimal: 'DECIMAL(18, 2)',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};

export interface LoadStatements {
  readonly dataset: Dataset;
  readonly schema: string;
  readonly loadId: string;
  /** Rows of the Parquet files. */
  readonly rows: number;
  /** `s3://` address of the COPY manifest. */
  readonly copyManifestUri: string;
}

/**
 * The statements of one load, to be run as one transaction: stage, check, merge, check, count. A check that fails
 * raises an error, so that nothing of the load remains. Two loads of one table wait for each other at the lock; the
 * one whose snapshot is older than the other's commit fails as a serialization conflict and is run again.
 *
 * The last statement returns the number of this load's rows that are now in the table.
 */
export function loadStatements({ dataset, schema, loadId, rows, copyManifestUri }: LoadStatements): string[] {
  const table = `${schema}.${dataset.name}`;
  const stage = `stage_${dataset.name}`;
  const names = [...dataset.columns.map((column) => column.name), LOAD_ID_COLUMN].map(identifier);
  const key = dataset.key.map(identifier);
  // MERGE knows no alias of its target: its columns go by the name that the statement gives it.
  const sameKey = key.map((name) => `${table}.${name} = ${stage}.${name}`).join(' AND ');
  const loaded = `SELECT COUNT(*) FROM ${table} WHERE ${LOAD_ID_COLUMN} = ${quote(loadId)}`;
  return [
    `CREATE SCHEMA IF NOT EXISTS ${schema}`,
    `CREATE TABLE IF NOT EXISTS ${table} (${[...dataset.columns.map(columnDdl), `${LOAD_ID_COLUMN} VARCHAR(64) NOT NULL`].join(', ')})`,
    `LOCK TABLE ${table}`,
    `CREATE TEMP TABLE ${stage} (LIKE ${table})`,
    `COPY ${stage} FROM ${quote(copyManifestUri)} IAM_ROLE default FORMAT AS PARQUET MANIFEST`,
    expect(
      `(SELECT COUNT(*) FROM ${stage}) = ${rows}`,
      `the files do not hold the ${rows} rows of the manifest`,
    ),
    expect(
      `(SELECT COUNT(*) FROM (SELECT DISTINCT ${key.join(', ')} FROM ${stage}) AS keys) = ${rows}`,
      'the files hold the same key twice',
    ),
    `MERGE INTO ${table} USING ${stage} ON ${sameKey}` +
      ` WHEN MATCHED THEN UPDATE SET ${names.map((name) => `${name} = ${stage}.${name}`).join(', ')}` +
      ` WHEN NOT MATCHED THEN INSERT (${names.join(', ')}) VALUES (${names.map((name) => `${stage}.${name}`).join(', ')})`,
    expect(`(${loaded}) = ${rows}`, `the table does not hold the ${rows} rows of the load`),
    loaded,
  ];
}

function columnDdl(column: Column): string {
  const type =
    column.type === 'string'
      ? `VARCHAR(${column.maxBytes ?? DEFAULT_MAX_BYTES})`
      : REDSHIFT_TYPES[column.type];
  return `${identifier(column.name)} ${type}${column.required ? ' NOT NULL' : ''}`;
}

/** A column's name as SQL takes it even where it is a reserved word, as `language` is in Redshift. */
function identifier(name: string): string {
  return `"${name}"`;
}

/** A statement that fails, and with it the transaction, unless the condition holds: a text is no integer. */
function expect(condition: string, otherwise: string): string {
  return `SELECT CAST(CASE WHEN ${condition} THEN '0' ELSE ${quote(`refused: ${otherwise}`)} END AS INTEGER)`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
