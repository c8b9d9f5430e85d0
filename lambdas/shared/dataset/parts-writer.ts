import { type Dataset, parquetColumns, partitionOf } from '../../../datasets/dataset.ts';
import { type PublishedPart, partKey } from '../publication.ts';
import { parquetOf } from './parquet.ts';
import type { Row } from './values.ts';

export interface PartsWriterOptions {
  readonly dataset: Dataset;
  readonly fileId: string;
  /** Key of the file, whatever its version. */
  readonly sourceFile: string;
  readonly landedAt: Date;
  /** Writes one part; an error ends the writing. */
  readonly write: (key: string, bytes: Uint8Array) => Promise<void>;
  /** Memory that rows may take before the largest partition becomes a part, bytes as `rowBytes` estimates them. */
  readonly maxBufferedBytes: number;
  /** Of a file that is read in pieces: the piece's number, so that the pieces' parts have names of their own. */
  readonly prefix?: string;
}

/** Rows of one partition that are not in a part yet. */
interface Partition {
  readonly path: string;
  rows: Row[];
  bytes: number;
  /** Parts so far. */
  parts: number;
}

const DAY_MS = 86_400_000;

/**
 * Writes a file's rows as Parquet parts, by the day of their event time. The parts are a function of the rows and their
 * order: writing them again replaces each with the same.
 */
export class PartsWriter {
  readonly #options: PartsWriterOptions;
  readonly #eventTime: number;
  /** By day since 1970. */
  readonly #partitions = new Map<number, Partition>();
  readonly #written: PublishedPart[] = [];
  #buffered = 0;

  constructor(options: PartsWriterOptions) {
    this.#options = options;
    const { columns, partitionBy } = options.dataset;
    this.#eventTime = columns.findIndex(({ name }) => name === partitionBy);
  }

  /** Takes a checked row in. @param line or number of the record in the file, from 1 */
  async add(row: Row, line: number): Promise<void> {
    const partition = this.#partitionOf(row);
    const { sourceFile, fileId, landedAt } = this.#options;
    partition.rows.push([...row, sourceFile, fileId, BigInt(line), landedAt]);
    const bytes = rowBytes(row);
    partition.bytes += bytes;
    this.#buffered += bytes;
    if (this.#buffered > this.#options.maxBufferedBytes) await this.#flush(this.#largest());
  }

  /** Writes what is left, and answers every part. */
  async finish(): Promise<PublishedPart[]> {
    for (const partition of this.#partitions.values()) await this.#flush(partition);
    return this.#written;
  }

  #partitionOf(row: Row): Partition {
    const time = row[this.#eventTime];
    if (!(time instanceof Date)) {
      const { name, partitionBy } = this.#options.dataset;
      throw new TypeError(`A row of ${name} has no ${partitionBy}; rows have to be checked before.`);
    }
    const day = Math.floor(time.getTime() / DAY_MS);
    const known = this.#partitions.get(day);
    if (known) return known;
    const partition = { path: partitionOf(time), rows: [], bytes: 0, parts: 0 };
    this.#partitions.set(day, partition);
    return partition;
  }

  #largest(): Partition {
    let largest: Partition | undefined;
    for (const partition of this.#partitions.values()) {
      if (!largest || partition.bytes > largest.bytes) largest = partition;
    }
    if (!largest) throw new Error('Nothing is buffered.');
    return largest;
  }

  async #flush(partition: Partition): Promise<void> {
    const { path, rows, bytes } = partition;
    if (rows.length === 0) return;
    const { dataset, fileId, prefix, write } = this.#options;
    const id = prefix === undefined ? fileId : `${fileId}-${prefix}`;
    const key = partKey(dataset.name, path, id, partition.parts);
    const body = parquetOf(parquetColumns(dataset), rows);
    partition.rows = [];
    partition.bytes = 0;
    partition.parts++;
    this.#buffered -= bytes;
    await write(key, body);
    this.#written.push({ key, rows: rows.length, bytes: body.byteLength });
  }
}

/** Memory that a row takes with its origin, about: a tenth more than V8 took for rows of sales, 655 bytes each. */
function rowBytes(row: Row): number {
  let bytes = 200;
  for (const value of row) {
    bytes += typeof value === 'string' ? 40 + value.length : value instanceof Date ? 96 : 24;
  }
  return bytes;
}
