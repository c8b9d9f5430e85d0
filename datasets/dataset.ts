/** Logical type of a column; each store's own type follows from it. */
export type ColumnType =
  | 'string'
  | 'integer'
  | 'bigint'
  | 'double'
  /** Exact: an unscaled 64-bit integer and a fixed scale. */
  | 'decimal'
  | 'boolean'
  /** A day without a time zone. */
  | 'date'
  /** An instant, UTC, milliseconds. */
  | 'timestamp';

/** How the text of a value has to look. */
export type Format = 'email' | 'uuid' | 'country' | 'currency' | 'uri';

export interface Column {
  /** Lower-case snake case: the same name in files, JSON, Parquet, Glue and Redshift. */
  readonly name: string;
  readonly type: ColumnType;
  readonly description: string;
  /** Whether a row without it is refused. @default false */
  readonly required?: boolean;
  /** For strings: the longest value in UTF-8 bytes, at most 65,535 (Redshift's VARCHAR). @default 256 */
  readonly maxBytes?: number;
  /** For decimals: digits in all, at most 18, and digits behind the point. @default { precision: 18, scale: 2 } */
  readonly decimal?: { readonly precision: number; readonly scale: number };
  /** The only values there may be, of strings. */
  readonly allowed?: readonly string[];
  /** Smallest and largest value of numbers and decimals, both allowed. */
  readonly range?: { readonly min?: number; readonly max?: number };
  readonly format?: Format;
  /** A regular expression that the whole text of a string has to match. */
  readonly pattern?: string;
  /** Personal data: a refused value is told by its class only, and views for everybody leave it out. @default false */
  readonly personal?: boolean;
  /** Other names under which files bring the column, compared without case. */
  readonly aliases?: readonly string[];
}

/** What is done with a file whose columns are not those of the declaration. */
export type OnSchemaChange =
  /** The file goes on: an unknown column is left out, a missing one that is not required is empty. */
  | 'ignore'
  /** Every row of the file goes to quarantine. */
  | 'quarantine'
  /** The file is refused as a whole, and nothing of it remains. */
  | 'halt';

export const SOURCE_FORMATS = ['csv', 'json', 'jsonl', 'parquet'] as const;
export type SourceFormat = (typeof SOURCE_FORMATS)[number];

/** When a file has to be there. */
export interface ExpectedFile {
  /** Time of day, `HH:MM`, in the zone. */
  readonly by: string;
  /** IANA name, for example `Europe/Berlin`. */
  readonly timeZone: string;
  readonly days: 'every day' | 'working days';
}

/** Files that bring the rows of a dataset to the landing bucket, below `<dataset>/`. */
export interface Files {
  readonly formats: readonly SourceFormat[];
  /** Share of rows that may be quarantined before the file is refused, 0 to 1. */
  readonly tolerance: number;
  /** A column that the declaration does not know. */
  readonly onNewColumn: OnSchemaChange;
  /** A declared column that the file does not have. One that is required is always refused. */
  readonly onMissingColumn: OnSchemaChange;
  /** Lateness opens a ticket, and arrival resolves it. */
  readonly expected?: ExpectedFile;
}

/** A condition between columns that every row has to fulfil. */
export interface RowCheck {
  /** Lower-case kebab case; part of the quarantine's reason. */
  readonly name: string;
  readonly description: string;
  /** Column, comparison and column. A row that lacks one of the two passes. */
  readonly left: string;
  readonly is: '<' | '<=' | '=' | '!=' | '>=' | '>';
  readonly right: string;
}

/** What is expected of the data beyond single rows. */
export interface Expectations {
  /** Hours after which the last success is too old. */
  readonly freshHours?: number;
  /** Rows of a day. */
  readonly rowsPerDay?: { readonly min?: number; readonly max?: number };
  readonly checks?: readonly RowCheck[];
  /** Columns whose values have to be keys of another dataset; told, not refused: the other may come later. */
  readonly references?: readonly {
    readonly column: string;
    readonly dataset: string;
    readonly key: string;
  }[];
}

/**
 * Where rows come from: `records` are JSON documents of the documents' pipeline, one for each row; everything else comes
 * as publications of Parquet files (lambdas/shared/publication.ts).
 */
export type Origin = 'records' | 'landing' | 'crm' | 'job';

/**
 * A declared table. From this one declaration come row validation, the Parquet schema, the Glue catalogue tables, the
 * Redshift table and its MERGE, the alarms and docs/datasets.md.
 */
