import { type Column, type Dataset, DEFAULT_MAX_BYTES } from '../../datasets/dataset.ts';
import { readerOf } from '../shared/dataset/read-value.ts';
import type { Row, Value } from '../shared/dataset/values.ts';
import { InvalidRecord } from './errors.ts';

type Read = (value: unknown) => Value | undefined;

/** What a record of our own holds for each type; `undefined` is a refusal. Other types are read as files' are. */
const READ: Readonly<Partial<Record<Column['type'], Read>>> = {
  string: (value) => (typeof value === 'string' ? value : undefined),
  integer: (value) =>
    typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? value : undefined,
  bigint: (value) => (typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined),
  double: (value) => (typeof value === 'number' ? value : undefined),
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  timestamp: (value) => {
    const instant = typeof value === 'string' ? new Date(value) : undefined;
    return instant && !Number.isNaN(instant.getTime()) ? instant : undefined;
  },
};

/**
 * Reads one curated record against its dataset.
 * @param where names the record in the error
 * @throws InvalidRecord naming column and expectation, never the value
 */
export function rowOf(dataset: Dataset, record: Readonly<Record<string, unknown>>, where: string): Row {
  return dataset.columns.map((column) => read(column, record[column.name], where));
}

function read(column: Column, value: unknown, where: string): Value {
  if (value === undefined || value === null) {
    if (column.required) throw new InvalidRecord(`${where}: ${column.name} is missing.`);
    return null;
  }
  const known = (READ[column.type] ?? readerOf(column))(value);
  if (known === undefined) throw new InvalidRecord(`${where}: ${column.name} is not of type ${column.type}.`);
  const limit = column.maxBytes ?? DEFAULT_MAX_BYTES;
  if (typeof known === 'string' && Buffer.byteLength(known) > limit) {
    throw new InvalidRecord(`${where}: ${column.name} is longer than ${limit} bytes.`);
  }
  return known;
}
