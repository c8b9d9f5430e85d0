import { type Column, type ColumnType, DEFAULT_DECIMAL } from '../../../datasets/dataset.ts';
import type { Value } from './values.ts';

/** Answers the value, or `undefined` where it is not one of the type. Never gets null, undefined or empty text. */
export type Read = (value: unknown) => Exclude<Value, null> | undefined;

/**
 * How values of each type are read: texts as CSV has them, and what JSON and Parquet hold. What would lose something
 * (digits, a time of day) is no value of the type.
 */
const READERS: Readonly<Record<Exclude<ColumnType, 'decimal'>, Read>> = {
  string: readString,
  integer: readInteger,
  bigint: readBigint,
  double: readDouble,
  boolean: readBoolean,
  date: readDate,
  timestamp: readTimestamp,
};

/** The reader of a column's type. */
export function readerOf({ type, decimal = DEFAULT_DECIMAL }: Column): Read {
  return type === 'decimal' ? decimalReader(decimal) : READERS[type];
}

function readString(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  // Order numbers that JSON writes as numbers.
  return typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : undefined;
}

const INTEGER = /^[+-]?\d{1,19}$/;

function readInteger(value: unknown): number | undefined {
  const number = typeof value === 'string' && INTEGER.test(value) ? Number(value) : value;
  if (typeof number === 'bigint') return readInteger(Number(number));
  // `| 0` is the same number if and only if it has 32 bits; + 0 makes -0 a 0.
  return typeof number === 'number' && (number | 0) === number ? number + 0 : undefined;
}

function readBigint(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : undefined;
  if (typeof value === 'string') return INTEGER.test(value) ? readBigint(BigInt(value)) : undefined;
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

function readDouble(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value;
  if (typeof number === 'bigint') return Number(number);
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

const BOOLEANS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...(['true', 'yes', 't', 'y', '1', 1, 1n, true] as const).map((value) => [value, true] as const),
  ...(['false', 'no', 'f', 'n', '0', 0, 0n, false] as const).map((value) => [value, false] as const),
]);

function readBoolean(value: unknown): boolean | undefined {
  return BOOLEANS.get(typeof value === 'string' ? value.toLowerCase() : value);
}

const DAY_MS = 86_400_000;

/** A day; an instant only where it is midnight UTC, for no time of day may be lost. */
function readDate(value: unknown): Date | undefined {
  const date = readTimestamp(value);
  return date && date.getTime() % DAY_MS === 0 ? date : undefined;
}

/** ISO 8601, and what databases write: a space for the T, a comma before the fraction. */
const ISO_8601 =
  /^[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|z|UTC|[+-]\d\d(?::?\d\d)?))?)?$/;

/** Numbers below it are seconds since 1970 (until the year 5138), others milliseconds (from 1973). */
const SECONDS_BELOW = 1e11;

/** Times that every store and language can tell. */
const FIRST_TIME = Date.UTC(1000, 0);
const END_TIME = Date.UTC(10_000, 0);

/** An instant of the years 1000 to 9999: ISO 8601, in UTC where it names no zone, or a number since 1970. */
function readTimestamp(value: unknown): Date | undefined {
  const date = typeof value === 'string' ? readIso(value) : readInstant(value);
  const time = date?.getTime() ?? Number.NaN;
  return time >= FIRST_TIME && time < END_TIME ? date : undefined;
}

function readInstant(value: unknown): Date | undefined {
  if (value instanceof Date) return value;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number') return undefined;
  return new Date(Math.abs(number) < SECONDS_BELOW ? number * 1000 : number);
}

/** The expression judges the shape; the parts are then where they always are, which is faster than groups. */
function readIso(text: string): Date | undefined {
  if (!ISO_8601.test(text)) return undefined;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const day = twoDigits(text, 8);
  const midnight = Date.UTC(year, twoDigits(text, 5) - 1, day);
  if (text.length === 10) return realDay(midnight, day);
  const minutes = twoDigits(text, 11) * 60 + twoDigits(text, 14);
  const hasSeconds = text[16] === ':';
  const seconds = hasSeconds ? twoDigits(text, 17) : 0;
  const rest = text.slice(hasSeconds ? 19 : 16);
  const { fraction, offset } = rest === '' || rest === 'Z' ? AT_ONCE : restOf(rest);
  return (
    realDay(midnight, day) && new Date(midnight + (minutes - offset) * 60_000 + seconds * 1000 + fraction)
  );
}

const ZERO = '0'.charCodeAt(0);

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
}

/** `Date.UTC` makes the 31st of February a day of March. */
function realDay(midnight: number, day: number): Date | undefined {
  const date = new Date(midnight);
  return date.getUTCDate() === day ? date : undefined;
}

const AT_ONCE = { fraction: 0, offset: 0 } as const;

/** Milliseconds, and minutes east of Greenwich, of what follows the seconds, for example `.250+01:00`. */
function restOf(rest: string): { readonly fraction: number; readonly offset: number } {
  const digits = /^[.,](\d+)/.exec(rest)?.[1] ?? '';
  const [, sign, hours = 0, minutes = 0] = /([+-])(\d\d):?(\d\d)?$/.exec(rest) ?? [];
  return {
    fraction: Number(digits.slice(0, 3).padEnd(3, '0')),
    offset: (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)),
  };
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?$/;

function decimalReader({ precision, scale }: { readonly precision: number; readonly scale: number }): Read {
  const limit = 10n ** BigInt(precision);
  const within = (unscaled: bigint) => (unscaled < limit && unscaled > -limit ? unscaled : undefined);
  const ofText = (text: string) => {
    const match = DECIMAL.exec(text);
    if (!match) return undefined;
    const [, sign, whole = '', rest = ''] = match;
    if (whole === '' && rest === '') return undefined;
    const kept = rest.slice(0, scale);
    if (/[1-9]/.test(rest.slice(scale))) return undefined;
    const unscaled = BigInt(`${whole}${kept.padEnd(scale, '0')}`);
    return within(sign === '-' ? -unscaled : unscaled);
  };
  const ofNumber = (number: number) => {
    const unscaled = Math.round(number * 10 ** scale);
    // A double is the nearest to a decimal, or next to it where it was computed (1999 * 0.01).
    const near = Math.abs(unscaled / 10 ** scale - number) <= 2 * Number.EPSILON * Math.abs(number);
    return near && Number.isSafeInteger(unscaled) ? within(BigInt(unscaled)) : undefined;
  };
  return (value) => {
    if (typeof value === 'string') return ofText(value);
    if (typeof value === 'number') return ofNumber(value);
    return typeof value === 'bigint' ? within(value * 10n ** BigInt(scale)) : undefined;
  };
}
