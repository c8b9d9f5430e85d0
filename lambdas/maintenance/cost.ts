import { COMPACT_MEMORY_MB } from './contract.ts';

const GIB = 1024 ** 3;

/** List prices in us-east-1, USD (November 2026). */
const PRICE = {
  lambdaGbSecond: 0.0000133334,
  put: 0.005 / 1000,
  get: 0.0004 / 1000,
  transition: 0.025 / 1000,
  gbMonth: 0.023,
} as const;

/** Requests that a query engine makes for each Parquet file at least: the footer, and what it wants of it. */
const READS_PER_FILE = 2;
/** Requests of compaction itself: footer, landing time and whole file; a publication. */
const GETS_PER_FILE = 4;
/** A compacted file, its compaction, groups, result; and plan. */
const PUTS_PER_FILE = 5;
/** Steps of the state machine for each file that is written. */
const TRANSITIONS_PER_FILE = 6;

interface Worked {
  readonly files_before: number;
  readonly files_after: number;
  readonly bytes_before: number;
  readonly bytes_after: number;
  readonly seconds: number;
}

/** Estimated cost of compaction, USD. Deleting is free. */
export function costOf({ files_before, files_after, seconds }: Worked): number {
  return (
    seconds * (COMPACT_MEMORY_MB / 1024) * PRICE.lambdaGbSecond +
    files_before * GETS_PER_FILE * PRICE.get +
    files_after * (PUTS_PER_FILE * PRICE.put + TRANSITIONS_PER_FILE * PRICE.transition)
  );
}

/** What fewer and smaller files save, USD. Shorter queries come on top. */
export function savingOf({ files_before, files_after, bytes_before, bytes_after }: Worked) {
  return {
    saves_usd_per_month: ((bytes_before - bytes_after) / GIB) * PRICE.gbMonth,
    saves_usd_per_thousand_scans: (files_before - files_after) * READS_PER_FILE * PRICE.get * 1000,
  };
}
