import * as z from 'zod/mini';
import { LAKE } from '../shared/contract.ts';

/** Where compactions are told, where a run keeps what it works with, and where its report goes. */
export const MAINTENANCE_PREFIX = {
  compaction: `${LAKE.operations}compaction/`,
  work: `${LAKE.operations}maintenance/work/`,
  /** `year=/month=/day=/<run>.jsonl` below it, by the day of the run. */
  report: `${LAKE.operations}maintenance/report/`,
} as const;

/**
 * What compaction has made of a partition: one object, replaced as a whole, so that readers see all of a swap or nothing.
 *
 * A reader shows a file below `loaded/` when
 * - its name does not begin with `compacted-`, it is not in `retired`, and (but for datasets of origin `records`) a
 *   publication lists it; or
 * - its name begins with `compacted-` and it is in `added` (one that is not belongs to a swap that never was).
 *
 * The rows of a compacted file keep their `source_file`, `file_id` and `landed_at`: which rows are superseded follows from
 * these and the publications, as for any other file, and never from the file's name.
 */
export interface Compaction {
  readonly dataset: string;
  /** `year=…/month=…/day=…/` */
  readonly partition: string;
  /** Keys of compacted files that are shown. */
  readonly added: readonly string[];
  /**
   * Keys of files whose rows are in compacted ones. They stay here when they are deleted: a run of their pipeline may write
   * the same file again.
   */
  readonly retired: readonly string[];
  /** Retired files that are still to be deleted, and when they were retired; ISO 8601, UTC. */
  readonly waiting: readonly { readonly at: string; readonly keys: readonly string[] }[];
}

export const CompactionSchema: z.ZodMiniType<Compaction> = z.object({
  dataset: z.string(),
  partition: z.string(),
  added: z.array(z.string()),
  retired: z.array(z.string()),
  waiting: z.array(z.object({ at: z.iso.datetime(), keys: z.array(z.string()) })),
});

/** Columns of the Glue table over a dataset's compactions; the partition's own come on top. */
export const COMPACTION_COLUMNS = [
  ['added', 'array<string>', 'Keys of compacted files that are shown'],
  ['retired', 'array<string>', 'Keys of files whose rows are in compacted ones, and that are hidden'],
] as const;

/** Folder of a dataset's compactions. */
export const compactionPrefix = (dataset: string): `${typeof LAKE.operations}${string}` =>
  `${MAINTENANCE_PREFIX.compaction}${dataset}/`;

/** @param partition as `partitionOf` gives it */
export const compactionKey = (dataset: string, partition: string): string =>
  `${compactionPrefix(dataset)}${partition}compaction.json`;

/** How the name of a file that compaction wrote begins, behind its partition. */
export const COMPACTED = 'compacted-';

/** @param sha256 of the file's bytes, hex */
export const compactedKey = (dataset: string, partition: string, sha256: string): string =>
  `${LAKE.loaded}${dataset}/${partition}${COMPACTED}${sha256}.parquet`;

/** Memory of the function that writes compacted files, MB: a group's rows, and what becomes of them. */
export const COMPACT_MEMORY_MB = 3008;

/** What maintenance is told by its configuration. */
export interface MaintenanceSettings {
  /** Small files of a partition above which they become fewer. */
  readonly compactAboveFiles: number;
  /** Bytes that compaction aims at. */
  readonly targetBytes: number;
  /** Seconds that replaced files are kept. */
  readonly keepSeconds: number;
}

/**
 * Columns of the report: one line for each run and dataset. What one partition brings and costs is estimated from list
 * prices.
 */
export const MAINTENANCE_COLUMNS = [
  ['run', 'string', 'Name of the execution'],
  ['checked_at', 'string', 'When the run began, ISO 8601, UTC'],
  ['dataset', 'string', 'Dataset'],
  ['partitions', 'bigint', 'Partitions that were compacted'],
  ['files_before', 'bigint', 'Small files that were replaced'],
  ['files_after', 'bigint', 'Files that replaced them'],
  ['bytes_before', 'bigint', 'Bytes of the former'],
  ['bytes_after', 'bigint', 'Bytes of the latter'],
  ['rows', 'bigint', 'Rows of the files that were written'],
  ['rows_superseded', 'bigint', 'Rows left out because a later version of their file was in the partition'],
  ['failed', 'bigint', 'Partitions whose compaction failed; nothing of them has changed'],
  ['retired_deleted', 'bigint', 'Replaced files that were deleted because their time was over'],
  ['abandoned_deleted', 'bigint', 'Files without a publication that were deleted'],
  ['expired_deleted', 'bigint', 'Objects that were deleted because their retention was over'],
  ['seconds', 'double', 'Seconds that functions worked on it'],
  ['cost_usd', 'double', 'Estimated cost of the run'],
  ['saves_usd_per_month', 'double', 'Estimated storage that the replaced bytes no longer take'],
  [
    'saves_usd_per_thousand_scans',
    'double',
    'Estimated requests that a thousand queries over all files no longer make',
  ],
] as const;
