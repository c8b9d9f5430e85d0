import type { SourceFormat } from '../../../datasets/dataset.ts';

/** Bytes of a file's beginning that `detect` looks at. Fewer are taken for the whole file. */
export const HEAD_BYTES = 64 * 1024;

/** Longest record, bytes. A longer one is a broken row: memory stays bounded whatever a file holds. */
export const MAX_RECORD_BYTES = 1024 * 1024;

/** Most rows of a batch. */
export const BATCH_ROWS = 1000;

/**
 * How the bytes of a text become characters. `ascii`: nothing has told yet, so that a row which is not UTF-8 is read as
 * Windows-1252, of which the printable characters of Latin-1 are a part.
 */
export type TextEncoding = 'utf-8' | 'latin-1' | 'ascii';

/** What a file is; small enough to travel through a state machine. */
export interface Detected {
  readonly format: SourceFormat;
  readonly compression: 'none' | 'gzip';
  readonly encoding: TextEncoding;
  /** Of CSV and JSON Lines: `cr` where the head has more carriage returns of their own than line feeds. */
  readonly lineEnd: 'lf' | 'cr';
  /** Of CSV. */
  readonly delimiter?: ',' | ';' | '\t' | '|';
  /**
   * Names of the columns as the file has them. CSV: its header. JSON and JSON Lines: the names in the whole records of the
   * head; others may come later. Parquet: none, `parquetFile` has
   * them.
   */
  readonly header?: readonly string[];
}

/** A record as the file has it: either its values by name, or why it is none. */
export type RawRow = GoodRow | BrokenRow;

export interface GoodRow {
  /** CSV and JSON Lines: line on which the record begins, from 1. JSON and Parquet: its number, from 1. */
  readonly line: number;
  /** CSV: texts. JSON: what JSON has, integers beyond 2^53 as bigint. Parquet: typed, see `parquetFile`. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface BrokenRow {
  readonly line: number;
  /** A sentence for people, without any value. */
  readonly broken: string;
}

export interface ReadOptions {
  /**
   * Line of the first byte. 1, the default, is the beginning of the file, with its byte order mark and header; anything
   * else is a part that begins at a split point.
   */
  readonly firstLine?: number;
  /**
   * The declared column that a name of the file means, or undefined where it is left out. Asked once for each different
   * name. @default every name means itself
   */
  readonly columnOf?: (name: string) => string | undefined;
  /** Most bytes after decompression, so that a gzip bomb ends. @default no limit */
  readonly maxBytes?: number;
}

/** Records of one part of a file: they begin at `start`, and end before `end` (bytes). */
export interface Part {
  readonly start: number;
  readonly end: number;
  /** Line of the first byte, from 1: `firstLine` of `readRows`. */
  readonly firstLine: number;
}

export type UnreadableCode =
  | 'EMPTY_FILE'
  | 'UNSUPPORTED_TYPE'
  | 'UNSUPPORTED_ENCODING'
  | 'CORRUPT_FILE'
  | 'BAD_HEADER'
  | 'TOO_LARGE';

/**
 * The file as a whole cannot be read, and it is the file's fault; the message is a sentence for who sent it. Thrown by
 * `detect`, and by readers in the midst of a file: rows that came before count for nothing then.
 */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  readonly permanent = true;
  readonly code: UnreadableCode;

  constructor(code: UnreadableCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
