import { parquetMetadata } from 'hyparquet';
import type { Dataset } from '../../datasets/dataset.ts';
import { CompactionSchema, compactionKey } from '../maintenance/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { inLanes } from '../shared/lanes.ts';
import { parseJson } from '../shared/parse.ts';
import { PublicationSchema } from '../shared/publication.ts';
import { InvalidRecord } from './errors.ts';
import { type Gathered, type GatherInput, LANES, type LoadLake, type Part } from './parts.ts';
import { stagedColumns } from './sql.ts';

/** Reads publications, and finds the Parquet files that hold their rows. */
export async function publishedParts({ dataset, entries, lake }: GatherInput): Promise<Gathered> {
  const publications = await inLanes(LANES, entries, async ({ key, versionId }) => {
    const { body } = await lake.read(key, { versionId });
    const publication = parseJson(PublicationSchema, textOf(body), `publication ${key}`);
    if (publication.dataset === dataset.name) return publication;
    throw new InvalidRecord(`${key} publishes rows of ${publication.dataset}, not of ${dataset.name}.`);
  });
  const named = publications.flatMap(({ parts }) => parts);
  const found = await inLanes(LANES, named, async ({ key, rows }) => {
    const part = await partOf(dataset, key, lake);
    if (!part || part.rows === rows) return part;
    throw new InvalidRecord(`${key} holds ${part.rows} rows, and its publication says ${rows}.`);
  });
  const gone = named.filter((_, i) => found[i] === undefined).map(({ key }) => key);
  const parts = found.filter((part) => part !== undefined);
  const sources = publications.map(({ fileId, sourceFile, landedAt, rows }) => ({
    fileId,
    fileName: sourceFile,
    landedAt: new Date(landedAt),
    rows,
  }));
  if (gone.length === 0) return { parts, sources, isMixed: false };
  return { parts: await standIns(dataset, parts, gone, lake), sources, isMixed: true };
}

/** Compaction has put rows of files that are gone into others, beside rows of other files. */
async function standIns(
  dataset: Dataset,
  parts: readonly Part[],
  gone: readonly string[],
  lake: LoadLake,
): Promise<Part[]> {
  const partitions = [...new Set(gone.map(partitionIn))];
  const compactions = await inLanes(LANES, partitions, async (partition) => {
    const object = await unlessGone(lake.read(compactionKey(dataset.name, partition)));
    return object ? [parseJson(CompactionSchema, textOf(object.body), `compaction of ${partition}`)] : [];
  });
  const retired = new Set(compactions.flat().flatMap((compaction) => compaction.retired));
  const lost = gone.find((key) => !retired.has(key));
  if (lost) throw new InvalidRecord(`${lost} is gone, and no compaction has its rows.`);
  const added = compactions.flat().flatMap((compaction) => compaction.added);
  const compacted = await inLanes(LANES, added, async (key) => {
    const part = await partOf(dataset, key, lake);
    if (part) return part;
    throw new InvalidRecord(`${key} is gone, and its compaction shows it.`);
  });
  return [...parts.filter(({ key }) => !retired.has(key)), ...compacted];
}

const textOf = (body: Uint8Array) => new TextDecoder().decode(body);

/** `year=…/month=…/day=…/` of a Parquet file's key. */
function partitionIn(key: string): string {
  return /year=\d+\/month=\d+\/day=\d+\//.exec(key)?.[0] ?? '';
}

async function unlessGone<Result>(reading: Promise<Result>): Promise<Result | undefined> {
  return reading.catch((error: unknown) => {
    if (isNamed(error, 'NoSuchKey')) return undefined;
    throw error;
  });
}

/** Bytes at the end of a Parquet file that hold its footer, as a rule: about 100 for each column. */
const FOOTER_BYTES = 32 * 1024;

/** A Parquet file with its columns, which may be older than the dataset's last ones; undefined when it is gone. */
async function partOf(dataset: Dataset, key: string, lake: LoadLake): Promise<Part | undefined> {
  const end = await unlessGone(lake.read(key, { last: FOOTER_BYTES }));
  if (!end) return undefined;
  const footer = await footerOf(key, end.body, lake);
  const { schema, num_rows } = parquetMetadata(new Uint8Array(footer).buffer);
  const columns = schema.slice(1).map(({ name }) => name);
  const known = new Set(stagedColumns(dataset).map(({ name }) => name));
  const strange = columns.filter((name) => !known.has(name));
  if (strange.length > 0)
    throw new InvalidRecord(`${key} has columns that ${dataset.name} lacks: ${strange.join(', ')}.`);
  return { key, rows: Number(num_rows), bytes: end.size, columns };
}

/** The last eight bytes of a Parquet file are its footer's length and `PAR1`. */
async function footerOf(key: string, end: Uint8Array, lake: LoadLake): Promise<Uint8Array> {
  if (end.byteLength < 8) throw new InvalidRecord(`${key} is no Parquet file.`);
  const length = new DataView(end.buffer, end.byteOffset).getUint32(end.byteLength - 8, true) + 8;
  return length <= end.byteLength ? end : (await lake.read(key, { last: length })).body;
}
