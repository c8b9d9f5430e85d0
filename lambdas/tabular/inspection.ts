import type { Dataset } from '../../datasets/dataset.ts';
import type { Reason, SourceFile } from '../shared/contract.ts';
import { filesOf, judgeColumns } from './columns.ts';
import type { Chunk, TabularSettings } from './contract.ts';
import { SourceGone } from './errors.ts';
import { detect } from './formats/detect.ts';
import { parquetFile } from './formats/parquet-file.ts';
import { splitPoints } from './formats/split-points.ts';
import { type Detected, HEAD_BYTES, UnreadableFile } from './formats/types.ts';
import { refuse } from './reasons.ts';
import { PublishedSchema, type TabularFile } from './schemas.ts';
import type { Source } from './source.ts';
import type { Shelf } from './work.ts';

/** The state machine carries the chunks along, about 60 bytes each, in 256 KiB. */
const MOST_CHUNKS = 500;

/** Name of what a run published, on its shelf. */
export const OUTPUT_NAME = 'output.json';

/** What Inspect answers. */
export interface Inspected {
  /** `PUBLISHED`: an earlier run of the same version has done it all. */
  readonly verdict: 'ACCEPTED' | 'REJECTED' | 'PUBLISHED';
  readonly reason?: Reason;
  readonly file: TabularFile;
  readonly chunks: readonly Chunk[];
  /** What that earlier run put out. */
  readonly published?: unknown;
}

export interface InspectDependencies {
  readonly source: Source;
  readonly shelf: Shelf;
  readonly settings: TabularSettings;
}

/**
 * Judges a landed file by its beginning, and cuts a large one. Throws only what is ours to mend; whatever is wrong with
 * the file is in the verdict.
 */
export async function inspect(
  dataset: Dataset,
  source: SourceFile,
  dependencies: InspectDependencies,
): Promise<Inspected> {
  let file: TabularFile = {
    dataset: dataset.name,
    source,
    bytes: 0,
    landedAt: new Date(0).toISOString(),
    chunks: 0,
  };
  const rejected = (reason: Reason): Inspected => ({ verdict: 'REJECTED', reason, file, chunks: [] });
  try {
    const { bytes, landedAt } = await dependencies.source.head();
    file = { ...file, bytes, landedAt: landedAt.toISOString() };
    const published = await dependencies.shelf.readJson(OUTPUT_NAME, PublishedSchema);
    if (published) return { verdict: 'PUBLISHED', file, chunks: [], published };
    if (source.key.endsWith(' ')) return rejected(refuse.badName());
    if (bytes === 0) return rejected(refuse.empty());
    const { maxBytes } = dependencies.settings;
    if (bytes > maxBytes) return rejected(refuse.tooLarge(bytes, maxBytes));
    const { detected, rowGroups } = await recognise(dataset, file, dependencies.source);
    file = { ...file, detected };
    const { refusal, ...judged } = judgeColumns(
      dataset,
      detected.header ?? [],
      detected.format === 'csv' || detected.format === 'parquet',
    );
    file = { ...file, ...judged };
    if (refusal) return rejected(refusal);
    const chunks = await cut(file, detected, rowGroups, dependencies);
    return { verdict: 'ACCEPTED', file: { ...file, chunks: chunks.length }, chunks };
  } catch (error) {
    if (error instanceof SourceGone) return rejected(refuse.deleted());
    if (error instanceof UnreadableFile) return rejected({ code: error.code, message: error.message });
    throw error;
  }
}

/** What a file is; of Parquet, with the number of its row groups. */
interface Recognised {
  readonly detected: Detected;
  readonly rowGroups: number;
}

async function recognise(dataset: Dataset, file: TabularFile, source: Source): Promise<Recognised> {
  const blocks: Uint8Array[] = [];
  for await (const block of source.stream(0, Math.min(file.bytes, HEAD_BYTES))) blocks.push(block);
  const detected = detect(Buffer.concat(blocks), file.source.key, filesOf(dataset).formats);
  if (detected.format !== 'parquet') return { detected, rowGroups: 0 };
  const { header, groups } = await parquetFile(source.buffer(file.bytes));
  return { detected: { ...detected, header }, rowGroups: groups };
}

/** Cuts what can be read in parts and is worth it. */
async function cut(
  { bytes }: TabularFile,
  detected: Detected,
  rowGroups: number,
  { source, settings }: InspectDependencies,
): Promise<readonly Chunk[]> {
  const { format, compression } = detected;
  if (format === 'parquet') return cutGroups(rowGroups, Math.ceil(bytes / settings.splitBytes));
  const isSplittable = compression === 'none' && (format === 'csv' || format === 'jsonl');
  if (!isSplittable || bytes <= settings.splitBytes) return [{ n: 0, start: 0, end: bytes, firstLine: 1 }];
  const partBytes = Math.max(settings.splitBytes, Math.ceil(bytes / MOST_CHUNKS));
  const parts = await splitPoints(source.stream(0, bytes), detected, partBytes);
  return parts.map((part, n) => ({ n, ...part }));
}

/** As many chunks as are worth it, of about as many row groups each. */
function cutGroups(rowGroups: number, worth: number): Chunk[] {
  const count = Math.max(1, Math.min(worth, rowGroups, MOST_CHUNKS));
  const at = (n: number) => Math.floor((n * rowGroups) / count);
  return Array.from({ length: count }, (_, n) => ({ n, start: at(n), end: at(n + 1), firstLine: 1 }));
}
