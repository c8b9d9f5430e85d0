import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import type { Dataset } from '../../datasets/dataset.ts';
import { LAKE } from '../shared/contract.ts';
import { inLanes } from '../shared/lanes.ts';
import { parse } from '../shared/parse.ts';
import { type ManifestEntry, WAREHOUSE_TABLES } from '../warehouse-load/contract.ts';
import { currentItems } from './audit-items.ts';
import type { Batch, Progress } from './batch.ts';
import { MAX_PAGES } from './contract.ts';
import { entryOf, type LoadingDependencies, load } from './loading.ts';
import { claim } from './repairs.ts';

export interface RowsDependencies extends LoadingDependencies {
  readonly s3: Pick<S3Client, 'send'>;
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly datasets: readonly Dataset[];
  readonly auditTable: string;
  readonly warehouseSchema: string;
}

/** Records of a day: how many, and the sum of the first 32 bits of their ids; also of those that are old enough to be loaded. */
const Day = z.object({ all: z.number(), sum: z.string(), old: z.number(), oldSum: z.string() });
type Day = z.output<typeof Day>;

/**
 * Where the comparison stands. A year of a dataset is counted page by page, then its days are compared with the
 * warehouse's counts, and of the days that differ the records are, page by page.
 */
const Cursor = z.discriminatedUnion('phase', [
  z.object({ phase: z.literal('years'), dataset: z.number() }),
  z.object({
    phase: z.literal('count'),
    dataset: z.number(),
    years: z.array(z.string()),
    after: z.optional(z.string()),
    days: z.record(z.string(), Day),
  }),
  z.object({
    phase: z.literal('compare'),
    dataset: z.number(),
    years: z.array(z.string()),
    days: z.record(z.string(), Day),
  }),
  z.object({
    phase: z.literal('days'),
    dataset: z.number(),
    years: z.array(z.string()),
    days: z.array(z.string()),
    /** The last key that was compared. */
    after: z.optional(z.string()),
    /** The page whose rows were asked for ends with this key; null where none were. */
    until: z.nullable(z.string()),
  }),
]);
type Cursor = z.output<typeof Cursor>;
type At<Phase extends Cursor['phase']> = Extract<Cursor, { phase: Phase }>;

/** Records whose rows one statement asks for: their ids fit into its 100 KB, and the answer into a state's 256 KiB. */
const PAGE = 500;
const READS = 10;

interface Context {
  readonly batch: Batch;
  readonly dependencies: RowsDependencies;
  readonly dataset: Dataset;
}

const PHASES: {
  readonly [Phase in Cursor['phase']]: (cursor: At<Phase>, context: Context) => Promise<Progress>;
} = {
  years: findYears,
  count: countRecords,
  compare: compareDays,
  days: compareRecords,
};

/** Does the next piece of the comparison. Where it answers a statement, the next piece is given the rows. */
export async function reconcileRows(batch: Batch, dependencies: RowsDependencies): Promise<Progress> {
  const cursor = parse(Cursor, batch.cursor ?? { phase: 'years', dataset: 0 }, 'cursor');
  const dataset = dependencies.datasets[cursor.dataset];
  if (!dataset) return { cursor: null };
  // One phase, one function: which one TypeScript cannot follow through the table.
  const work = PHASES[cursor.phase] as (cursor: Cursor, context: Context) => Promise<Progress>;
  return work(cursor, { batch, dependencies, dataset });
}

const placeOf = (dataset: Dataset) => `${LAKE.curated}${dataset.name}/`;

async function findYears({ dataset: index }: At<'years'>, context: Context): Promise<Progress> {
  const { s3, lakeBucket } = context.dependencies;
  const { CommonPrefixes = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: lakeBucket, Prefix: placeOf(context.dataset), Delimiter: '/' }),
  );
  const years = CommonPrefixes.flatMap(({ Prefix = '' }) => /year=(\d{4})\/$/.exec(Prefix)?.slice(1) ?? []);
  return nextYear(index, years);
}

