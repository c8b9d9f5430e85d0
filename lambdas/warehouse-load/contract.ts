import type { ObjectRef } from '../shared/contract.ts';

/** One curated object of a load. */
export interface ManifestEntry {
  readonly key: string;
  readonly versionId: string | null;
  readonly eTag: string;
  /** Bytes. */
  readonly size: number;
}

/** What one load takes in; `entries` are sorted by key, each key once. */
export interface Manifest {
  /** sha256 over the dataset and the sorted keys with their ETags, hex: the same objects make the same load. */
  readonly loadId: string;
  readonly dataset: string;
  readonly entries: readonly ManifestEntry[];
}

/** Input of an execution of warehouse-load; its name is the load id. */
export interface LoadInput {
  readonly loadId: string;
  readonly dataset: string;
  readonly manifest: ObjectRef;
}

/** A file that a load's rows came from. */
export interface LoadedFile {
  readonly fileId: string;
  readonly fileName: string;
}

/** What `compact` answers. */
export interface CompactedLoad {
  readonly loadId: string;
  readonly dataset: string;
  readonly rows: number;
  /** JSON array of `LoadedFile`. */
  readonly files: ObjectRef;
  readonly parts: readonly { readonly key: string; readonly rows: number; readonly bytes: number }[];
  /** Statements of one transaction; the last one returns the number of the load's rows in the table. */
  readonly sqls: readonly string[];
}

/** `LOADED`: rows are in the warehouse. `PUBLISHED`: no warehouse is configured, Parquet and catalogue hold them. */
export type LoadStatus = 'LOADED' | 'PUBLISHED';

/** The most objects that one load takes in: what one function reads and holds without trouble. */
export const MAX_LOAD_ENTRIES = 1_000;

/** Column that a load adds to every row of a dataset. */
export const LOAD_ID_COLUMN = 'load_id';
