import type { Dataset } from '../../datasets/dataset.ts';
import { LAKE, type Reason } from '../shared/contract.ts';
import { PartsWriter } from '../shared/dataset/parts-writer.ts';
import { rowValidator } from '../shared/dataset/validate.ts';
import { ColumnFinder } from './columns.ts';
import type { Chunk, ChunkResult, QuarantineLine } from './contract.ts';
import { SourceGone } from './errors.ts';
import { parquetFile } from './formats/parquet-file.ts';
import { readRows } from './formats/read-rows.ts';
import { type RawRow, UnreadableFile } from './formats/types.ts';
import { KeyRun } from './keys.ts';
import type { LinesFile } from './lines-file.ts';
import { refuse } from './reasons.ts';
import type { TabularFile } from './schemas.ts';
import type { Source } from './source.ts';
import type { Shelf } from './work.ts';

/** Rows that wait for their part, bytes as the parts' writer counts them: so that a function stays far below 512 MB. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;

export interface ChunkDependencies {
  readonly source: Source;
  readonly shelf: Shelf;
  linesFile(key: string): LinesFile;
  /** Most bytes of a compressed file after decompression. */
  readonly maxBytes: number;
}

/** Place of the refused rows: an object, or a folder of a file that is read in chunks, which ends in a slash. */
export const quarantineKey = ({ dataset, source, chunks }: TabularFile): string =>
  `${LAKE.quarantine}${dataset}/${source.fileId}${chunks > 1 ? '/' : '.jsonl'}`;

/**
 * Reads a chunk once: good rows become Parquet parts, bad ones lines of the quarantine. The parts are shown by nothing
 * yet. Everything that it writes is a function of the chunk, so that doing it again replaces it with the same.
 * @param isAgain whether rows have the keys of earlier chunks' rows; their lines are on the shelf
 */
export async function readChunk(
  dataset: Dataset,
  file: TabularFile,
  chunk: Chunk,
  isAgain: boolean,
  dependencies: ChunkDependencies,
): Promise<ChunkResult> {
  const { shelf, linesFile } = dependencies;
  const before = await shelf.result(chunk.n);
  const isSplit = file.chunks > 1;
  const written: string[] = [];
  const parts = new PartsWriter({
    dataset,
    fileId: file.source.fileId,
    sourceFile: file.source.key,
    landedAt: new Date(file.landedAt),
    maxBufferedBytes: MAX_BUFFERED_BYTES,
    ...(isSplit && { prefix: String(chunk.n) }),
    async write(key, bytes) {
      written.push(key);
      await shelf.write(key, bytes);
    },
  });
  const key = quarantineKey(file);
  const work = new ChunkWork(dataset, file, {
    parts,
    lines: linesFile(isSplit ? `${key}${chunk.n}.jsonl` : key),
    known: isAgain ? await linesAgain(shelf, chunk.n) : new Float64Array(),
    // A file of one chunk and one run has nothing to compare with.
    async keepRun(run, n, isLast) {
      if (!isAgain && (isSplit || n > 0 || !isLast)) await shelf.write(shelf.keyOf(runName(chunk.n, n)), run);
    },
  });
  let result: ChunkResult;
  try {
    for await (const rows of rowsOf(file, chunk, work.columns, dependencies)) await work.take(rows);
    result = { chunk, ...(await work.finish()) };
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal) throw error;
    await shelf.remove(written);
    result = { chunk, ...NOTHING, refusal };
  }
  const stale = new Set(before?.parts.map((part) => part.key)).difference(
    new Set(result.parts.map((part) => part.key)),
  );
  await shelf.remove([...stale]);
  await shelf.writeJson(`${chunk.n}.json`, result);
  return result;
}

const NOTHING = { rowsRead: 0, rows: 0, quarantined: 0, parts: [], codes: {}, unknown: [], runBytes: [] };

/** Name of the n-th run of key hashes of a chunk. */
export const runName = (chunk: number, n: number): string => `keys-${chunk}-${n}.bin`;
/** Name of the lines of a chunk whose keys earlier lines have. */
export const againName = (chunk: number): string => `again-${chunk}.bin`;

async function linesAgain(shelf: Shelf, n: number): Promise<Float64Array> {
  const bytes = await shelf.read(shelf.keyOf(againName(n)));
  // A copy, because the view wants its beginning at a multiple of eight.
  return new Float64Array(new Uint8Array(bytes ?? []).buffer);
}

/** What is the file's fault. */
function refusalOf(error: unknown): Reason | undefined {
  if (error instanceof SourceGone) return refuse.deleted();
  if (error instanceof UnreadableFile) return { code: error.code, message: error.message };
  return undefined;
}

