import type { ObjectRef, Reason } from '../shared/contract.ts';

/** What the ocr pipeline answers: the output of its execution. */
export type OcrResult = OcrSucceeded | OcrRejected;

export interface OcrSucceeded {
  readonly outcome: 'SUCCEEDED';
  /** The text in reading order, restricted. */
  readonly text: ObjectRef;
  /** Textract's answers, one JSON file for each, restricted. */
  readonly blocksPrefix: { readonly bucket: string; readonly prefix: string };
  readonly pages: number;
  /** Mean confidence of the words, 0 to 100; null for a blank document. */
  readonly meanConfidence: number | null;
  readonly api: 'DetectDocumentText' | 'StartDocumentTextDetection';
}

export interface OcrRejected {
  readonly outcome: 'REJECTED';
  readonly reason: Reason;
}

/** Names of the table of asynchronous jobs. */
export const OCR_JOBS = {
  /** The file id. */
  partitionKey: 'pk',
  /** Seconds since the epoch. */
  timeToLive: 'expiresAt',
  /** Textract keeps results for 7 days (GetDocumentTextDetection, API reference). */
  keptSeconds: 7 * 24 * 3600,
} as const;

/** The day's spend on OCR, in the same table. */
export const OCR_SPEND = {
  /** Key of a day's item: `spend#<YYYY-MM-DD>`, UTC. */
  prefix: 'spend#',
  /** Attribute of a day's item: estimated spend, USD. */
  usd: 'usd',
  /** Attribute of a file's item: name of the execution that it was counted for. */
  countedFor: 'countedFor',
  /**
   * Longest between two looks at a document that waits, seconds. Each is a sign of life for its execution, which
   * waits for one for `timeouts.ocrSeconds`, and a delivery of its message, of which 100 are allowed in the 14 days
   * that a queue keeps it.
   */
  longestWaitSeconds: 4 * 3600,
  /** Documents that waited come back over so many seconds of a new day. */
  spreadSeconds: 900,
} as const;
