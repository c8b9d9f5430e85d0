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

export type AuditStatus = 'RECEIVED' | 'PROCESSING_INITIATED' | Outcome | 'FAILED';

/** Prefixes of the lake bucket. Only `restricted/` holds text as it was written. */
export const LAKE = {
  curated: 'curated/',
  quarantine: 'quarantine/',
  restricted: 'restricted/',
  redacted: 'redacted/',
  analysis: 'analysis/',
  manifests: 'manifests/',
  loaded: 'loaded/',
} as const;

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
} as const;
