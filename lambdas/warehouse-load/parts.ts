import type { Dataset } from '../../datasets/dataset.ts';
import type { ManifestEntry } from './contract.ts';

/** Objects read or written at once: enough to hide latency, few enough to keep memory small. */
export const LANES = 20;

/** A Parquet file that a load brings in. */
export interface Part {
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  /** Its columns, in its order. */
  readonly columns: readonly string[];
}

/** A file, page or record whose rows a load brings in. */
export interface Source {
  readonly fileId: string;
  readonly fileName: string;
  readonly landedAt: Date;
  readonly rows: number;
}

export interface Gathered {
  readonly parts: readonly Part[];
  readonly sources: readonly Source[];
  /** Whether the Parquet files hold rows of other files, too. */
  readonly isMixed: boolean;
}

/** The lake, as far as a load reads and writes it. */
export interface LoadLake {
  /** An object, its end only where a number of bytes is given; its whole size in bytes, and when it was written. */
  read(
    key: string,
    options?: { readonly versionId?: string | null; readonly last?: number },
  ): Promise<{ readonly body: Uint8Array; readonly size: number; readonly writtenAt: Date }>;
  write(key: string, body: string | Uint8Array, type: string): Promise<void>;
}

/** What the Parquet files of a load are gathered from. */
export interface GatherInput {
  readonly dataset: Dataset;
  readonly loadId: string;
  readonly entries: readonly ManifestEntry[];
  readonly lake: LoadLake;
}

export const PARQUET_TYPE = 'application/vnd.apache.parquet';
