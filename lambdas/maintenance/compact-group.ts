import { createHash } from 'node:crypto';
import { type Column, type Dataset, parquetColumns } from '../../datasets/dataset.ts';
import { parquetOf } from '../shared/dataset/parquet.ts';
import type { Row, Value } from '../shared/dataset/values.ts';
import { inLanes } from '../shared/lanes.ts';
import { RowsChecksum } from './checksum.ts';
import { readCompaction } from './compactions.ts';
import { compactedKey } from './contract.ts';
import { NotCompacted } from './errors.ts';
import type { LakeFiles } from './lake.ts';
import { rowsOf } from './parquet-file.ts';
import { datasetNamed } from './partitions.ts';
import { isShown } from './swap-group.ts';
import { type Group, type PartitionInput, readGroup } from './work.ts';

/** A file that holds what those of a group hold, and has been read back. */
export interface CompactedGroup {
  /** Null when every row of the group was superseded. */
  readonly file: { readonly key: string; readonly bytes: number; readonly rows: number } | null;
  /** Rows left out, because a later version of their file has rows in the group. */
  readonly superseded: number;
  /** Another run has replaced files of the group meanwhile: there is nothing to do. */
  readonly isOvertaken: boolean;
}

const OVERTAKEN: CompactedGroup = { file: null, superseded: 0, isOvertaken: true };
const PARQUET_TYPE = 'application/vnd.apache.parquet';
/** Files that are read at once. */
const READS = 8;

/**
 * Writes the rows of a group's files into one, by key, and compares count and checksum of what it wrote with what it read.
 * No reader sees the file before it is swapped in; it is named by its bytes, so that writing it again changes nothing.
 * @throws NotCompacted when anything is not as it has to be; the group's files stay as they are
 */
export async function compactGroup(
  input: PartitionInput & { readonly group: number },
  lake: LakeFiles,
): Promise<CompactedGroup> {
  const dataset = datasetNamed(input.dataset);
  const columns = parquetColumns(dataset);
  const group = await readGroup(lake, input, input.group);
  const { compaction } = await readCompaction(lake, input.dataset, input.partition);
  if (!group.every(({ key }) => isShown(key, compaction))) return OVERTAKEN;

  const { bytes, checksum, superseded } = await merge(dataset, columns, group, lake);
  if (checksum.rows === 0) return { file: null, superseded, isOvertaken: false };
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = compactedKey(input.dataset, input.partition, sha256);
  await lake.write(key, bytes, PARQUET_TYPE);

  const written = new RowsChecksum();
  for (const row of await rowsOf(key, await lake.bytes(key), columns)) written.add(row);
  if (`${written}` !== `${checksum}`) {
    throw new NotCompacted(
      `${key} was written with ${checksum.rows} rows and read back with ${written.rows}, or with other values: the files that it should replace stay.`,
    );
  }
  return { file: { key, bytes: bytes.byteLength, rows: written.rows }, superseded, isOvertaken: false };
}

/** The rows of a group's files as one file. They are out of memory when it is read back. */
async function merge(dataset: Dataset, columns: readonly Column[], group: Group, lake: LakeFiles) {
  const files = await inLanes(READS, group, async ({ key, rows: expected }) => {
    const rows = await rowsOf(key, await lake.bytes(key), columns);
    if (rows.length === expected) return rows;
    throw new NotCompacted(`${key} holds ${rows.length} rows; its footer said ${expected}.`);
  });
  const all = files.flat();
  const rows = dataset.origin === 'landing' ? withoutSuperseded(columns, all) : all;
  rows.sort(byKey(dataset, columns));
  const checksum = new RowsChecksum();
  for (const row of rows) checksum.add(row);
  return { bytes: parquetOf(columns, rows), checksum, superseded: all.length - rows.length };
}

/** Leaves out the rows of a file of which a later version is there, too: both are published, so no reader sees them. */
function withoutSuperseded(columns: readonly Column[], rows: readonly Row[]): Row[] {
  const source = columns.findIndex(({ name }) => name === 'source_file');
  const landed = columns.findIndex(({ name }) => name === 'landed_at');
  const newest = new Map<Value, number>();
  for (const row of rows) {
    newest.set(row[source] ?? null, Math.max(millis(row[landed]), newest.get(row[source] ?? null) ?? 0));
  }
  return rows.filter((row) => millis(row[landed]) === newest.get(row[source] ?? null));
}

const millis = (value: Value | undefined): number => (value instanceof Date ? value.getTime() : 0);

/** The order of the dataset's key: what belongs together lies together, and readers can pass over what they do not want. */
function byKey(dataset: Dataset, columns: readonly Column[]): (a: Row, b: Row) => number {
  const key = dataset.key.map((name) => columns.findIndex((column) => column.name === name));
  return (a, b) => {
    for (const i of key) {
      const order = compare(a[i] ?? null, b[i] ?? null);
      if (order !== 0) return order;
    }
    return 0;
  };
}

function compare(a: Value, b: Value): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return a < b ? -1 : a > b ? 1 : 0;
}
