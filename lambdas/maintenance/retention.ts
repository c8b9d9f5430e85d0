import { type Dataset, partitionOf } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { LAKE } from '../shared/contract.ts';
import { inLanes } from '../shared/lanes.ts';
import { parseJson } from '../shared/parse.ts';
import { PublicationSchema } from '../shared/publication.ts';
import { DAILY_TABLES, WAREHOUSE_TABLES } from '../warehouse-load/contract.ts';
import { compactionPrefix } from './contract.ts';
import type { LakeFiles, Listed } from './lake.ts';
import { datasetNamed, loadedPrefix, partitionIn } from './partitions.ts';
import { writeDeleted } from './work.ts';

const DAY_MS = 86_400_000;
/** Pages of 1,000 objects that one invocation deletes, at most. */
const MAX_PAGES = 50;
/** Publications that are read at once. */
const READS = 20;

/** Rows of a dataset that are over, and the transaction that deletes them in the warehouse. */
export interface Expiry {
  readonly dataset: string;
  readonly sqls: readonly string[];
}

/**
 * Datasets that hold partitions whose retention is over. The warehouse comes first and the lake second: when the former
 * could not be asked, the partitions are still there to say so the next night.
 */
export async function expiries(startedAt: number, schema: string, lake: LakeFiles): Promise<Expiry[]> {
  const limited = Object.values(DATASETS).filter(({ retentionDays }) => retentionDays !== undefined);
  const found: Expiry[] = [];
  for (const dataset of limited) {
    const before = cutoff(dataset, startedAt);
    const page = await lake.firstPage(loadedPrefix(dataset.name));
    const first = page.find(({ key }) => partitionIn(key) !== undefined);
    if (first && isBefore(first, before)) {
      found.push({ dataset: dataset.name, sqls: deletion(dataset, schema, before) });
    }
  }
  return found;
}

/** Takes the lock first, as loads do: one that is under way is waited for, and sums never count rows that are gone. */
function deletion({ name, partitionBy }: Dataset, schema: string, before: Date): string[] {
  const day = before.toISOString().slice(0, 10);
  const daily = Object.entries(DAILY_TABLES).filter(([of]) => of === name);
  return [
    `LOCK TABLE ${schema}.${WAREHOUSE_TABLES.lock}`,
    `DELETE FROM ${schema}.${name} WHERE "${partitionBy}" < '${day}'`,
    ...daily.map(([, table]) => `DELETE FROM ${schema}.${table} WHERE "day" < '${day}'`),
  ];
}

export interface RetainInput {
  readonly run: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly batch: number;
  readonly cursor: RetainCursor | null;
  /** Datasets whose rows are still in the warehouse: the lake's stay, too. */
  readonly except: readonly string[];
}

export interface RetainCursor {
  readonly dataset: string;
  readonly step: Step;
}

export interface RetainOutput {
  readonly batch: number;
  readonly cursor: RetainCursor | null;
}

/**
 * In this order: a partition's compaction hides files for as long as there are any, and publications say which rows count.
 */
const STEPS = ['loaded', 'compactions', 'sources'] as const;
type Step = (typeof STEPS)[number];

/** Deletes what is over of one dataset, a bounded number of objects at a time. */
export async function retain(
  input: RetainInput,
  lake: LakeFiles,
  maxPages = MAX_PAGES,
): Promise<RetainOutput> {
  const { run, startedAt, batch, except } = input;
  const work = Object.values(DATASETS)
    .filter(({ name, retentionDays }) => retentionDays !== undefined && !except.includes(name))
    .flatMap(({ name }) => STEPS.map((step) => ({ dataset: name, step })));
  const cursor = input.cursor ?? work[0];
  if (!cursor) return { batch, cursor: null };

  const dataset = datasetNamed(cursor.dataset);
  const before = cutoff(dataset, startedAt);
  const { deleted, isOver } =
    cursor.step === 'sources' && dataset.origin !== 'records'
      ? await expirePublications(dataset, before, lake, maxPages)
      : await expire(FOLDERS[cursor.step](dataset), before, lake, maxPages);
  await writeDeleted(lake, run, batch, { kind: 'expired', counts: { [dataset.name]: deleted } });
  const at = work.findIndex(({ dataset: name, step }) => name === cursor.dataset && step === cursor.step);
  return { batch: batch + 1, cursor: isOver ? (work[at + 1] ?? null) : cursor };
}

