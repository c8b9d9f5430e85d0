import {
  type Column,
  type Dataset,
  DEFAULT_DECIMAL,
  DEFAULT_MAX_BYTES,
  PARTITION_YEARS,
} from '../../../datasets/dataset.ts';
import { FORMATS } from './formats.ts';
import { readerOf } from './read-value.ts';
import type { Row, Value } from './values.ts';

export type ProblemCode =
  | 'MISSING'
  | 'WRONG_TYPE'
  | 'TOO_LONG'
  | 'NOT_ALLOWED'
  | 'OUT_OF_RANGE'
  | 'WRONG_FORMAT'
  | 'CHECK_FAILED';

/** Why a row was refused. */
export interface Problem {
  /** Null for a check between columns. */
  readonly column: string | null;
  readonly code: ProblemCode;
  /** A sentence that never holds the value. */
  readonly message: string;
  /** What kind of value it was, such as `text of 12 characters`. */
  readonly valueClass: string;
  /** The value, cut at 200 characters; absent where the column is personal data. */
  readonly value?: string;
}

export type Checked = { readonly row: Row } | { readonly problems: readonly Problem[] };

export interface RowValidator {
  /** Checks one row; its fields go by the names of the declaration, and others are not looked at. */
  check(fields: Readonly<Record<string, unknown>>): Checked;
}

const MAX_VALUE_CHARACTERS = 200;

/** What is wrong with a value; a constant of its rule, so that refusing costs nothing until it is told. */
interface Fault {
  readonly code: ProblemCode;
  readonly message: string;
}

/** Answers what is wrong with a value of the column's type. */
type Rule = (value: Exclude<Value, null>) => Fault | undefined;

/**
 * The validator of a dataset's rows. Texts are read into the column's type, so that the same declaration serves CSV,
 * JSON and Parquet; an empty text is no value. A row of which anything is wrong is refused with everything that is.
 */
export function rowValidator(dataset: Dataset): RowValidator {
  const readers = dataset.columns.map((column) => columnReader(column, column.name === dataset.partitionBy));
  const checks = rowChecks(dataset);
  return {
    check(fields) {
      const row = new Array<Value>(readers.length);
      let problems: Problem[] | undefined;
      for (let i = 0; i < readers.length; i++) {
        const reader = readers[i];
        if (!reader) continue;
        const raw = fields[reader.column.name];
        const value = reader.read(raw);
        if (isFault(value)) {
          problems ??= [];
          problems.push(problemOf(reader.column, value, raw));
        } else {
          row[i] = value;
        }
      }
      if (problems) return { problems };
      const failed = checks.filter((check) => !check.holds(row)).map((check) => check.problem);
      return failed.length > 0 ? { problems: failed } : { row };
    },
  };
}

function isFault(value: Value | Fault): value is Fault {
  return typeof value === 'object' && value !== null && !(value instanceof Date);
}

interface ColumnReader {
  readonly column: Column;
  read(raw: unknown): Value | Fault;
}

function columnReader(column: Column, isEventTime: boolean): ColumnReader {
  const readValue = readerOf(column);
  const rules = RULES.flatMap((rule) => rule(column) ?? []).concat(isEventTime ? [withinPartitions] : []);
  const missing = column.required || isEventTime ? fault('MISSING', 'is empty') : null;
  const wrongType = fault('WRONG_TYPE', `is not a value of type ${typeName(column)}`);
  const isText = column.type === 'string';
  return {
    column,
    read(raw) {
      const given = typeof raw !== 'string' ? raw : isText ? withoutEndingSpaces(raw) : raw.trim();
      if (given === undefined || given === null || given === '') return missing;
      const value = readValue(given);
      if (value === undefined) return wrongType;
      for (const rule of rules) {
        const found = rule(value);
        if (found) return found;
      }
      return value;
    },
  };
}

/** Redshift compares texts without the spaces at their end: with them, one key there would be two elsewhere. */
function withoutEndingSpaces(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ') end -= 1;
  return end === text.length ? text : text.slice(0, end);
}

function fault(code: ProblemCode, message: string): Fault {
  return { code, message };
}

function typeName({ type, decimal = DEFAULT_DECIMAL }: Column): string {
  return type === 'decimal' ? `decimal(${decimal.precision},${decimal.scale})` : type;
}

