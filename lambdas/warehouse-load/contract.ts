import type { ObjectRef } from '../shared/contract.ts';

/*
 * How another pipeline loads what it has published:
 *
 * 1. A function makes `manifestOf(dataset, entries)` of its publications, an entry each by `publishedEntry(key, body)`, at
 *    most MAX_LOAD_ENTRIES, and answers `await writeManifest(objects, lakeBucket, manifest)` (lambdas/shared/load-manifest.ts;
 *    `lake.grantWrite(fn, LAKE.manifests)`). One manifest holds publications of one dataset.
 * 2. Its state machine starts warehouse-load with that answer as the input and waits (`startExecution.sync:2`). The name
 *    has to begin with the load id, and to be another one for another attempt:
 *    `{% $load.loadId & '-' & $substring($hash($states.context.Execution.Id & '#' & $string($states.context.Execution.RedriveCount), 'SHA-256'), 0, 11) %}`
 * 3. It ends with `LoadOutput`. Loading the same again, in any order, changes nothing.
 */

/** One curated object of a load: a record, or a publication. */
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

/** Input of an execution of warehouse-load; its name begins with the load id. */
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
  /** Number of Parquet files. */
  readonly parts: number;
  /** Statements of one transaction. The last one's rows are what `mark` reads. */
  readonly sqls: readonly string[];
  /** Statement of `sqls`, from 1, that fails when the tables are not made for it yet. */
  readonly versionCheck: number;
  /** Statements of `sqls`, from 1, that check something → what is wrong when they fail. */
  readonly refusals: Readonly<Record<string, string>>;
  /** Statements whose last two tell `migrate` which columns and versions there are. */
  readonly catalogue: readonly string[];
}

/** `LOADED`: rows are in the warehouse. `PUBLISHED`: no warehouse is configured, Parquet and catalogue hold them. */
export type LoadStatus = 'LOADED' | 'PUBLISHED';

/** Rows of a dataset whose value is no key of the dataset that they refer to. */
export interface MissingReferences {
  readonly dataset: string;
  readonly column: string;
  readonly references: string;
  readonly rows: number;
}

/** Output of an execution. */
export interface LoadOutput {
  readonly outcome: 'SUCCEEDED';
  readonly dataset: string;
  /** Rows that the files held. */
  readonly rows: number;
  readonly files: number;
  readonly loadStatus: LoadStatus;
  /** Rows of the warehouse that are now as this load brought them; rows less than that were superseded by newer ones. */
  readonly rowsLoaded?: number;
  /** Of these, how many the warehouse did not have before. */
  readonly rowsNew?: number;
  /** Rows of earlier versions of the same files, which made room. */
  readonly rowsRemoved?: number;
  readonly missingReferences?: readonly MissingReferences[];
}

/** The most objects that one load takes in: what one function reads and holds without trouble. */
export const MAX_LOAD_ENTRIES = 1_000;

/** Column that a load adds to every row of a dataset. */
export const LOAD_ID_COLUMN = 'load_id';

/** Tables of the warehouse beside those of the datasets, in the same schema. */
export const WAREHOUSE_TABLES = {
  /** Empty. Whoever writes tables of datasets begins with `LOCK TABLE` on it; readers never wait for it. */
  lock: 'load_lock',
  /** One row for each load: what it brought. */
  loads: 'loads',
  /** One row for each file, page or record that was ever loaded: the ledger. */
  files: 'loaded_files',
  /** Rows that refer to nothing, by dataset and column. */
  missing: 'missing_references',
  /** Versions of tables, aggregates and views that were made. */
  versions: 'schema_versions',
} as const;

/** Tables that sum up the days of a dataset, by its name; their first column is `day`. */
export const DAILY_TABLES = { sales: 'sales_daily', tickets: 'tickets_daily' } as const;
