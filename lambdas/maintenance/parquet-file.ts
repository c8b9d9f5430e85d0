import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead } from 'hyparquet';
import type { Column } from '../../datasets/dataset.ts';
import type { Row, Value } from '../shared/dataset/values.ts';
import { LOAD_ID_COLUMN } from '../warehouse-load/contract.ts';
import { NotCompacted } from './errors.ts';

/** Who wrote a file that compaction may write anew: one by anything else may hold what would be lost. */
const WRITER = 'Millrace';

export interface Footer {
  readonly metadata: FileMetaData;
  readonly rows: number;
  /** Bytes before compression: a measure of the memory that its rows take. */
  readonly uncompressed: number;
}

/** Reads a file's footer. Decimals will come as their unscaled integers. */
export async function footerOf(file: AsyncBuffer): Promise<Footer> {
  // Most footers of small files are shorter; a longer one takes a second read.
  const metadata = await parquetMetadataAsync(file, { initialFetchSize: 64 * 1024 });
  const uncompressed = metadata.row_groups
    .flatMap(({ columns }) => columns)
    .reduce((sum, { meta_data }) => sum + Number(meta_data?.total_uncompressed_size ?? 0n), 0);
  return {
    metadata: {
      ...metadata,
      schema: metadata.schema.map((element) =>
        element.converted_type === 'DECIMAL'
          ? { ...element, converted_type: undefined, logical_type: undefined }
          : element,
      ),
    },
    rows: Number(metadata.num_rows),
    uncompressed,
  };
}

/** Whether this project's writer has written it. */
export function isOurs({ metadata }: Footer): boolean {
  return metadata.created_by === WRITER;
}

/** The first value of some columns. */
export async function firstRow(
  file: AsyncBuffer,
  { metadata }: Footer,
  columns: readonly string[],
): Promise<unknown[]> {
  const [row = []] = await read(file, metadata, [...columns], 1);
  return row;
}

/**
 * Reads every row of a file, in the order of the columns; a column that came later than the file is empty. Files of records
 * once said which load they came with, which no reader looks at: it is left out.
 * @throws NotCompacted when the file has a column that the dataset does not, for it would be lost
 */
export async function rowsOf(key: string, bytes: Uint8Array, columns: readonly Column[]): Promise<Row[]> {
  const file = bufferOf(bytes);
  const { metadata } = await footerOf(file);
  const names = metadata.schema.slice(1).map(({ name }) => name);
  const known = new Set([...columns.map(({ name }) => name), LOAD_ID_COLUMN]);
  const foreign = names.filter((name) => !known.has(name));
  if (foreign.length > 0) {
    throw new NotCompacted(`${key} has columns that its dataset has not: ${foreign.join(', ')}.`);
  }
  const present = columns.filter(({ name }) => names.includes(name));
  const at = columns.map(({ name }) => present.findIndex((column) => column.name === name));
  const rows = await read(
    file,
    metadata,
    present.map(({ name }) => name),
  );
  return rows.map((row) => at.map((i) => (i < 0 ? null : asValue(row[i], key))));
}

async function read(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: string[],
  rowEnd?: number,
): Promise<unknown[][]> {
  let found: unknown[][] = [];
  await parquetRead({
    file,
    metadata,
    columns,
    ...(rowEnd !== undefined && { rowStart: 0, rowEnd }),
    onComplete: (rows) => {
      found = rows;
    },
  });
  return found;
}

/** A file that is in memory. */
export function bufferOf(bytes: Uint8Array): AsyncBuffer {
  return {
    byteLength: bytes.byteLength,
    slice: (start, end) => bytes.slice(start, end).buffer,
  };
}

function asValue(value: unknown, key: string): Value {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value;
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value;
    default:
      throw new NotCompacted(`${key} holds a value that no column of a dataset has.`);
  }
}
