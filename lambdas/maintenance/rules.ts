import type { MaintenanceSettings } from './contract.ts';
import type { Listed } from './lake.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;

/** An execution can be redriven for 14 days (Step Functions quotas): so long, files that it has written may be missed. */
export const REDRIVE_MS = 15 * DAY_MS;

/** A file that was written in the last hours is left alone: its load, or a rerun, may still be at it. */
const SETTLED_MS = 6 * HOUR_MS;

/** Whether a file has been there for a while. @param now milliseconds since the epoch */
export const isSettled = (file: Listed, now: number): boolean => now - file.modified >= SETTLED_MS;

/** Whether a file is far below the size that compaction aims at: one of half of it is left as it is. */
export const isSmall = (file: Listed, { targetBytes }: MaintenanceSettings): boolean =>
  file.bytes < targetBytes / 2;
