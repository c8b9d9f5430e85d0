import type { RawRow, ReadOptions } from './types.ts';

/** Digits that a double may not hold; only records that have them are looked at more closely. */
const MANY_DIGITS = /\d{16}/;
const INTEGER = /^-?\d+$/;

/** Names kept with the column that they mean; a file may have any number of them. */
const MAX_NAMES = 10_000;

/** Makes a row of the JSON text of an object: its fields by the columns that their names mean. */
export function jsonRow(columnOf: ReadOptions['columnOf']): (text: string, line: number) => RawRow {
  const columns = new Map<string, string | undefined>();
  const columnFor = (name: string, ask: (name: string) => string | undefined) => {
    const known = columns.get(name);
    if (known !== undefined || columns.has(name)) return known;
    const column = ask(name);
    if (columns.size < MAX_NAMES) columns.set(name, column);
    return column;
  };
  return (text, line) => {
    const value = parse(text);
    if (value === undefined) return { line, broken: 'The record is not JSON.' };
    if (!isObject(value)) return { line, broken: 'The record is not an object.' };
    if (!columnOf) return { line, fields: value };
    const fields: Record<string, unknown> = {};
    for (const name of Object.keys(value)) {
      const column = columnFor(name, columnOf);
      if (column === undefined) continue;
      if (Object.hasOwn(fields, column)) {
        return { line, broken: `Two fields of the record mean the column ${column}.` };
      }
      fields[column] = value[name];
    }
    return { line, fields };
  };
}

/** What a JSON text says, integers beyond 2^53 as bigint; undefined when it is none. */
export function parse(text: string): unknown {
  try {
    return MANY_DIGITS.test(text) ? JSON.parse(text, exactInteger) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function exactInteger(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source && !Number.isSafeInteger(value) && INTEGER.test(source)
    ? BigInt(source)
    : value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
