import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { DATASETS } from '../../datasets/index.ts';
import { currentKey, plainOf } from '../shared/audit.ts';
import { LAKE } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { inLanes } from '../shared/lanes.ts';
import { parse, parseJson } from '../shared/parse.ts';
import { readCompaction, replaceCompaction } from './compactions.ts';
import { COMPACTED, compactionPrefix, type MaintenanceSettings } from './contract.ts';
import { NotCompacted } from './errors.ts';
import type { LakeFiles } from './lake.ts';
import { footerOf, isOurs } from './parquet-file.ts';
import { datasetNamed, fileIdIn, loadedPrefix, nameIn, partitionIn } from './partitions.ts';
import { fileOf, Publications, type Standing } from './published.ts';
import { REDRIVE_MS } from './rules.ts';
import { abandonedKey, writeDeleted } from './work.ts';

export interface DeleteDependencies {
  readonly lake: LakeFiles;
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly auditTable: string;
  readonly settings: MaintenanceSettings;
}

export type DeleteCursor =
  | { readonly step: 'retired'; readonly dataset: string; readonly after: string }
  | { readonly step: 'abandoned'; readonly planned: number };

export interface DeleteInput {
  readonly run: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly batch: number;
  readonly cursor: DeleteCursor | null;
  /** How many batches the plan had. */
  readonly planned: number;
}

export interface DeleteOutput {
  readonly batch: number;
  readonly cursor: DeleteCursor | null;
  /** What could not be deleted, and why. */
  readonly problems: readonly string[];
}

/** Partitions and files that are looked at at once. */
const LANES = 10;
/** Problems that are told of a batch. */
const MAX_PROBLEMS = 5;

/** Deletes what compaction has replaced, when its time is over, and what nobody has published. */
export function deleteFiles(input: DeleteInput, dependencies: DeleteDependencies): Promise<DeleteOutput> {
  const cursor = input.cursor ?? { step: 'retired', dataset: '', after: '' };
  return cursor.step === 'retired'
    ? deleteRetired(input, cursor, dependencies)
    : deleteAbandoned(input, cursor.planned, dependencies);
}

/** One page of one dataset's compactions. */
async function deleteRetired(
  { run, startedAt, batch, planned }: DeleteInput,
  cursor: { readonly dataset: string; readonly after: string },
  dependencies: DeleteDependencies,
): Promise<DeleteOutput> {
  const names = Object.keys(DATASETS);
  const dataset = cursor.dataset || names[0] || '';
  const { lake } = dependencies;
  const page = await lake.firstPage(compactionPrefix(dataset), cursor.after);
  const problems: string[] = [];
  const deleted = await inLanes(LANES, page, async ({ key }) => {
    try {
      return await sweep(dataset, partitionIn(key) ?? '', startedAt, dependencies);
    } catch (error) {
      if (!isNamed(error, 'NotCompacted')) throw error;
      problems.push(String(error));
      return 0;
    }
  });
  await writeDeleted(lake, run, batch, {
    kind: 'retired',
    counts: { [dataset]: deleted.reduce((sum, count) => sum + count, 0) },
  });
  const last = page.at(-1);
  const next = names[names.indexOf(dataset) + 1];
  return { batch: batch + 1, cursor: following(), problems: problems.slice(0, MAX_PROBLEMS) };

  function following(): DeleteCursor | null {
    if (last) return { step: 'retired', dataset, after: last.key };
    if (next) return { step: 'retired', dataset: next, after: '' };
    return planned > 0 ? { step: 'abandoned', planned: 0 } : null;
  }
}

/** Deletes a partition's replaced files whose time is over. Answers how many. */
async function sweep(
  dataset: string,
  partition: string,
  now: number,
  dependencies: DeleteDependencies,
): Promise<number> {
  const { lake, settings } = dependencies;
  const { compaction, eTag } = await readCompaction(lake, dataset, partition);
  const { origin } = datasetNamed(dataset);
  // A load, or the run that it is part of, can be redriven, and reads what it has written down. Of landed files it is known
  // whether they are loaded.
  const keepMs = Math.max(settings.keepSeconds * 1000, origin === 'landing' ? 0 : REDRIVE_MS);
  const due = compaction.waiting
    .filter(({ at }) => Date.parse(at) <= now - keepMs)
    .flatMap(({ keys }) => keys);
  if (due.length === 0) return 0;
  const there = new Set((await lake.list(loadedPrefix(dataset, partition))).map(({ key }) => key));
  const missing = compaction.added.filter((key) => !there.has(key));
  if (missing.length > 0) {
    throw new NotCompacted(`${missing[0]} is gone, and so the files that it replaced are kept.`);
  }
  const unneeded = await inLanes(LANES, due, (key) => isUnneeded(key, origin === 'landing', dependencies));
  const over = new Set(due.filter((_key, i) => unneeded[i]));
  if (over.size === 0) return 0;
  const keys = [...over].filter((key) => there.has(key));
  await lake.delete(keys);
  const waiting = compaction.waiting
    .map(({ at, keys: kept }) => ({ at, keys: kept.filter((key) => !over.has(key)) }))
    .filter(({ keys: kept }) => kept.length > 0);
  await replaceCompaction(lake, { ...compaction, waiting }, eTag);
  return keys.length;
}

