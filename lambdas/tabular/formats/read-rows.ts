import type { SourceFormat } from '../../../datasets/dataset.ts';
import { blocks } from './blocks.ts';
import { csvReader } from './csv.ts';
import { jsonReader } from './json.ts';
import { jsonLinesReader } from './json-lines.ts';
import type { RowReader } from './row-reader.ts';
import { BATCH_ROWS, type Detected, type RawRow, type ReadOptions } from './types.ts';

const READERS: Readonly<
  Record<Exclude<SourceFormat, 'parquet'>, (detected: Detected, options: ReadOptions) => RowReader>
> = { csv: csvReader, json: jsonReader, jsonl: jsonLinesReader };

/**
 * The records of a CSV, JSON or JSON Lines file, or of a part of one, in batches of at most `BATCH_ROWS`. Every record is
 * one row, good or broken. Errors of `bytes` come through as they are.
 *
 * @throws UnreadableFile in the midst of it, for what cannot be read on
 */
export async function* readRows(
  bytes: AsyncIterable<Uint8Array>,
  detected: Detected,
  options: ReadOptions = {},
): AsyncGenerator<readonly RawRow[]> {
  if (detected.format === 'parquet') throw new RangeError('Parquet is read by parquetFile.');
  const reader = READERS[detected.format](detected, options);
  for await (const block of blocks(bytes, detected, options.maxBytes)) {
    yield* batches(reader.push(block, false));
  }
  yield* batches(reader.push(Buffer.alloc(0), true));
}

function* batches(rows: readonly RawRow[]): Generator<readonly RawRow[]> {
  for (let i = 0; i < rows.length; i += BATCH_ROWS) yield rows.slice(i, i + BATCH_ROWS);
}
