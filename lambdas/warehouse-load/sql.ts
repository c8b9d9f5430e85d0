import {
  type Column,
  type ColumnType,
  type Dataset,
  DEFAULT_DECIMAL,
  DEFAULT_MAX_BYTES,
  PUBLISHED_AT,
  parquetColumns,
} from '../../datasets/dataset.ts';
import { LOAD_ID_COLUMN } from './contract.ts';

/** Words of Redshift's SQL that every statement here is made of. */

const REDSHIFT_TYPES: Readonly<Record<Exclude<ColumnType, 'string' | 'decimal'>, string>> = {
  integer: 'INTEGER',
  bigint: 'BIGINT',
  double: 'DOUBLE PRECISION',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};

/** Redshift's type of a column. */
export function redshiftType({
  type,
  maxBytes = DEFAULT_MAX_BYTES,
  decimal = DEFAULT_DECIMAL,
}: Column): string {
  if (type === 'string') return `VARCHAR(${maxBytes})`;
  if (type === 'decimal') return `DECIMAL(${decimal.precision}, ${decimal.scale})`;
  return REDSHIFT_TYPES[type];
}

/** A column as CREATE TABLE takes it. */
export function columnDdl(column: Column): string {
  return `${nullableDdl(column)}${column.required ? ' NOT NULL' : ''}`;
}

/** A column as ALTER TABLE ADD COLUMN takes it: rows that are there have no value for it. */
export function nullableDdl(column: Column): string {
  return `${identifier(column.name)} ${redshiftType(column)}`;
}

/** A column's name as SQL takes it even where it is a reserved word, as `language` is in Redshift. */
export function identifier(name: string): string {
  return `"${name}"`;
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Names, separated by commas; each behind its table's name where one is given. */
export function list(names: readonly string[], table?: string): string {
  return names.map((name) => (table ? `${table}.${identifier(name)}` : identifier(name))).join(', ');
}

export const LOAD_ID = {
  name: LOAD_ID_COLUMN,
  type: 'string',
  maxBytes: 64,
  required: true,
  description: 'Load that brought the row as it is; see the table loads',
} as const satisfies Column;

/** Columns of the staging table: those of the Parquet files that are written today. */
export function stagedColumns(dataset: Dataset): readonly Column[] {
  return parquetColumns(dataset);
}

/** Columns of the dataset's table. */
export function tableColumns(dataset: Dataset): readonly Column[] {
  return [...stagedColumns(dataset), LOAD_ID];
}

/** Columns by which of two versions of a row one is newer, the most telling first. */
export function versionColumns({ origin, versionBy }: Dataset): readonly string[] {
  if (origin === 'records') return [PUBLISHED_AT.name];
  const byFile = ['landed_at', 'file_id', 'line'];
  return versionBy === undefined || byFile.includes(versionBy) ? byFile : [versionBy, ...byFile];
}
