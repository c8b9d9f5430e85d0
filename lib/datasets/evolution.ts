import { z } from 'zod';
import {
  type Column,
  type ColumnType,
  type Dataset,
  DEFAULT_DECIMAL,
  DEFAULT_MAX_BYTES,
} from '../../datasets/dataset.ts';
import { fileOf } from './declarations.ts';

/** What stores keep of a dataset, and so cannot be made otherwise. */
const LockedDataset = z.strictObject({
  origin: z.string(),
  /** Columns of the key. */
  key: z.string(),
  partitionBy: z.string(),
  /** Name → type, in their order. */
  columns: z.record(z.string(), z.string()),
});

/** Datasets as they were last released, by name: datasets/schemas.lock.json. */
export const Lock = z.record(z.string(), LockedDataset);
export type Lock = z.output<typeof Lock>;

/** The lock of the declarations as they are. */
export function lockOf(datasets: readonly Dataset[]): Lock {
  return Object.fromEntries(
    datasets.map(({ name, origin, key, partitionBy, columns }) => [
      name,
      {
        origin,
        key: key.join(', '),
        partitionBy,
        columns: Object.fromEntries(columns.map((column) => [column.name, shapeOf(column)])),
      },
    ]),
  );
}

const REQUIRED = ', required';

function shapeOf({
  type,
  required,
  maxBytes = DEFAULT_MAX_BYTES,
  decimal = DEFAULT_DECIMAL,
}: Column): string {
  const sizes: Partial<Record<ColumnType, string>> = {
    string: `(${maxBytes})`,
    decimal: `(${decimal.precision},${decimal.scale})`,
  };
  return `${type}${sizes[type] ?? ''}${required ? REQUIRED : ''}`;
}

/**
 * Everything in the declarations that tables, or files that were written by what was last released, cannot follow: each
 * with the file, the column, why, and what to do instead. Columns that may be empty can be added behind the others.
 */
export function evolutionProblems(lock: Lock, datasets: readonly Dataset[]): string[] {
  return Object.entries(lock).flatMap(([name, before]) => {
    const now = lockOf(datasets)[name];
    const found = now ? [...changes(before, now)] : [GONE];
    return found.map((problem) => `${fileOf({ name })}: ${problem}`);
  });
}

const GONE =
  'the dataset is gone, and its rows are still in lake and warehouse; declare it again, or take its entry out of datasets/schemas.lock.json';
const NEW_DATASET = 'declare a new dataset for it';

function* changes(
  before: z.output<typeof LockedDataset>,
  now: z.output<typeof LockedDataset>,
): Generator<string> {
  if (before.origin !== now.origin) yield `origin was ${before.origin} and is ${now.origin}; ${NEW_DATASET}`;
  if (before.key !== now.key) {
    yield `the key was ${before.key} and is ${now.key}: rows that are there were told apart by the old one; ${NEW_DATASET}`;
  }
  if (before.partitionBy !== now.partitionBy) {
    yield `partitionBy was ${before.partitionBy} and is ${now.partitionBy}: files that are there lie by the days of the old one; ${NEW_DATASET}`;
  }
  const [old, current] = [Object.keys(before.columns), Object.keys(now.columns)];
  const isOld = (name: string) => old.includes(name);
  const renamed = new Set<string>();
  for (const [i, name] of old.entries()) {
    const [was, is] = [before.columns[name], now.columns[name]];
    if (is === undefined) {
      const other = current[i] ?? '';
      const isRenamed = !isOld(other) && now.columns[other] === was;
      if (isRenamed) renamed.add(other);
      yield `column ${name} is gone${isRenamed ? ` (renamed to ${other}?)` : ''}: files and tables that are there have it; keep it, and add a new column behind the others`;
    } else if (is !== was) {
      yield `column ${name} was ${was} and is ${is}: tables that are there cannot change it; leave it, and add a new column behind the others`;
    }
  }
  const [kept, order] = [old.filter((name) => current.includes(name)), current.filter(isOld)];
  for (const name of kept.filter((each, i) => each !== order[i])) {
    yield `column ${name} has another place: ${BY_PLACE}; leave the order as it was`;
  }
  const lastOld = current.findLastIndex(isOld);
  for (const [i, name] of current.entries()) {
    if (isOld(name) || renamed.has(name)) continue;
    if (i < lastOld) yield `column ${name} is new and not the last: ${BY_PLACE}; put it behind the others`;
    if (now.columns[name]?.endsWith(REQUIRED)) {
      yield `column ${name} is new and required: rows that are there do not have it; let it be empty`;
    }
  }
}

const BY_PLACE = 'the warehouse matches columns by their place';