/** On to the next year of the dataset, or to the next dataset. */
function nextYear(dataset: number, years: string[]): Progress {
  const next: Cursor =
    years.length > 0
      ? { phase: 'count', dataset, years, days: {} }
      : { phase: 'years', dataset: dataset + 1 };
  return { cursor: next };
}

const RECORD = /\/year=(\d{4})\/month=(\d\d)\/day=(\d\d)\/([0-9a-f]{64})\.json$/;

async function countRecords(
  cursor: At<'count'>,
  { batch, dependencies, dataset }: Context,
): Promise<Progress> {
  const { s3, lakeBucket } = dependencies;
  const [year = ''] = cursor.years;
  const days = new Map(Object.entries(cursor.days));
  let after = cursor.after;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { Contents = [], IsTruncated } = await s3.send(
      new ListObjectsV2Command({
        Bucket: lakeBucket,
        Prefix: `${placeOf(dataset)}year=${year}/`,
        ...(after !== undefined && { StartAfter: after }),
      }),
    );
    for (const { Key = '', LastModified } of Contents) {
      const [, y, month, day, id = ''] = RECORD.exec(Key) ?? [];
      if (!y) continue;
      const date = `${y}-${month}-${day}`;
      days.set(date, plus(days.get(date), id, isOld(LastModified, batch)));
    }
    after = Contents.at(-1)?.Key;
    if (!IsTruncated) {
      const compare: Cursor = { ...without(cursor), phase: 'compare', days: Object.fromEntries(days) };
      return { cursor: compare, sql: countsOf(knownOf(dataset, dependencies.warehouseSchema), year) };
    }
  }
  const next: Cursor = { ...cursor, days: Object.fromEntries(days), ...(after !== undefined && { after }) };
  return { cursor: next };
}

const without = ({ dataset, years }: { dataset: number; years: string[] }) => ({ dataset, years });

const isOld = (at: Date | undefined, { now, loadGraceSeconds }: Batch): boolean =>
  at !== undefined && now - at.getTime() >= loadGraceSeconds * 1000;

function plus(day: Day = { all: 0, sum: '0', old: 0, oldSum: '0' }, id: string, old: boolean): Day {
  const bits = BigInt(`0x${id.slice(0, 8)}`);
  return {
    all: day.all + 1,
    sum: String(BigInt(day.sum) + bits),
    old: day.old + (old ? 1 : 0),
    oldSum: String(BigInt(day.oldSum) + (old ? bits : 0n)),
  };
}

/** Where the warehouse says what it has of a dataset's curated objects, each by its id and the day of its key. */
interface Known {
  readonly table: string;
  readonly day: string;
  readonly where: string;
}

/** A record is its row. A publication has many, or none at all: the ledger says whether it was loaded. */
function knownOf({ name, origin, partitionBy }: Dataset, schema: string): Known {
  if (origin === 'records') return { table: `${schema}.${name}`, day: partitionBy, where: '' };
  return {
    table: `${schema}.${WAREHOUSE_TABLES.files}`,
    day: 'landed_at',
    where: ` AND dataset = '${name}'`,
  };
}

/** What is known by day of a year: how many, and the sum of the first 32 bits of the ids. */
function countsOf({ table, day, where }: Known, year: string): string {
  return (
    `SELECT CAST(CAST(${day} AS DATE) AS VARCHAR), CAST(COUNT(*) AS VARCHAR),` +
    ` CAST(SUM(STRTOL(SUBSTRING(file_id, 1, 8), 16)) AS VARCHAR) FROM ${table}` +
    ` WHERE ${day} >= '${year}-01-01' AND ${day} < '${Number(year) + 1}-01-01'${where} GROUP BY 1`
  );
}