async function* rowsOf(
  { bytes, detected }: TabularFile,
  { start, end, firstLine }: Chunk,
  { columnOf }: ColumnFinder,
  { source, maxBytes }: ChunkDependencies,
): AsyncGenerator<readonly RawRow[]> {
  if (!detected) throw new Error('A file of no known format cannot be read.');
  if (detected.format === 'parquet') {
    const parquet = await parquetFile(source.buffer(bytes));
    yield* parquet.read({ columnOf, fromGroup: start, untilGroup: end });
  } else {
    yield* readRows(source.stream(start, end), detected, { firstLine, columnOf, maxBytes });
  }
}

interface ChunkOutputs {
  readonly parts: PartsWriter;
  readonly lines: LinesFile;
  /** Lines whose keys earlier chunks or runs have, ascending. */
  readonly known: Float64Array;
  keepRun(run: Uint8Array, n: number, isLast: boolean): Promise<void>;
}

type RowProblem = Omit<QuarantineLine, 'line'>;

const wholeRow = (code: string, message: string): RowProblem => ({
  column: null,
  code,
  valueClass: 'row',
  message,
});

/** Sorts rows into good and bad, and counts. */
class ChunkWork {
  readonly columns: ColumnFinder;
  readonly #check;
  readonly #keys: KeyRun;
  readonly #outputs: ChunkOutputs;
  readonly #everyRow: RowProblem | undefined;
  readonly #duplicate: RowProblem;
  readonly #codes = new Map<string, number>();
  readonly #runBytes: number[] = [];
  #rowsRead = 0;
  #rows = 0;
  #known = 0;

  constructor(dataset: Dataset, { detected, everyRow }: TabularFile, outputs: ChunkOutputs) {
    this.columns = new ColumnFinder(dataset, detected?.header ?? []);
    this.#check = rowValidator(dataset).check;
    this.#keys = new KeyRun(dataset);
    this.#outputs = outputs;
    this.#everyRow = everyRow && wholeRow(everyRow.code, everyRow.message);
    this.#duplicate = wholeRow('DUPLICATE_KEY', `An earlier row has the same ${dataset.key.join(', ')}.`);
  }

  async take(rows: readonly RawRow[]): Promise<void> {
    for (const raw of rows) {
      this.#rowsRead += 1;
      const { line } = raw;
      if ('broken' in raw) {
        await this.#refuse(line, [wholeRow('UNREADABLE', raw.broken)]);
        continue;
      }
      if (this.#everyRow) {
        await this.#refuse(line, [this.#everyRow]);
        continue;
      }
      const checked = this.#check(raw.fields);
      if ('problems' in checked) {
        await this.#refuse(line, checked.problems);
        continue;
      }
      // Every key goes into its run, whether or not an earlier run has it: runs are the same when it is done again.
      const isNew = this.#keys.add(checked.row, line);
      const isKnown = this.#isKnown(line);
      if (isNew && !isKnown) {
        this.#rows += 1;
        await this.#outputs.parts.add(checked.row, line);
      } else {
        await this.#refuse(line, [this.#duplicate]);
      }
      if (this.#keys.isFull) await this.#keepRun(false);
    }
  }

  async finish(): Promise<Omit<ChunkResult, 'chunk'>> {
    const parts = await this.#outputs.parts.finish();
    await this.#outputs.lines.finish();
    await this.#keepRun(true);
    return {
      rowsRead: this.#rowsRead,
      rows: this.#rows,
      quarantined: this.#rowsRead - this.#rows,
      parts,
      codes: Object.fromEntries([...this.#codes].sort()),
      unknown: this.columns.unknown,
      runBytes: this.#runBytes,
    };
  }

  async #keepRun(isLast: boolean): Promise<void> {
    if (this.#keys.size === 0) return;
    const run = this.#keys.take();
    await this.#outputs.keepRun(run, this.#runBytes.length, isLast);
    this.#runBytes.push(run.byteLength);
  }

  /** Lines come in their order. */
  #isKnown(line: number): boolean {
    const { known } = this.#outputs;
    while ((known[this.#known] ?? Number.POSITIVE_INFINITY) < line) this.#known += 1;
    return known[this.#known] === line;
  }

  async #refuse(line: number, problems: readonly RowProblem[]): Promise<void> {
    const code = problems[0]?.code ?? 'UNKNOWN';
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    for (const problem of problems) await this.#outputs.lines.add({ line, ...problem });
  }
}
