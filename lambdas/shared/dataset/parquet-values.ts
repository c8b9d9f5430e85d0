import type { ParquetType } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import type { Value } from './values.ts';

/** A value that is there. */
export type Known = Exclude<Value, null>;

/** Bytes of values after which a column goes on in a new page. */
const PAGE_BYTES = 1024 ** 2;

/** Bounds of pages of plain values. At least one page, for a column of no rows has one, too. */
export function* plainPages(values: readonly Value[]): Generator<readonly [from: number, to: number]> {
  let start = 0;
  let bytes = 0;
  for (const [i, value] of values.entries()) {
    const size = typeof value === 'string' ? 4 + Buffer.byteLength(value) : 8;
    if (i > start && bytes + size > PAGE_BYTES) {
      yield [start, i];
      start = i;
      bytes = 0;
    }
    bytes += size;
  }
  yield [start, values.length];
}

/** Indexes into a dictionary have at most two bytes. */
const PAGE_INDEXES = PAGE_BYTES / 2;

/** Bounds of pages of indexes. */
export function* evenPages(count: number): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < count; from += PAGE_INDEXES) yield [from, Math.min(from + PAGE_INDEXES, count)];
}

/** How plain values of each physical type that is used here are laid out, little-endian. */
const PLAIN: Readonly<Partial<Record<ParquetType, (values: readonly Known[]) => Uint8Array>>> = {
  BYTE_ARRAY: plainTexts,
  INT32: plainInt32,
  INT64: plainInt64,
  DOUBLE: plainDoubles,
  BOOLEAN: plainBooleans,
};

/** Values in plain encoding. @throws TypeError where a value is not of the type */
export function plainOf(type: ParquetType, values: readonly Known[]): Uint8Array {
  const plain = PLAIN[type];
  if (!plain) throw new TypeError(`Nothing is written as Parquet's ${type}.`);
  return plain(values);
}

function plainTexts(values: readonly Known[]): Uint8Array {
  let size = 0;
  for (const value of values) size += 4 + Buffer.byteLength(textOf(value));
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const value of values) {
    const length = bytes.write(textOf(value), at + 4);
    at = bytes.writeUInt32LE(length, at) + length;
  }
  return bytes;
}

function textOf(value: Known): string {
  if (typeof value !== 'string') throw new TypeError(`Not a text: ${typeof value}.`);
  return value;
}

const DAY_MS = 86_400_000;

/** Integers, and days since 1970. */
function plainInt32(values: readonly Known[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (const [i, value] of values.entries()) {
    bytes.writeInt32LE(value instanceof Date ? Math.floor(value.getTime() / DAY_MS) : numberOf(value), i * 4);
  }
  return bytes;
}

/** Integers, unscaled decimals, and milliseconds since 1970. */
function plainInt64(values: readonly Known[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(values.length * 8);
  for (const [i, value] of values.entries()) {
    const number = value instanceof Date ? BigInt(value.getTime()) * 1000n : value;
    if (typeof number !== 'bigint') throw new TypeError(`Not a 64-bit integer: ${typeof value}.`);
    bytes.writeBigInt64LE(number, i * 8);
  }
  return bytes;
}

function plainDoubles(values: readonly Known[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(values.length * 8);
  for (const [i, value] of values.entries()) bytes.writeDoubleLE(numberOf(value), i * 8);
  return bytes;
}

function numberOf(value: Known): number {
  if (typeof value !== 'number') throw new TypeError(`Not a number: ${typeof value}.`);
  return value;
}

/** One bit each, the lowest first. */
function plainBooleans(values: readonly Known[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (const [i, value] of values.entries()) {
    if (typeof value !== 'boolean') throw new TypeError(`Not a boolean: ${typeof value}.`);
    if (value) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7));
  }
  return bytes;
}

export interface Dictionary {
  /** Each value once, in the order of its first appearance. */
  readonly entries: readonly Known[];
  /** Indexes of values of the column, as a data page has them: their width in bits, then runs and packed groups. */
  indexesOf(values: readonly Known[]): Uint8Array;
}

/** Most entries of a dictionary, so that an index has at most 16 bits. */
const MAX_ENTRIES = 2 ** 16;
/** Values after which a column that hardly repeats itself is given up. */
const TRIAL = 1_000;

/**
 * The dictionary of a column where one pays: at most half of its values are different. Not for booleans, which have one
 * bit anyway, and doubles, of which 0 and −0 would become one.
 */
export function dictionaryOf(type: ParquetType, values: readonly Value[]): Dictionary | undefined {
  if (type === 'BOOLEAN' || type === 'DOUBLE') return undefined;
  const indexes = new Map<Known, number>();
  const entries: Known[] = [];
  let known = 0;
  for (const value of values) {
    if (value === null) continue;
    known++;
    const identity = identityOf(value);
    if (indexes.has(identity)) continue;
    if (entries.length === MAX_ENTRIES || (known > TRIAL && entries.length * 2 > known)) return undefined;
    indexes.set(identity, entries.length);
    entries.push(value);
  }
  if (entries.length * 2 > known) return undefined;
  const width = Math.max(1, Math.ceil(Math.log2(entries.length)));
  return {
    entries,
    indexesOf(page) {
      const found = new Uint32Array(page.length);
      for (const [i, value] of page.entries()) found[i] = indexes.get(identityOf(value)) ?? 0;
      const writer = new ByteWriter();
      writer.appendUint8(width);
      writeRleBitPackedHybrid(writer, found, width);
      return writer.getBytes();
    },
  };
}

/** What a value is found by: two dates of one moment are the same. */
function identityOf(value: Known): Known {
  return value instanceof Date ? value.getTime() : value;
}