async function compareDays({ dataset, years, days }: At<'compare'>, { batch }: Context): Promise<Progress> {
  const rows = new Map(batch.rows.map(([day = '', count, sum]) => [day, `${count} ${sum}`]));
  const differing = Object.entries(days)
    .filter(([day, { all, sum, old, oldSum }]) => {
      const found = rows.get(day) ?? '0 0';
      return found !== `${all} ${sum}` && found !== `${old} ${oldSum}`;
    })
    .map(([day]) => day)
    .sort();
  if (differing.length === 0) return nextYear(dataset, years.slice(1));
  const next: Cursor = { phase: 'days', dataset, years, days: differing, until: null };
  return { cursor: next };
}

/**
 * Compares the page whose rows have come, if any, and asks for the next one's. A page of S3 is listed twice instead of
 * being carried along.
 */
async function compareRecords(cursor: At<'days'>, context: Context): Promise<Progress> {
  const [day, ...laterDays] = cursor.days;
  if (day === undefined) return nextYear(cursor.dataset, cursor.years.slice(1));
  const { until } = cursor;
  if (until !== null) {
    const { records } = await pageOf(day, cursor.after, context);
    const found = new Set(context.batch.rows.map(([id]) => id));
    await reload(
      records.filter(({ id, key }) => key <= until && !found.has(id)),
      context,
    );
  }
  const base = { phase: 'days', dataset: cursor.dataset, years: cursor.years } as const;
  const after = until ?? cursor.after;
  const { records, last } = await pageOf(day, after, context);
  if (last === undefined) return { cursor: { ...base, days: laterDays, until: null } satisfies Cursor };
  if (records.length === 0) {
    return { cursor: { ...base, days: cursor.days, after: last, until: null } satisfies Cursor };
  }
  const next: Cursor = { ...base, days: cursor.days, until: last, ...(after !== undefined && { after }) };
  const ids = records.map(({ id }) => `'${id}'`).join(',');
  const { table, where } = knownOf(context.dataset, context.dependencies.warehouseSchema);
  return { cursor: next, sql: `SELECT file_id FROM ${table} WHERE file_id IN (${ids})${where}` };
}

interface CuratedRecord {
  readonly key: string;
  readonly id: string;
}

/** The next page of a day: its last key, and of its records those that are old enough to be loaded. */
async function pageOf(
  day: string,
  after: string | undefined,
  { batch, dependencies, dataset }: Context,
): Promise<{ records: CuratedRecord[]; last: string | undefined }> {
  const [year, month, date] = day.split('-');
  const { Contents = [] } = await dependencies.s3.send(
    new ListObjectsV2Command({
      Bucket: dependencies.lakeBucket,
      Prefix: `${placeOf(dataset)}year=${year}/month=${month}/day=${date}/`,
      MaxKeys: PAGE,
      ...(after !== undefined && { StartAfter: after }),
    }),
  );
  const records = Contents.flatMap(({ Key = '', LastModified }) => {
    const id = RECORD.exec(Key)?.[4];
    return id && isOld(LastModified, batch) ? [{ key: Key, id }] : [];
  });
  return { records, last: Contents.at(-1)?.Key };
}

/** Loads records that were loaded and whose rows are gone. Those that were never loaded are another step's. */
async function reload(missing: readonly CuratedRecord[], { batch, dependencies }: Context): Promise<void> {
  const { s3, dynamo, auditTable, lakeBucket } = dependencies;
  const items = await currentItems(
    dynamo,
    auditTable,
    missing.map(({ id }) => id),
  );
  const lost = missing.filter(({ id }) => items.get(id)?.LoadStatus === 'LOADED');
  const entries = await inLanes(READS, lost, async ({ id, key }): Promise<ManifestEntry[]> => {
    const name = items.get(id)?.FileName ?? id;
    const answer = await claim(id, 'row-missing', name, { ...dependencies, ...batch });
    batch.ledger.found('row-missing', answer, id);
    if (answer === 'waiting') return [];
    const entry = await entryOf(s3, { bucket: lakeBucket, key });
    return entry ? [entry] : [];
  });
  await load(entries.flat(), `${batch.run}/${batch.step}/${batch.number}`, dependencies);
}