const Loaded = z.looseObject({ LoadStatus: z.optional(z.string()) });

/** The warehouse takes a landed file's rows from its own parts: while its load has not succeeded, they stay. */
async function isUnneeded(
  key: string,
  isLanded: boolean,
  { dynamo, auditTable }: DeleteDependencies,
): Promise<boolean> {
  const fileId = fileIdIn(key);
  if (!isLanded || fileId === undefined) return true;
  const { Item } = await dynamo.send(
    new GetItemCommand({
      TableName: auditTable,
      Key: currentKey(fileId),
      ProjectionExpression: 'LoadStatus',
    }),
  );
  // Nobody loads a file that is not known.
  if (!Item) return true;
  const { LoadStatus } = parse(Loaded, plainOf(Item), 'item of the audit table');
  return LoadStatus === 'LOADED' || LoadStatus === 'PUBLISHED';
}

const Suspects = z.array(z.object({ dataset: z.string(), key: z.string(), bytes: z.number() }));
type Suspect = z.output<typeof Suspects>[number];

/** One batch of the plan's old files. */
async function deleteAbandoned(
  { run, batch, planned }: DeleteInput,
  index: number,
  { lake }: DeleteDependencies,
): Promise<DeleteOutput> {
  const key = abandonedKey(run, index);
  const suspects = parseJson(Suspects, (await lake.text(key))?.body ?? '[]', `list ${key}`);
  const problems: string[] = [];
  const counts: Record<string, number> = {};
  for (const [dataset, members] of Map.groupBy(suspects, ({ dataset: name }) => name)) {
    const judge = abandonment(dataset, lake);
    const verdicts = await inLanes(LANES, members, judge);
    const judged = (verdict: Verdict) =>
      members.filter((_member, i) => verdicts[i] === verdict).map(({ key }) => key);
    const unpublished = judged('unpublished');
    const published = await publishedAmong(dataset, unpublished, lake);
    problems.push(
      ...[...published].map((part) => `${part} has a publication where nobody looks for it: it stays.`),
    );
    const gone = [...judged('useless'), ...unpublished.filter((part) => !published.has(part))];
    await lake.delete(gone);
    counts[dataset] = gone.length;
  }
  await writeDeleted(lake, run, batch, { kind: 'abandoned', counts });
  const next = index + 1;
  return {
    batch: batch + 1,
    cursor: next < planned ? { step: 'abandoned', planned: next } : null,
    problems: problems.slice(0, MAX_PROBLEMS),
  };
}

/** `useless`: no reader sees it nor ever will; `unpublished`: nor will one, unless it is looked for in the wrong place. */
type Verdict = 'useful' | 'useless' | 'unpublished';

function abandonment(dataset: string, lake: LakeFiles): (suspect: Suspect) => Promise<Verdict> {
  const publications = new Publications(lake, datasetNamed(dataset));
  return async (suspect) => {
    const { key } = suspect;
    const { compaction } = await readCompaction(lake, dataset, partitionIn(key) ?? '');
    // Those have a time of their own.
    if (compaction.waiting.some(({ keys }) => keys.includes(key))) return 'useful';
    if (nameIn(key).startsWith(COMPACTED)) return compaction.added.includes(key) ? 'useful' : 'useless';
    // A rerun has written again what is in a compacted file; or it has just been deleted.
    if (compaction.retired.includes(key)) {
      return (await lake.firstPage(key)).length > 0 ? 'useless' : 'useful';
    }
    const footer = await footerOf(fileOf(lake, suspect));
    return isOurs(footer) ? VERDICTS[await publications.look(suspect, footer)] : 'useful';
  };
}

const VERDICTS: Readonly<Record<Standing, Verdict>> = {
  published: 'useful',
  'not listed': 'useless',
  unpublished: 'unpublished',
  // Who cannot be judged stays.
  unknown: 'useful',
};

/**
 * Those parts of which there is a publication after all, wherever it lies. Looking at all names costs little, is rarely
 * needed, and nothing else stands between a wrong date and the loss of a file.
 */
async function publishedAmong(
  dataset: string,
  keys: readonly string[],
  lake: LakeFiles,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const byId = Map.groupBy(keys, (key) => fileIdIn(key) ?? '');
  if (byId.size === 0) return found;
  for (const prefix of [LAKE.curated, LAKE.published]) {
    for await (const page of lake.pages(`${prefix}${dataset}/`)) {
      for (const { key } of page) {
        for (const part of byId.get(fileIdIn(key) ?? '') ?? []) found.add(part);
      }
    }
  }
  return found;
}
