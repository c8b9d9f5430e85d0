import { LAKE } from '../shared/contract.ts';

/** What the reconciliation is told by its configuration. */
export interface ReconciliationSettings {
  /** Seconds that an event may be late before something counts as lost. */
  readonly graceSeconds: number;
  /** Seconds that curated records gather before they are loaded; they come on top for loads. */
  readonly batchSeconds: number;
  /** Seconds within which a repair that has to be done again did not help. */
  readonly againSeconds: number;
}

/** The steps of a run, in their order. Each has its own ledger. */
export type Step = 'loads' | 'landing' | 'rows' | 'tickets';

/**
 * What can be wrong, and the incident that it becomes when a repair did not help, or when there is none. `undefined` for
 * what has its own alarm or ticket.
 */
export const MISMATCHES = {
  /** An object without a record, or a record without an execution. Repair: its event, once more. */
  'lost-event': 'Files landed and no execution began',
  /** The audit table is behind Step Functions. Repair: the status change, once more. */
  'lost-change': 'The audit table is behind Step Functions',
  /** A file is being processed by an execution that Step Functions does not know any more. No repair. */
  'execution-gone': 'Executions of files are gone',
  /** A success whose curated record is in no load. Repair: a load of its own. */
  'not-loaded': 'Curated records are not loaded',
  /** A success whose curated record is gone. No repair. */
  'record-gone': 'Curated records are gone',
  /** A loaded file that the warehouse lacks. Repair: a load of its own. */
  'row-missing': 'The warehouse lacks rows that were loaded',
  /** A load that failed, and brings nothing in. Repair: a rerun; its own ticket stays until that succeeds. */
  'failed-load': undefined,
  /** A failed file that no open ticket waits for. Repair: the failure, once more, to the help desk. */
  untold: undefined,
  /** A ticket that waits for what is over. Repair: the end, once more, to the help desk. */
  'ticket-behind': undefined,
} as const satisfies Record<string, string | undefined>;
export type Mismatch = keyof typeof MISMATCHES;

/** Where a run keeps the ledgers of its batches, and where its report goes. */
export const RECONCILIATION_PREFIX = {
  work: `${LAKE.operations}reconciliation/work/`,
  /** `year=/month=/day=/<run>.jsonl` below it, by the day of the run. */
  report: `${LAKE.operations}reconciliation/report/`,
} as const;

/**
 * Columns of the report: one line for each run, pipeline and day of landing (UTC).
 * received = succeeded + rejected + failed + held + in_flight + unaccounted; the other counts are of those.
 */
export const REPORT_COLUMNS = [
  ['run', 'string', 'Name of the first execution of the run'],
  ['checked_at', 'string', 'When the run began, ISO 8601, UTC'],
  ['pipeline', 'string', 'Pipeline of the files'],
  ['landed_on', 'string', 'Day of landing, UTC'],
  ['received', 'bigint', 'Versions of objects in the landing bucket'],
  ['succeeded', 'bigint', 'Files that succeeded'],
  ['rejected', 'bigint', 'Files that were refused'],
  ['failed', 'bigint', 'Files that failed'],
  ['held', 'bigint', 'Files that wait for a person'],
  ['in_flight', 'bigint', 'Files on their way'],
  ['unaccounted', 'bigint', 'Files whose event or status change was lost'],
  ['not_loaded', 'bigint', 'Of the succeeded: files that are in no load'],
  ['in_vain', 'bigint', 'Files whose repair did not help, or that have none'],
  ['before_watch', 'bigint', 'Objects from before the prefix was watched, in no other count'],
] as const;

/**
 * Items of the audit table: partition key of both. Sort key `CURRENT` holds what the next run has to know (`Watched`,
 * `Open`, `RowsComparedAt`); `<ISO time>#<run>` is the summary of a run: `{Run, StartedAt, EndedAt, Totals: {<pipeline>:
 * {<count>}}, Mismatches: {<kind>: {found, repaired, again, examples}}, Unaccounted, Report, RowsFailure?}`.
 */
export const RECONCILIATION_KEY = 'RECONCILIATION';

/** Sort key of what was repaired for a file or load: `REPAIR#<mismatch>`, with `FirstAt`, `Times` and `Run`. */
export const REPAIR_PREFIX = 'REPAIR#';

/** Versions of objects that one invocation looks at, at most: ten pages of S3. */
export const MAX_PAGES = 10;

/** Attempts of a load; later ones are a person's. */
export const MAX_LOAD_ATTEMPTS = 3;

/** Exports of the audit table: where they go, and the item of the table that says how far they have come. */
export const AUDIT_EXPORT = {
  prefix: `${LAKE.operations}audit-export/`,
  /** Partition key; the item has `ExportedTo` (ISO 8601, UTC) and `ExportArn`. */
  key: 'AUDIT-EXPORT',
} as const;
