import type { Dataset } from '../../datasets/dataset.ts';

/** Parquet files of the same columns, in the same order. */
export interface FileSet {
  readonly columns: readonly string[];
  /** Address of their manifest, as COPY takes it. */
  readonly manifestUri: string;
}

/** Load these Parquet files into that table by its key. */
export interface TableLoad {
  readonly dataset: Dataset;
  readonly loadId: string;
  readonly sets: readonly FileSet[];
  /** Rows that the load brings. */
  readonly rows: number;
  /** Whether the files hold rows of others, too, which are no part of the load. */
  readonly isMixed: boolean;
  /** Address of a Parquet file with one row for each file, page or record: see `FILE_COLUMNS`. */
  readonly filesUri: string;
}

/** What a warehouse is told to do for a load, and how its answer reads. */
export interface LoadPlan {
  /** Statements of one transaction. */
  readonly sqls: readonly string[];
  /** Statement, from 1, that fails when the tables are not made for the load yet. */
  readonly versionCheck: number;
  /** Statements, from 1, that check something → what is wrong when they fail. */
  readonly refusals: Readonly<Record<string, string>>;
  /** Statements whose last two say which columns and which versions there are. */
  readonly catalogue: readonly string[];
}

/** Columns of tables, as `table.column`, and versions of what was made, by its name. */
export interface Found {
  readonly columns: ReadonlySet<string>;
  readonly versions: ReadonlyMap<string, string>;
}

/**
 * A warehouse. It promises of a load: all of it in one transaction, or nothing; a row of each key, in the newest version
 * that any load has brought; of files that land, exactly the rows of their latest version; the same load again, and loads
 * in another order, end the same.
 */
export interface Loader {
  plan(load: TableLoad): LoadPlan;
  /** Batches of statements, each one transaction, that make tables, aggregates and views as they are declared. */
  migrations(found: Found): readonly (readonly string[])[];
}
