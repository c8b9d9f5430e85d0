import type { ColumnChunk, ConvertedType, PageHeader, ParquetType, SchemaElement } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import { type Column, type ColumnType, DEFAULT_DECIMAL } from '../../../datasets/dataset.ts';
import { dictionaryOf, evenPages, plainOf, plainPages } from './parquet-values.ts';
import type { Row, Value } from './values.ts';

const PARQUET_TYPES: Readonly<Record<ColumnType, { type: ParquetType; converted_type?: ConvertedType }>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  integer: { type: 'INT32' },
  bigint: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  decimal: { type: 'INT64', converted_type: 'DECIMAL' },
  boolean: { type: 'BOOLEAN' },
  date: { type: 'INT32', converted_type: 'DATE' },
  // COPY is known to read these; of milliseconds nobody says so (https://github.com/apache/arrow/issues/38000).
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' },
};

/** `PAR1`, little-endian: begins and ends a file. */
const MAGIC = 0x31524150;

type Element = SchemaElement & { readonly type: ParquetType };

/**
 * Writes rows as one Parquet file with one row group; every row has its values in the order of the columns.
 *
 * The file has only what every reader knows: plain values, or indexes into a dictionary where a column repeats itself,
 * in data pages of version 1 with Snappy, as parquet-mr has always written them by default. The writer's own pages are
 * of version 2, with run lengths for booleans, which neither COPY nor Spectrum says that it reads.
 */
export function parquetOf(columns: readonly Column[], rows: readonly Row[]): Uint8Array {
  const elements = columns.map(elementOf);
  const file = new ByteWriter();
  file.appendUint32(MAGIC);
  const chunks = elements.map((element, i) =>
    writeColumn(
      file,
      element,
      rows.map((row) => row[i] ?? null),
    ),
  );
  const count = BigInt(rows.length);
  const bytes = chunks.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n);
  writeMetadata(file, {
    version: 1,
    created_by: 'Millrace',
    schema: [{ name: 'root', num_children: columns.length }, ...elements],
    num_rows: count,
    row_groups: [{ columns: chunks, total_byte_size: bytes, num_rows: count }],
    metadata_length: 0,
  });
  file.appendUint32(MAGIC);
  return file.getBytes();
}

/** A column as a Parquet schema has it. */
export function elementOf({ name, type, decimal = DEFAULT_DECIMAL }: Column): Element {
  return {
    name,
    repetition_type: 'OPTIONAL',
    ...PARQUET_TYPES[type],
    ...(type === 'decimal' && decimal),
  };
}

function writeColumn(file: ByteWriter, element: Element, values: readonly Value[]): ColumnChunk {
  const start = BigInt(file.offset);
  const dictionary = dictionaryOf(element.type, values);
  let uncompressed = 0;
  if (dictionary) {
    const { entries } = dictionary;
    uncompressed += writePage(file, plainOf(element.type, entries), {
      type: 'DICTIONARY_PAGE',
      dictionary_page_header: { num_values: entries.length, encoding: 'PLAIN_DICTIONARY' },
    });
  }
  const firstDataPage = BigInt(file.offset);
  const encoding = dictionary ? 'PLAIN_DICTIONARY' : 'PLAIN';
  for (const [from, to] of dictionary ? evenPages(values.length) : plainPages(values)) {
    const page = values.slice(from, to);
    const known = page.filter((value) => value !== null);
    const body = Buffer.concat([
      levelsOf(page),
      dictionary ? dictionary.indexesOf(known) : plainOf(element.type, known),
    ]);
    uncompressed += writePage(file, body, {
      type: 'DATA_PAGE',
      data_page_header: {
        num_values: page.length,
        encoding,
        definition_level_encoding: 'RLE',
        repetition_level_encoding: 'RLE',
      },
    });
  }
  return {
    file_offset: start,
    meta_data: {
      type: element.type,
      encodings: [encoding, 'RLE'],
      path_in_schema: [element.name],
      codec: 'SNAPPY',
      num_values: BigInt(values.length),
      total_uncompressed_size: BigInt(uncompressed),
      total_compressed_size: BigInt(file.offset) - start,
      data_page_offset: firstDataPage,
      ...(dictionary && { dictionary_page_offset: start }),
    },
  };
}

/** Which values there are: definition levels of version 1, with their length before them. */
function levelsOf(values: readonly Value[]): Uint8Array {
  const levels = new Uint8Array(values.length);
  for (const [i, value] of values.entries()) levels[i] = value === null ? 0 : 1;
  const writer = new ByteWriter();
  writer.appendUint32(0);
  const bytes = writeRleBitPackedHybrid(writer, levels, 1);
  writer.view.setUint32(0, bytes, true);
  return writer.getBytes();
}

/** Writes a page. Answers its size before compression, its header included. */
function writePage(
  file: ByteWriter,
  body: Uint8Array,
  header: Omit<PageHeader, 'uncompressed_page_size' | 'compressed_page_size'>,
): number {
  const compressed = snappyCompress(body);
  const start = file.offset;
  writePageHeader(file, {
    ...header,
    uncompressed_page_size: body.byteLength,
    compressed_page_size: compressed.byteLength,
  });
  const headerBytes = file.offset - start;
  file.appendBytes(compressed);
  return headerBytes + body.byteLength;
}
