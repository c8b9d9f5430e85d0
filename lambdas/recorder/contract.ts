import { TABULAR } from '../../datasets/index.ts';

/**
 * Rank of a status among news of the same moment. A success outranks everything at any time; the rest is ordered by
 * time, then by rank.
 */
export const STATUS_RANK = {
  RECEIVED: 0,
  PROCESSING_INITIATED: 1,
  FAILED: 2,
  HELD: 3,
  REJECTED: 4,
  SUCCEEDED: 5,
} as const;

/** Pipelines whose executions are a file's or a load's own; the executions of all others are their children. */
export const TRIGGER_PIPELINES: readonly string[] = [
  'document-ingestion',
  'warehouse-load',
  ...TABULAR.map(({ name }) => name),
];
