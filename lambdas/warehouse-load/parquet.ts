import { type BasicType, type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import type { ColumnType, Dataset } from '../../datasets/dataset.ts';
import { LOAD_ID_COLUMN } from './contract.ts';
import type { Row } from './rows.ts';

const PARQUET_TYPES: Readonly<Record<ColumnType, BasicType>> = {
  string: 'STRING',
  integer: 'INT32',
  bigint: 'INT64',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
};

/** Writes rows of a dataset as one Parquet file: its columns in their order, then the load's id. */
export function parquetOf(dataset: Dataset, rows: readonly Row[], loadId: string): Uint8Array {
  const columnData: ColumnSource[] = dataset.columns.map(({ name, type }, i) => ({
    name,
    type: PARQUET_TYPES[type],
    data: rows.map((row) => row[i] ?? null),
  }));
  columnData.push({ name: LOAD_ID_COLUMN, type: 'STRING', data: rows.map(() => loadId) });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
