import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync } from 'hyparquet';
import { CODECS, WrongSize } from './parquet-codecs.ts';
import { ColumnSlices } from './parquet-column.ts';
import { blame, keeping, limited } from './parquet-source.ts';
import { NOT_UTF8, valueReaders } from './parquet-values.ts';
import { NO_TEXT } from './record-text.ts';
import { BATCH_ROWS, type RawRow, type ReadOptions, UnreadableFile } from './types.ts';

/** Most compressed bytes of one row group: they are kept while its rows are read. */
export const MAX_GROUP_BYTES = 128 * 1024 ** 2;

/** Most rows of one row group. */
const MAX_GROUP_ROWS = 16_000_000;

/** Most bytes of the footer. */
const MAX_FOOTER_BYTES = 32 * 1024 ** 2;

/** Most decoded values that are kept because their pages are longer than a slice; some 40 bytes each. */
const MAX_KEPT_VALUES = 12_000_000;

/** Rows of a slice: those of all columns are decoded before the first one is given. */
const SLICE_ROWS = 64 * 1024;

/** A Parquet file whose footer has been read. */
export interface ParquetFile {
  /** Names of its columns. */
  readonly header: readonly string[];
  readonly rows: number;
  /** Its row groups, which can be read apart. */
  readonly groups: number;
  /**
   * Its rows in batches of at most `BATCH_ROWS`. Integers beyond 2^53 are bigint, decimals texts, dates and timestamps
   * Date, missing values null.
   *
   * @throws UnreadableFile
   */
  read(options?: ParquetReadOptions): AsyncGenerator<readonly RawRow[]>;
}

export interface ParquetReadOptions extends Pick<ReadOptions, 'columnOf'> {
  /** First row group, from 0. @default 0 */
  readonly fromGroup?: number;
  /** Row group before which reading ends. @default all */
  readonly untilGroup?: number;
}

/**
 * Opens a Parquet file by ranges: its footer first, then one row group after another, of each only the columns that are
 * wanted. Errors of `slice` come through as they are.
 *
 * @throws UnreadableFile
 */
export async function parquetFile(source: AsyncBuffer): Promise<ParquetFile> {
  const { metadata, groups, readers } = await blame(async () => {
    const metadata = await parquetMetadataAsync(limited(source, MAX_FOOTER_BYTES), { geoparquet: false });
    return { metadata, groups: groupsOf(metadata), readers: valueReaders(metadata) };
  });
  const file = limited(source, MAX_GROUP_BYTES);
  return {
    header: [...readers.keys()],
    rows: Number(metadata.num_rows),
    groups: groups.length,
    async *read({ columnOf = itself, fromGroup = 0, untilGroup = groups.length } = {}) {
      const wanted = [...readers].flatMap(([name, value]) => {
        const column = columnOf(name);
        return column === undefined ? [] : [{ name, column, value }];
      });
      for (const group of groups.slice(fromGroup, untilGroup)) {
        const ranges = keeping(file);
        const slices = wanted.map((one) => ({
          ...one,
          pages: new ColumnSlices(ranges, metadata, one.name),
        }));
        for (let start = group.start; start < group.end; start += SLICE_ROWS) {
          const end = Math.min(start + SLICE_ROWS, group.end);
          const columns: { readonly column: string; readonly values: readonly unknown[] }[] = [];
          let kept = 0;
          for (const { column, value, pages } of slices) {
            const values = await blame(() => pages.read(start, end));
            columns.push({ column, values: values.map(value) });
            kept += pages.kept;
            if (kept > MAX_KEPT_VALUES) throw tooLarge(`Its pages hold more than ${MAX_KEPT_VALUES} values`);
          }
          yield* batches(columns, start, end);
        }
      }
    },
  };
}

const itself = (name: string): string | undefined => name;

interface Group {
  readonly start: number;
  readonly end: number;
}

function groupsOf(metadata: FileMetaData): Group[] {
  let start = 0;
  const groups = metadata.row_groups.map((group, i) => {
    const rows = Number(group.num_rows);
    let bytes = 0;
    for (const { meta_data: column } of group.columns) {
      if (!column) throw new UnreadableFile('UNSUPPORTED_TYPE', 'The Parquet file is encrypted.');
      if (!(column.codec in CODECS) && column.codec !== 'UNCOMPRESSED') {
        throw new UnreadableFile(
          'UNSUPPORTED_TYPE',
          `The Parquet file is compressed with ${column.codec}. Write it with Snappy, gzip, Brotli or Zstandard.`,
        );
      }
      bytes += Number(column.total_compressed_size);
    }
    if (bytes > MAX_GROUP_BYTES || rows > MAX_GROUP_ROWS) {
      throw tooLarge(
        `Row group ${i + 1} has ${rows} rows and ${bytes} bytes, and ${MAX_GROUP_ROWS} rows and ${MAX_GROUP_BYTES} bytes are the most`,
      );
    }
    start += rows;
    return { start: start - rows, end: start };
  });
  if (start !== Number(metadata.num_rows)) throw new WrongSize('row groups and footer count differently');
  return groups;
}

function tooLarge(what: string): UnreadableFile {
  return new UnreadableFile(
    'TOO_LARGE',
    `The Parquet file does not fit into memory part by part. ${what}. Write smaller row groups, of 100,000 rows for example.`,
  );
}

function* batches(
  columns: readonly { readonly column: string; readonly values: readonly unknown[] }[],
  start: number,
  end: number,
): Generator<readonly RawRow[]> {
  for (let from = start; from < end; from += BATCH_ROWS) {
    const rows: RawRow[] = [];
    for (let row = from; row < Math.min(from + BATCH_ROWS, end); row++) {
      const fields: Record<string, unknown> = {};
      let broken = false;
      for (const { column, values } of columns) {
        const value = values[row - start];
        if (value === NOT_UTF8) broken = true;
        fields[column] = value ?? null;
      }
      rows.push(broken ? { line: row + 1, broken: NO_TEXT.utf8 } : { line: row + 1, fields });
    }
    yield rows;
  }
}
