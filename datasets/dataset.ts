/** Logical type of a column; each store's own type follows from it. */
export type ColumnType = 'string' | 'integer' | 'bigint' | 'double' | 'boolean' | 'timestamp';

export interface Column {
  /** Lower-case snake case: the same name in JSON, Parquet, Glue and Redshift. */
  readonly name: string;
  readonly type: ColumnType;
  /** For strings: the longest value in UTF-8 bytes, at most 65,535 (Redshift's VARCHAR). @default 256 */
  readonly maxBytes?: number;
  /** Whether a row without it is refused. @default false */
  readonly required?: boolean;
  readonly description: string;
}

/**
 * A declared table. From this one declaration come the Parquet schema, the Glue catalogue tables, the Redshift table
 * and its MERGE.
 */
export interface Dataset {
  readonly name: string;
  readonly description: string;
  /** Order matters: COPY matches Parquet columns by position. */
  readonly columns: readonly Column[];
  /** Columns that identify a row; loading a row again replaces it. */
  readonly key: readonly string[];
  /** Timestamp column whose UTC date partitions the curated and loaded data as `year=/month=/day=`. */
  readonly partitionBy: string;
}

export const DEFAULT_MAX_BYTES = 256;

const GLUE_TYPES: Record<ColumnType, string> = {
  string: 'string',
  integer: 'int',
  bigint: 'bigint',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'timestamp',
};

/** Columns of a Glue table over Parquet files of the dataset. */
export function glueColumns(dataset: Dataset): { name: string; type: string; comment: string }[] {
  return dataset.columns.map(({ name, type, description }) => ({
    name,
    type: GLUE_TYPES[type],
    comment: description,
  }));
}

/** Columns of a Glue table over JSON files: a timestamp is ISO 8601 text there. */
export function glueJsonColumns(dataset: Dataset): { name: string; type: string; comment: string }[] {
  return glueColumns(dataset).map((column) => ({
    ...column,
    type: column.type === 'timestamp' ? 'string' : column.type,
  }));
}

/** `year=2026/month=11/day=21/` for an instant, in UTC. */
export function partitionOf(instant: Date): string {
  const [year, month, day] = instant.toISOString().slice(0, 10).split('-');
  return `year=${year}/month=${month}/day=${day}/`;
}
