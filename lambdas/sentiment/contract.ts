import type { ObjectRef } from '../shared/contract.ts';

export type Sentiment = 'POSITIVE' | 'NEGATIVE' | 'NEUTRAL' | 'MIXED';

/** Each 0 to 1. */
export interface Scores {
  readonly positive: number;
  readonly negative: number;
  readonly neutral: number;
  readonly mixed: number;
}

/** What the sentiment pipeline answers: the output of its execution. */
export interface SentimentResult {
  /** Comprehend's code of the dominant language, or UNKNOWN. */
  readonly language: string;
  readonly sentiment: Sentiment | 'UNKNOWN';
  readonly scores: Scores | null;
  /** Code points of the text. */
  readonly characters: number;
  /** Parts that the sentiment was judged by. */
  readonly chunks: number;
  readonly piiEntities: number;
  /** Personal data is found in English and Spanish only; of a text in another language nothing is published. */
  readonly redaction: 'DONE' | 'NOT_SUPPORTED';
  /** The whole analysis. */
  readonly analysis: ObjectRef;
  readonly redacted: ObjectRef | null;
}
