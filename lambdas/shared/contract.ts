/**
 * Names and shapes that the CDK application, the handlers and the state machines share.
 * Nothing here runs: constants, types and pure functions of names only.
 */

/** Names of the environment variables that grants set and `environment.ts` parses. */
export const ENV = {
  /** Name of the audit table. */
  AUDIT_TABLE: 'AUDIT_TABLE',
  LANDING_BUCKET: 'LANDING_BUCKET',
  LAKE_BUCKET: 'LAKE_BUCKET',
  /** JSON: landing prefix → `{ pipeline, stateMachineArn }`, for example `{"documents/": {…}}`. */
  TRIGGERS: 'TRIGGERS',
  /** JSON: state machine ARN → pipeline name. */
  PIPELINES: 'PIPELINES',
  /** JSON: `Limits` below. */
  LIMITS: 'LIMITS',
  /** JSON: `Prices` below. */
  PRICES: 'PRICES',
  /** Name of the table of running asynchronous OCR jobs. */
  OCR_JOBS_TABLE: 'OCR_JOBS_TABLE',
  OCR_COMPLETION_TOPIC_ARN: 'OCR_COMPLETION_TOPIC_ARN',
  /** Role that Textract assumes to publish completions. */
  OCR_COMPLETION_ROLE_ARN: 'OCR_COMPLETION_ROLE_ARN',
  /** URL of the queue a task worker consumes; it delays a throttled message there. */
  TASK_QUEUE_URL: 'TASK_QUEUE_URL',
  LOAD_STATE_MACHINE_ARN: 'LOAD_STATE_MACHINE_ARN',
  /** Schema of the warehouse that the datasets' tables live in. */
  WAREHOUSE_SCHEMA: 'WAREHOUSE_SCHEMA',
  /** Name of the table of help desk tickets. */
  TICKETS_TABLE: 'TICKETS_TABLE',
  /** ARN of the topic that people get when the help desk cannot be reached. */
  SECOND_CHANNEL_TOPIC_ARN: 'SECOND_CHANNEL_TOPIC_ARN',
  /** JSON: `Desk[]` of the help desk's contract. */
  DESKS: 'DESKS',
  /** JSON: `Route[]` of the help desk's contract. */
  ROUTES: 'ROUTES',
  /** JSON: `HelpDeskSettings` of the help desk's contract. */
  HELP_DESK: 'HELP_DESK',
  /** URL of the queue for messages that nobody can read. */
  DEAD_LETTERS_URL: 'DEAD_LETTERS_URL',
  /** JSON: `ObjectiveSettings` below. */
  OBJECTIVE: 'OBJECTIVE',
  /** JSON: settings of the reconciliation, in its contract. */
  RECONCILIATION: 'RECONCILIATION',
  /** JSON: settings of the canary, in its contract. */
  CANARY: 'CANARY',
  ARRIVALS_QUEUE_URL: 'ARRIVALS_QUEUE_URL',
  CURATED_QUEUE_URL: 'CURATED_QUEUE_URL',
  CHANGES_QUEUE_URL: 'CHANGES_QUEUE_URL',
  INCIDENTS_QUEUE_URL: 'INCIDENTS_QUEUE_URL',
  /** Spend on OCR in a day after which no document is handed to Textract until the next, USD; 0 for no ceiling. */
  DAILY_OCR_USD: 'DAILY_OCR_USD',
  /** JSON: settings of tabular files, in their contract. */
  TABULAR: 'TABULAR',
  /** JSON: settings of the CRM's source, in the contract of crm-tickets. */
  CRM: 'CRM',
  /** ARN of the secret with the CRM's credentials. */
  CRM_SECRET_ARN: 'CRM_SECRET_ARN',
  /** ARN of the secret that the CRM signs calls of its webhook with. */
  WEBHOOK_SECRET_ARN: 'WEBHOOK_SECRET_ARN',
  CRM_STATE_MACHINE_ARN: 'CRM_STATE_MACHINE_ARN',
  /** Name of the table that holds cursors, and events of the webhook that were taken. */
  SOURCES_TABLE: 'SOURCES_TABLE',
  /** URL of the queue of single ticket events. */
  EVENTS_QUEUE_URL: 'EVENTS_QUEUE_URL',
  /** JSON: settings of customer features, in the contract of crm-tickets. */
  FEATURES: 'FEATURES',
  /** JSON: settings of maintenance, in its contract. */
  MAINTENANCE: 'MAINTENANCE',
} as const;

