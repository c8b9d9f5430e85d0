import type { ObjectRef, Outcome, Reason, SourceFile } from '../shared/contract.ts';

/** What a document is, judged by its bytes. */
export type Kind = 'text' | 'image' | 'pdf' | 'tiff' | 'other';

/** Codes of refusals and of `HELD`. Stable: people and programs filter by them. */
export type ReasonCode =
  | 'EMPTY_FILE'
  | 'UNSUPPORTED_TYPE'
  | 'CORRUPT_FILE'
  | 'ENCRYPTED'
  | 'NO_PAGES'
  | 'TOO_LARGE'
  | 'TOO_MANY_PAGES'
  | 'IMAGE_TOO_LARGE'
  | 'DELETED'
  | 'COST_OVER_LIMIT'
  | 'REJECTED_BY_OPERATOR';

/** What inspect found out about a document, and what is to become of it. */
export interface Inspection {
  readonly fileId: string;
  readonly source: SourceFile;
  readonly verdict: 'ACCEPTED' | 'REJECTED' | 'HELD';
  /** Set unless accepted. */
  readonly reason?: Reason;
  readonly kind: Kind;
  /** Media type judged by content. */
  readonly contentType: string;
  readonly bytes: number;
  /** Hex; empty where the object was refused before it was read whole. */
  readonly sha256: string;
  /** 1 for text and images; 0 where it was refused before its pages were counted. */
  readonly pages: number;
  readonly estimatedCostUsd: number;
  /** When S3 stored the object; ISO 8601, UTC. */
  readonly receivedAt: string;
  /** The decoded text of a text file, in the restricted part of the lake. */
  readonly text?: ObjectRef;
}

/** What quarantine answers: the output of the execution. */
export interface Quarantined {
  readonly outcome: Extract<Outcome, 'REJECTED'>;
  readonly reason: Reason;
  readonly kind: Kind;
  readonly pages: number;
  readonly bytes: number;
  /** What reading and analysing it was estimated to cost, USD; 0 where it was refused before. */
  readonly estimatedCostUsd: number;
  /** The copy of the object; absent when the object is gone. */
  readonly quarantine?: ObjectRef;
}

/** What publish answers: the output of the execution. */
export interface Published {
  readonly outcome: Extract<Outcome, 'SUCCEEDED'>;
  readonly kind: Kind;
  readonly contentType: string;
  readonly bytes: number;
  readonly pages: number;
  readonly language: string;
  readonly sentiment: string;
  /** Score of that sentiment, 0 to 1. */
  readonly sentimentScore: number | null;
  /** 0 to 100; null for text and for a blank page. */
  readonly meanConfidence: number | null;
  /** `s3://…` of the plain extracted text (restricted). */
  readonly textUri: string;
  /** The curated record. */
  readonly record: ObjectRef;
  readonly estimatedCostUsd: number;
}