const FOLDERS: Readonly<Record<Step, (dataset: Dataset) => string>> = {
  loaded: ({ name }) => loadedPrefix(name),
  compactions: ({ name }) => compactionPrefix(name),
  // Records lie by the day of their event, as their rows do; publications by the day of landing.
  sources: ({ name, origin }) =>
    `${origin === 'crm' || origin === 'job' ? LAKE.published : LAKE.curated}${name}/`,
};

/** First day that is kept, UTC. */
function cutoff({ retentionDays = 0 }: Dataset, now: number): Date {
  return new Date(Math.floor(now / DAY_MS) * DAY_MS - retentionDays * DAY_MS);
}

/** Names of partitions sort as their days do. */
function isBefore({ key }: Pick<Listed, 'key'>, before: Date): boolean {
  const partition = partitionIn(key);
  return partition !== undefined && partition < partitionOf(before);
}

interface Expired {
  readonly deleted: number;
  readonly isOver: boolean;
}

/** Deletes the objects of days that are over. */
async function expire(prefix: string, before: Date, lake: LakeFiles, maxPages: number): Promise<Expired> {
  let deleted = 0;
  let pages = 0;
  for await (const page of lake.pages(prefix)) {
    const over = page.filter((object) => isBefore(object, before));
    await lake.delete(over.map(({ key }) => key));
    deleted += over.length;
    pages += 1;
    if (over.length < page.length) break;
    if (pages === maxPages) return { deleted, isOver: false };
  }
  return { deleted, isOver: true };
}

/**
 * Deletes publications none of whose parts are kept. A file's later version goes only with or after the earlier ones: it is
 * what hides them. Each invocation begins anew: what has to stay is little.
 */
async function expirePublications(
  dataset: Dataset,
  before: Date,
  lake: LakeFiles,
  maxPages: number,
): Promise<Expired> {
  /** Files of which a version has to stay. */
  const kept = new Set<string>();
  let deleted = 0;
  for await (const day of days(FOLDERS.sources(dataset), before, lake)) {
    const publications = await inLanes(READS, day, async (key) => ({
      key,
      publication: parseJson(PublicationSchema, (await lake.text(key))?.body ?? '', `publication ${key}`),
    }));
    publications.sort((a, b) => Date.parse(a.publication.landedAt) - Date.parse(b.publication.landedAt));
    const gone: string[] = [];
    for (const { key, publication } of publications) {
      const stays =
        kept.has(publication.sourceFile) || publication.parts.some((part) => !isBefore(part, before));
      if (stays) kept.add(publication.sourceFile);
      else gone.push(key);
    }
    await lake.delete(gone);
    deleted += gone.length;
    if (deleted >= maxPages * 1000) return { deleted, isOver: false };
  }
  return { deleted, isOver: true };
}

/** Keys below a prefix, day by day, of the days that are over. */
async function* days(prefix: string, before: Date, lake: LakeFiles): AsyncGenerator<readonly string[]> {
  let day: string[] = [];
  let partition: string | undefined;
  for await (const page of lake.pages(prefix)) {
    for (const object of page) {
      if (partitionIn(object.key) !== partition) {
        yield day;
        day = [];
        partition = partitionIn(object.key);
      }
      if (isBefore(object, before)) day.push(object.key);
    }
    const last = page.at(-1);
    if (last && !isBefore(last, before)) break;
  }
  yield day;
}