export interface Dataset {
  /** Lower-case snake case. */
  readonly name: string;
  readonly description: string;
  readonly origin: Origin;
  /** Order matters: COPY matches Parquet columns by position. New ones come last. */
  readonly columns: readonly Column[];
  /** Columns that identify a row; loading a row again replaces it. */
  readonly key: readonly string[];
  /** Event time: date or timestamp column whose UTC date partitions the data as `year=/month=/day=`. */
  readonly partitionBy: string;
  /**
   * Column that grows with each version of a row: an older row never replaces a newer one.
   * @default the time at which the row's file landed
   */
  readonly versionBy?: string;
  /** Of origin `landing`. */
  readonly files?: Files;
  readonly expectations?: Expectations;
  /** Days after their event time that rows are kept, in lake and warehouse. @default for ever */
  readonly retentionDays?: number;
}

export const DEFAULT_MAX_BYTES = 256;
/**
 * Years of event times, in UTC. Queries look into the partitions of these years and of no others (and list each that
 * they do not rule out), so that a row outside them is refused.
 */
export const PARTITION_YEARS = { first: 2000, last: 2049 } as const;
export const DEFAULT_DECIMAL = { precision: 18, scale: 2 } as const;

/**
 * Columns behind those of the declaration, in the Parquet files of publications and in the warehouse's tables: where each
 * row came from.
 */
export const ORIGIN_COLUMNS = [
  {
    name: 'source_file',
    type: 'string',
    maxBytes: 1024,
    required: true,
    description: 'Key of the file or page that brought the row',
  },
  { name: 'file_id', type: 'string', maxBytes: 64, required: true, description: 'Id of that version of it' },
  {
    name: 'line',
    type: 'bigint',
    required: true,
    description: 'Line, or number of the record, in it; from 1',
  },
  { name: 'landed_at', type: 'timestamp', required: true, description: 'When it landed, UTC' },
] as const satisfies readonly Column[];

/**
 * The one column behind those of the declaration of origin `records`, which have no file that landed with them: which of
 * two records of the same document is the newer.
 */
export const PUBLISHED_AT = {
  name: 'published_at',
  type: 'timestamp',
  description: 'When the record was written to the lake, UTC',
} as const satisfies Column;

/** Columns of a dataset's Parquet files: those of the declaration, then where and when each row came from. */
export function parquetColumns(dataset: Dataset): readonly Column[] {
  return [...dataset.columns, ...(dataset.origin === 'records' ? [PUBLISHED_AT] : ORIGIN_COLUMNS)];
}

/** A column's name as files may write it, in the spelling of declarations: `Order-ID` is `order_id`. */
export function plainName(name: string): string {
  return name
    .normalize('NFKC')
    .trim()
    .toLowerCase()
    .replace(/[\s.\-_]+/g, '_');
}

/** Glue's and Athena's type of a column. */
export function glueType({ type, decimal = DEFAULT_DECIMAL }: Column): string {
  return type === 'decimal' ? `decimal(${decimal.precision},${decimal.scale})` : GLUE_TYPES[type];
}

const GLUE_TYPES: Readonly<Record<Exclude<ColumnType, 'decimal'>, string>> = {
  string: 'string',
  integer: 'int',
  bigint: 'bigint',
  double: 'double',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp',
};

/** What the catalogue says of a column. */
export function glueComment({ description, personal }: Column): string {
  return personal ? `Personal data. ${description}` : description;
}

/** Columns of a Glue table over Parquet files of the dataset. */
export function glueColumns(dataset: Dataset): { name: string; type: string; comment: string }[] {
  return parquetColumns(dataset).map((column) => ({
    name: column.name,
    type: glueType(column),
    comment: glueComment(column),
  }));
}

/** Columns of a Glue table over JSON records: times are ISO 8601 text there. */
export function glueJsonColumns(dataset: Dataset): { name: string; type: string; comment: string }[] {
  return dataset.columns.map((column) => ({
    name: column.name,
    type: column.type === 'timestamp' || column.type === 'date' ? 'string' : glueType(column),
    comment: glueComment(column),
  }));
}

/** `year=2026/month=11/day=21/` for an instant, in UTC. */
export function partitionOf(instant: Date): string {
  const [year, month, day] = instant.toISOString().slice(0, 10).split('-');
  return `year=${year}/month=${month}/day=${day}/`;
}
