import { partitionOf } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { inLanes } from '../shared/lanes.ts';
import { type MAINTENANCE_COLUMNS, MAINTENANCE_PREFIX } from './contract.ts';
import { costOf, savingOf } from './cost.ts';
import type { LakeFiles } from './lake.ts';
import { partitionIn } from './partitions.ts';
import { type Deleted, deletedPrefix, planPrefix, readDeleted, readResult, resultPrefix } from './work.ts';

export interface FinishedRun {
  readonly run: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface Summary {
  /** Key of the report in the lake. */
  readonly report: string;
  readonly partitions: number;
  readonly failed: number;
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly deleted: number;
  readonly costUsd: number;
  /** The first partitions that failed. */
  readonly examples: readonly string[];
}

/** A line of the report, without run and dataset. */
type Counts = Record<
  Exclude<(typeof MAINTENANCE_COLUMNS)[number][0], 'run' | 'checked_at' | 'dataset'>,
  number
>;

const JSON_LINES = 'application/x-ndjson';
const READS = 20;
const SHOWN = 5;

/** Adds up a run and writes its report. Everything it does may be done again. */
export async function writeReport({ run, startedAt }: FinishedRun, lake: LakeFiles): Promise<Summary> {
  const lines = new Map(Object.keys(DATASETS).map((name) => [name, noCounts()]));
  const lineOf = (dataset: string) => {
    const line = lines.get(dataset) ?? noCounts();
    lines.set(dataset, line);
    return line;
  };

  const open = new Set<string>();
  for await (const page of lake.pages(planPrefix(run))) {
    for (const { key } of page) open.add(placeOf(key, planPrefix(run)).join(' '));
  }
  for await (const page of lake.pages(resultPrefix(run))) {
    const results = await inLanes(READS, page, async ({ key }) => ({
      key,
      ...(await readResult(lake, key)),
    }));
    for (const result of results) {
      const [dataset, partition] = placeOf(result.key, resultPrefix(run));
      const line = lineOf(dataset);
      if (result.isLast) {
        open.delete(`${dataset} ${partition}`);
        if (result.filesBefore > 0) line.partitions += 1;
      }
      line.files_before += result.filesBefore;
      line.files_after += result.filesAfter;
      line.bytes_before += result.bytesBefore;
      line.bytes_after += result.bytesAfter;
      line.rows += result.rows;
      line.rows_superseded += result.superseded;
      line.seconds += result.seconds;
    }
  }
  for (const place of open) lineOf(place.split(' ')[0] ?? '').failed += 1;
  for await (const page of lake.pages(deletedPrefix(run))) {
    for (const { kind, counts } of await inLanes(READS, page, ({ key }) => readDeleted(lake, key))) {
      for (const [dataset, count] of Object.entries(counts)) lineOf(dataset)[DELETED[kind]] += count;
    }
  }

  const all = [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [, line] of all) Object.assign(line, { cost_usd: costOf(line), ...savingOf(line) });
  const report = `${MAINTENANCE_PREFIX.report}${partitionOf(new Date(startedAt))}${run}.jsonl`;
  const checked_at = new Date(startedAt).toISOString();
  const body = all.map(([dataset, counts]) => `${JSON.stringify({ run, checked_at, dataset, ...counts })}\n`);
  await lake.write(report, body.join(''), JSON_LINES);

  const total = (name: keyof Counts) => all.reduce((sum, [, counts]) => sum + counts[name], 0);
  return {
    report,
    partitions: total('partitions'),
    failed: open.size,
    filesBefore: total('files_before'),
    filesAfter: total('files_after'),
    deleted: Object.values(DELETED).reduce((sum, name) => sum + total(name), 0),
    costUsd: total('cost_usd'),
    examples: [...open].slice(0, SHOWN),
  };
}

const DELETED = {
  retired: 'retired_deleted',
  abandoned: 'abandoned_deleted',
  expired: 'expired_deleted',
} as const satisfies Record<Deleted['kind'], keyof Counts>;

/** Dataset and partition in the key of a run's object. */
function placeOf(key: string, prefix: string): [dataset: string, partition: string] {
  return [key.slice(prefix.length).split('/')[0] ?? '', partitionIn(key) ?? ''];
}

function noCounts(): Counts {
  return {
    partitions: 0,
    files_before: 0,
    files_after: 0,
    bytes_before: 0,
    bytes_after: 0,
    rows: 0,
    rows_superseded: 0,
    failed: 0,
    retired_deleted: 0,
    abandoned_deleted: 0,
    expired_deleted: 0,
    seconds: 0,
    cost_usd: 0,
    saves_usd_per_month: 0,
    saves_usd_per_thousand_scans: 0,
  };
}
