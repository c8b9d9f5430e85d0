import { DATASETS } from '../../datasets/index.ts';
import { readCompaction } from './compactions.ts';
import { COMPACTED, type MaintenanceSettings } from './contract.ts';
import type { LakeFiles, Listed } from './lake.ts';
import { loadedPrefix, nameIn, partitionIn } from './partitions.ts';
import { isSettled, isSmall, REDRIVE_MS, WEEK_MS } from './rules.ts';
import { abandonedKey, planKey } from './work.ts';

/** Where the next batch goes on; the partition that the last one ended in, with what was counted of it. */
export interface PlanCursor {
  readonly dataset: string;
  readonly after: string;
  readonly partition: string;
  readonly small: number;
}

export interface PlanInput {
  readonly run: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly batch: number;
  readonly cursor: PlanCursor | null;
}

export interface PlanOutput {
  readonly batch: number;
  readonly cursor: PlanCursor | null;
  /** Partitions that were noted. */
  readonly partitions: number;
}

/** Pages of a listing that one invocation looks at, at most. */
const MAX_PAGES = 200;

/**
 * Lists every dataset's Parquet files, a bounded number at a time, and notes partitions with many small ones and files
 * that may be abandoned.
 */
export async function plan(
  { run, startedAt, batch, cursor }: PlanInput,
  lake: LakeFiles,
  settings: MaintenanceSettings,
  maxPages = MAX_PAGES,
): Promise<PlanOutput> {
  const names = Object.keys(DATASETS);
  const abandoned: { dataset: string; key: string; bytes: number }[] = [];
  let pages = 0;
  let partitions = 0;
  let left: PlanCursor | null = null;

  for (const dataset of names.slice(cursor ? names.indexOf(cursor.dataset) : 0)) {
    const begun: PlanCursor | undefined = cursor?.dataset === dataset ? cursor : undefined;
    let counted = { partition: begun?.partition ?? '', small: begun?.small ?? 0 };
    const finish = () => note(dataset, counted.partition, counted.small);
    let last = begun?.after;
    for await (const page of lake.pages(loadedPrefix(dataset), begun?.after)) {
      if (pages === maxPages) {
        left = { dataset, after: last ?? '', ...counted };
        break;
      }
      pages += 1;
      for (const file of page) {
        const partition = partitionIn(file.key);
        if (partition === undefined) continue;
        if (partition !== counted.partition) {
          await finish();
          counted = { partition, small: 0 };
        }
        if (isSmall(file, settings) && isSettled(file, startedAt)) counted.small += 1;
        if (mayBeAbandoned(dataset, file, startedAt)) {
          abandoned.push({ dataset, key: file.key, bytes: file.bytes });
        }
      }
      last = page.at(-1)?.key ?? last;
    }
    if (left) break;
    await finish();
  }
  await lake.write(abandonedKey(run, batch), JSON.stringify(abandoned));
  return { batch: batch + 1, cursor: left, partitions };

  async function note(dataset: string, partition: string, small: number): Promise<void> {
    if (small <= settings.compactAboveFiles) return;
    const { compaction } = await readCompaction(lake, dataset, partition);
    const waiting = compaction.waiting.reduce((sum, { keys }) => sum + keys.length, 0);
    if (small - waiting <= settings.compactAboveFiles) return;
    await lake.write(planKey(run, dataset, partition), JSON.stringify({ dataset, partition, small }));
    partitions += 1;
  }
}

/**
 * Files of records are written before their load, and count from then on; anything else counts only once something lists
 * it. After two weeks nobody can go on writing any more, and each file is looked at in several nights, not in all.
 */
function mayBeAbandoned(dataset: string, file: Listed, now: number): boolean {
  const age = now - file.modified;
  if (age < REDRIVE_MS || age > REDRIVE_MS + WEEK_MS) return false;
  return DATASETS[dataset]?.origin !== 'records' || nameIn(file.key).startsWith(COMPACTED);
}
