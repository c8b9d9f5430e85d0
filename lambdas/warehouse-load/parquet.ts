import type { ColumnChunk, ConvertedType, ParquetType, SchemaElement } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import { writePlain } from 'hyparquet-writer/src/plain.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import type { ColumnType, Dataset } from '../../datasets/dataset.ts';
import { LOAD_ID_COLUMN } from './contract.ts';
import type { Row, Value } from './rows.ts';

const PARQUET_TYPES: Readonly<Record<ColumnType, { type: ParquetType; converted_type?: ConvertedType }>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  integer: { type: 'INT32' },
  bigint: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  decimal: { type: 'INT64' },
  boolean: { type: 'BOOLEAN' },
  date: { type: 'INT32', converted_type: 'DATE' },
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
};

/** `PAR1`, little-endian: begins and ends a file. */
const MAGIC = 0x31524150;

/** Bytes of values after which a column goes on in a new page. */
const PAGE_BYTES = 1024 ** 2;

type Column = SchemaElement & { readonly type: ParquetType };

/**
 * Writes rows of a dataset as one Parquet file: its columns in their order, then the load's id.
 *
 * The file has only what every reader knows: plain values in data pages of version 1, with Snappy. The writer's own
 * pages are of version 2, with run lengths for booleans, which neither COPY nor Spectrum says that it reads.
 */
export function parquetOf(dataset: Dataset, rows: readonly Row[], loadId: string): Uint8Array {
  const columns = [...dataset.columns, { name: LOAD_ID_COLUMN, type: 'string' } as const].map(
    ({ name, type }): Column => ({ name, repetition_type: 'OPTIONAL', ...PARQUET_TYPES[type] }),
  );
  const file = new ByteWriter();
  file.appendUint32(MAGIC);
  const chunks = columns.map((column, i) =>
    writeColumn(
      file,
      column,
      rows.map((row) => (i < dataset.columns.length ? (row[i] ?? null) : loadId)),
    ),
  );
  const count = BigInt(rows.length);
  writeMetadata(file, {
    version: 1,
    created_by: 'Millrace',
    schema: [{ name: 'root', num_children: columns.length }, ...columns],
    num_rows: count,
    row_groups: [{ columns: chunks, total_byte_size: BigInt(file.offset), num_rows: count }],
    metadata_length: 0,
  });
  file.appendUint32(MAGIC);
  return file.getBytes();
}

function writeColumn(file: ByteWriter, column: Column, values: readonly Value[]): ColumnChunk {
  const start = BigInt(file.offset);
  let uncompressed = 0;
  for (const page of pagesOf(values)) uncompressed += writePage(file, column, page);
  return {
    file_offset: start,
    meta_data: {
      type: column.type,
      encodings: ['PLAIN', 'RLE'],
      path_in_schema: [column.name],
      codec: 'SNAPPY',
      num_values: BigInt(values.length),
      total_uncompressed_size: BigInt(uncompressed),
      total_compressed_size: BigInt(file.offset) - start,
      data_page_offset: start,
    },
  };
}

function* pagesOf(values: readonly Value[]): Generator<readonly Value[]> {
  let start = 0;
  let bytes = 0;
  for (const [i, value] of values.entries()) {
    const size = typeof value === 'string' ? Buffer.byteLength(value) : 8;
    if (i > start && bytes + size > PAGE_BYTES) {
      yield values.slice(start, i);
      start = i;
      bytes = 0;
    }
    bytes += size;
  }
  yield values.slice(start);
}

/** Writes a data page of version 1: which values there are, then these. Answers its size before compression. */
function writePage(file: ByteWriter, { type }: Column, values: readonly Value[]): number {
  const present = new ByteWriter();
  const levels = values.map((value) => (value === null ? 0 : 1));
  writeRleBitPackedHybrid(present, levels, 1);
  const page = new ByteWriter();
  page.appendUint32(present.offset);
  page.appendBytes(present.getBytes());
  const known = values.filter((value) => value !== null);
  writePlain(page, known.map(physical), type, undefined);
  const body = snappyCompress(page.getBytes());
  const start = file.offset;
  writePageHeader(file, {
    type: 'DATA_PAGE',
    uncompressed_page_size: page.offset,
    compressed_page_size: body.byteLength,
    data_page_header: {
      num_values: values.length,
      encoding: 'PLAIN',
      definition_level_encoding: 'RLE',
      repetition_level_encoding: 'RLE',
    },
  });
  const header = file.offset - start;
  file.appendBytes(body);
  return header + page.offset;
}

/** Timestamps are milliseconds since the epoch. */
function physical(value: Exclude<Value, null>) {
  return value instanceof Date ? BigInt(value.getTime()) : value;
}