/** Limits on one document. Defaults are in lib/config.ts. */
export interface Limits {
  readonly maxTextBytes: number;
  readonly maxImageBytes: number;
  readonly maxDocumentBytes: number;
  readonly maxPages: number;
  /** A document whose estimated cost is over this waits for a person (`HELD`), USD. */
  readonly holdAboveUsd: number;
}

/** List prices that the cost estimate of one document uses, USD. */
export interface Prices {
  readonly textractPerPage: number;
  /** Per unit of 100 characters; each request bills at least 3 units. */
  readonly comprehendPerUnit: number;
}

/** A version of an object in the landing bucket, and the id that names everything done with it. */
export interface SourceFile {
  /** `sha256(bucket | key | versionId)` in hex. */
  readonly fileId: string;
  readonly bucket: string;
  /** Decoded, as S3 shows it. */
  readonly key: string;
  readonly versionId: string;
}

export interface ObjectRef {
  readonly bucket: string;
  readonly key: string;
}

/** What an execution says of its file when it ends `SUCCEEDED` in Step Functions. */
export type Outcome = 'SUCCEEDED' | 'REJECTED' | 'HELD';

/** Why a file was refused or held: a stable code for programs and a sentence for people. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** How bad an incident is, in PagerDuty's words: pages somebody, for today, for this week, for the record. */
export type Severity = 'critical' | 'error' | 'warning' | 'info';

/** Incidents that Millrace itself finds: events on the default bus, which the help desk turns into tickets. */
export const INCIDENT_EVENT = { source: 'millrace', detailType: 'Millrace Incident' } as const;

/** Detail of such an event. */
export interface IncidentDetail {
  /** A function of what happened: the same event again changes nothing. At most 200 characters. */
  readonly eventId: string;
  /** What makes two events the same incident, and so the same ticket, for example `reconciliation:lost-event`. */
  readonly key: string;
  /** `RESOLVED` with members ends the incident for these only; it is over when none is left. */
  readonly state: 'OPEN' | 'RESOLVED';
  readonly severity: Severity;
  readonly pipeline: string;
  /** At most 120 characters. */
  readonly title: string;
  /** What happened, in a sentence. Never content of a document, never a secret. */
  readonly summary: string;
  /** Section of docs/operations.md, as its anchor, for example `files-that-wait`. */
  readonly runbook: string;
  /** ISO 8601, UTC. */
  readonly occurredAt: string;
  /** What the incident is about: file ids, load ids, days. None for an incident that is one thing. */
  readonly members?: readonly string[];
  /** The command that mends it. */
  readonly command?: string;
  readonly executionArn?: string;
}

/** What is promised for files, from configuration. */
export interface ObjectiveSettings {
  /** Seconds from landing within which a file is to have succeeded or been refused. */
  readonly seconds: number;
}

/** Why an execution runs a file that waited: a person has decided. Part of the input of a rerun only. */
export interface Decision {
  readonly action: 'release' | 'reject';
  /** Who decided, as AWS knows them. */
  readonly by: string;
  readonly comment?: string;
}

/** Files that only prove that the pipeline works. They are in no metric of a pipeline and in no table of the warehouse. */
export const CANARY = {
  pipeline: 'canary',
  /** Prefix of the landing bucket. */
  prefix: 'canary/',
  /** Files below it have to succeed. */
  succeeding: 'canary/succeed/',
  /** Files below it fail on purpose, under this error. */
  failing: 'canary/fail/',
  error: 'CanaryFailure',
} as const;

export type AuditStatus = 'RECEIVED' | 'PROCESSING_INITIATED' | Outcome | 'FAILED';