/** The rules that a declaration can make; each answers nothing where the column does not ask for it. */
const RULES: readonly ((column: Column) => Rule | undefined)[] = [
  ({ type, maxBytes = DEFAULT_MAX_BYTES }) => {
    const found = fault('TOO_LONG', `is longer than ${maxBytes} bytes`);
    if (type !== 'string') return undefined;
    // No character of UTF-16 takes more than three bytes, so most texts need not be counted.
    return (value) =>
      typeof value === 'string' && value.length * 3 > maxBytes && Buffer.byteLength(value) > maxBytes
        ? found
        : undefined;
  },
  ({ type }) => {
    const found = fault('WRONG_FORMAT', 'holds a character that no store keeps (NUL, or half of a pair)');
    if (type !== 'string') return undefined;
    return (value) =>
      typeof value === 'string' && (!value.isWellFormed() || value.includes('\0')) ? found : undefined;
  },
  ({ allowed }) => {
    if (!allowed) return undefined;
    const known = new Set<Value>(allowed);
    const found = fault('NOT_ALLOWED', `is none of ${allowed.join(', ')}`);
    return (value) => (known.has(value) ? undefined : found);
  },
  (column) => {
    if (!column.range) return undefined;
    const { min, max } = column.range;
    const found = fault('OUT_OF_RANGE', rangeMessage(min, max));
    const low = min === undefined ? Number.NEGATIVE_INFINITY : scaled(column, min);
    const high = max === undefined ? Number.POSITIVE_INFINITY : scaled(column, max);
    return (value) =>
      (typeof value === 'number' || typeof value === 'bigint') && value >= low && value <= high
        ? undefined
        : found;
  },
  ({ format }) => {
    if (!format) return undefined;
    const { is, description } = FORMATS[format];
    const found = fault('WRONG_FORMAT', `is not ${description}`);
    return (value) => (typeof value === 'string' && is(value) ? undefined : found);
  },
  ({ pattern }) => {
    if (pattern === undefined) return undefined;
    const whole = new RegExp(`^(?:${pattern})$`, 'u');
    const found = fault('WRONG_FORMAT', `does not match ${pattern}`);
    return (value) => (typeof value === 'string' && whole.test(value) ? undefined : found);
  },
];

function rangeMessage(min: number | undefined, max: number | undefined): string {
  if (max === undefined) return `is less than ${min}`;
  return min === undefined ? `is more than ${max}` : `is not from ${min} to ${max}`;
}

/** A bound as it compares with the column's values: decimals are unscaled. */
function scaled({ type, decimal = DEFAULT_DECIMAL }: Column, bound: number): number {
  return type === 'decimal' ? bound * 10 ** decimal.scale : bound;
}

const FIRST_INSTANT = Date.UTC(PARTITION_YEARS.first, 0);
const END_INSTANT = Date.UTC(PARTITION_YEARS.last + 1, 0);
const NO_PARTITION = fault(
  'OUT_OF_RANGE',
  `is not in the years ${PARTITION_YEARS.first} to ${PARTITION_YEARS.last}`,
);

/** What lies in no partition that queries look into would be lost without a word. */
function withinPartitions(value: Exclude<Value, null>): Fault | undefined {
  const time = value instanceof Date ? value.getTime() : Number.NaN;
  return time >= FIRST_INSTANT && time < END_INSTANT ? undefined : NO_PARTITION;
}

function problemOf(column: Column, { code, message }: Fault, raw: unknown): Problem {
  return {
    column: column.name,
    code,
    message: `${column.name} ${message}.`,
    valueClass: valueClassOf(raw),
    ...(!column.personal && code !== 'MISSING' && { value: textOf(raw).slice(0, MAX_VALUE_CHARACTERS) }),
  };
}

/** What kind of value something is, without the value. */
export function valueClassOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return 'nothing';
  if (typeof value === 'string') return `text of ${value.length} characters`;
  if (typeof value === 'number' || typeof value === 'bigint') return 'number';
  if (value instanceof Date) return 'time';
  return Array.isArray(value) ? `list of ${value.length}` : typeof value;
}

function textOf(value: unknown): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  return typeof value === 'object'
    ? JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member))
    : String(value);
}

const COMPARISONS: Readonly<
  Record<string, (left: Exclude<Value, null>, right: Exclude<Value, null>) => boolean>
> = {
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '=': (left, right) => left.valueOf() === right.valueOf(),
  '!=': (left, right) => left.valueOf() !== right.valueOf(),
  '>=': (left, right) => left >= right,
  '>': (left, right) => left > right,
};

function rowChecks({ columns, expectations }: Dataset) {
  const at = (name: string) => columns.findIndex((column) => column.name === name);
  return (expectations?.checks ?? []).map(({ name, description, left, is, right }) => {
    const [i, j, compare] = [at(left), at(right), COMPARISONS[is]];
    const problem: Problem = {
      column: null,
      code: 'CHECK_FAILED',
      message: `${name}: ${left} ${is} ${right} does not hold. ${description}`,
      valueClass: 'row',
    };
    const holds = (row: Row) => {
      const [a, b] = [row[i] ?? null, row[j] ?? null];
      return a === null || b === null || compare?.(a, b) === true;
    };
    return { problem, holds };
  });
}
