import { LAKE, type ObjectRef, type Outcome, type Reason } from '../shared/contract.ts';
import type { PublishedPart } from '../shared/publication.ts';

/** What the pipeline of tabular files is told by its configuration. */
export interface TabularSettings {
  /** Largest file, bytes. */
  readonly maxBytes: number;
  /** Bytes above which a file is cut into chunks that are read at the same time. */
  readonly splitBytes: number;
}

/** Places in the lake, each followed by the name of a dataset. */
export const TABULAR_PREFIX = {
  /** What is between two steps of a run: counts and hashes, no values. */
  work: `${LAKE.operations}tabular/`,
  /** Originals of published files, as they landed. */
  archive: `${LAKE.raw}files/`,
} as const;

/** Codes of refusals. Stable: people and programs filter by them. */
export type ReasonCode =
  | 'EMPTY_FILE'
  | 'NO_ROWS'
  | 'UNSUPPORTED_TYPE'
  | 'UNSUPPORTED_ENCODING'
  | 'BAD_HEADER'
  | 'CORRUPT_FILE'
  | 'TOO_LARGE'
  | 'DELETED'
  | 'BAD_NAME'
  | 'MISSING_COLUMNS'
  | 'SCHEMA_CHANGED'
  | 'OVER_TOLERANCE';

/** Columns of a file that are not those of its declaration. */
export interface SchemaChange {
  /** Names in the file that the declaration does not know. */
  readonly added: readonly string[];
  /** Declared columns that the file does not have. */
  readonly missing: readonly string[];
}

/**
 * A part of a file that is read by itself: whole records from `start` until before `end`, in bytes; of Parquet, in row
 * groups.
 */
export interface Chunk {
  /** From 0, in the order of the file. */
  readonly n: number;
  readonly start: number;
  readonly end: number;
  /** Line of its first byte, from 1. */
  readonly firstLine: number;
}

/** Why a row is in quarantine: one line of the quarantine's file for each thing that is wrong with it. */
export interface QuarantineLine {
  readonly line: number;
  readonly column: string | null;
  readonly code: string;
  readonly valueClass: string;
  readonly value?: string;
  readonly message: string;
}

/** Rows: read = rows + quarantined, at every step. */
export interface RowCounts {
  readonly rowsRead: number;
  /** Rows that were accepted. */
  readonly rows: number;
  readonly quarantined: number;
}

/** What reading a chunk came to; kept in the lake, so that no number of parts is too many for the state machine. */
export interface ChunkResult extends RowCounts {
  readonly chunk: Chunk;
  readonly parts: readonly PublishedPart[];
  /** Refused rows by code; a row counts by the first thing that is wrong with it. */
  readonly codes: Readonly<Record<string, number>>;
  /** Names of columns that the declaration does not know, as far as rows brought them. */
  readonly unknown: readonly string[];
  /** Bytes of each sorted run of key hashes; a single one of a whole file is not kept. */
  readonly runBytes: readonly number[];
  /** What is wrong with the file as a whole, found while it was read. */
  readonly refusal?: Reason;
}

/** What a file came to when it was published: the output of the execution. */
export interface Published extends RowCounts {
  readonly outcome: Extract<Outcome, 'SUCCEEDED'>;
  readonly bytes: number;
  readonly format: string;
  /** The publication. */
  readonly record: ObjectRef;
  readonly parts: number;
  readonly partBytes: number;
  /** Where the refused rows are, if there are any: an object, or a folder of a file that was read in chunks. */
  readonly quarantine?: ObjectRef;
  readonly codes: Readonly<Record<string, number>>;
  readonly schemaChange?: SchemaChange;
  /** The copy of the original; absent when it was deleted before. */
  readonly archive?: ObjectRef;
}

/** What a refused file came to: all of its rows are in quarantine, in the copy of the file. */
export interface Refused extends RowCounts {
  readonly outcome: Extract<Outcome, 'REJECTED'>;
  readonly reason: Reason;
  readonly bytes: number;
  /** Rows with something wrong, as far as they were read. */
  readonly badRows: number;
  readonly codes: Readonly<Record<string, number>>;
  /** The copy of the object; absent when the object is gone. */
  readonly quarantine?: ObjectRef;
  readonly schemaChange?: SchemaChange;
}