/** Prefixes of the lake bucket. Only `restricted/` holds text as it was written. */
export const LAKE = {
  curated: 'curated/',
  quarantine: 'quarantine/',
  restricted: 'restricted/',
  redacted: 'redacted/',
  analysis: 'analysis/',
  manifests: 'manifests/',
  /** Parquet, by dataset and partition. Of what is declared to come in publications, views show what is published. */
  loaded: 'loaded/',
  /** Publications of pipelines that load what they have published themselves. */
  published: 'published/',
  /** Pages of the CRM as they were fetched, and what is between two steps of a run. Personal data: restricted. */
  raw: 'raw/',
  /** What the canary's files became: published like any other, and taken in by nothing. */
  canary: 'canary/',
  /** Reports on the pipelines themselves: reconciliation, exports of the audit table. */
  operations: 'operations/',
} as const;

/**
 * Where the publications of a dataset lie. Those of landed files are among the curated records, whose events start loads;
 * those of other pipelines lie where nothing listens, for these load what they have published themselves.
 */
export function publicationPrefix(
  origin: 'landing' | 'crm' | 'job',
  dataset: string,
): `${typeof LAKE.curated | typeof LAKE.published}${string}` {
  return `${origin === 'landing' ? LAKE.curated : LAKE.published}${dataset}/`;
}

/** Names of the audit table's keys and indexes. */
export const AUDIT = {
  partitionKey: 'pk',
  sortKey: 'sk',
  /** `StatusShard` = `<Status>#<YYYY-MM-DD>#<shard>`, sorted by `Timestamp`; current items only. */
  byStatus: { name: 'by-status', partitionKey: 'StatusShard', sortKey: 'Timestamp' },
  /** `PipelineShard` = `<Pipeline>#<YYYY-MM-DD>#<shard>`, sorted by `Timestamp`; current items only. */
  byPipeline: { name: 'by-pipeline', partitionKey: 'PipelineShard', sortKey: 'Timestamp' },
  byFileName: { name: 'by-file-name', partitionKey: 'FileName', sortKey: 'Timestamp' },
  /** The shard is the first hex digit of the file id. */
  shards: 16,
} as const;

/** Namespace of the metrics that the handlers write. */
export const METRICS_NAMESPACE = 'Millrace';

/** Names of those metrics; counts unless the name says a unit. */
export const METRIC = {
  filesReceived: 'FilesReceived',
  bytesReceived: 'BytesReceived',
  /** Files by pipeline, kind and the verdict of inspect. */
  pages: 'Pages',
  ocrPages: 'OcrPages',
  charactersAnalysed: 'CharactersAnalysed',
  /** Finished executions by pipeline and outcome. */
  outcomes: 'Outcomes',
  /** Milliseconds from start to end of an execution, by pipeline. */
  duration: 'Duration',
  /** Calls that a busy service refused; the message went back to its queue. */
  throttled: 'Throttled',
  /** Files with an outcome, and those of them that succeeded or were refused within the objective; by pipeline. */
  objectiveFiles: 'ObjectiveFiles',
  objectiveMet: 'ObjectiveMet',
  /** Estimated cost of files with an outcome, USD, by pipeline. */
  estimatedCostUsd: 'EstimatedCostUsd',
  /** Bytes of files with an outcome, by pipeline; what cost per GB divides by. */
  bytesFinished: 'BytesFinished',
  /** OCR tasks that waited because the day's spend was reached. */
  spendCeilingReached: 'SpendCeilingReached',
  /** Tickets that are open, without dimensions. */
  openTickets: 'OpenTickets',
  /** Calls of desks that failed, by desk. */
  deskFailures: 'DeskFailures',
  /** 1 for a canary run that passed, 0 for one that did not. */
  canaryPassed: 'CanaryPassed',
  /** Files that the reconciliation could not account for: its repair did not help, or there is none. By pipeline. */
  unaccounted: 'Unaccounted',
  /** Rows of files and pages, by pipeline: read = accepted + quarantined. */
  rowsRead: 'RowsRead',
  rowsAccepted: 'RowsAccepted',
  rowsQuarantined: 'RowsQuarantined',
  /** Tickets that were fetched, by source. */
  ticketsFetched: 'TicketsFetched',
  /** Small files that compaction has replaced, files that replaced them, and bytes before and after; by dataset. */
  filesCompacted: 'FilesCompacted',
  filesWritten: 'FilesWritten',
  bytesBeforeCompaction: 'BytesBeforeCompaction',
  bytesAfterCompaction: 'BytesAfterCompaction',
} as const;
