import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** Files of one view, and the columns that it shows of them. */
export interface View {
  /** Types as Spark SQL writes them. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Paths of Parquet files. */
  readonly files: readonly string[];
}

export interface SparkQuery {
  /** Spark SQL that DuckDB understands too. */
  readonly sql: string;
  /** The one row of the view `run`; what is named `…_at` is an instant. */
  readonly run: Readonly<Record<string, string>>;
  readonly views: Readonly<Record<string, View>>;
  /** Names of the result's columns in their order. */
  readonly columns: readonly string[];
  /** Directory of the files; the only place that the query may read and write. */
  readonly directory: string;
  /** Parquet file to be written, in the directory. */
  readonly output: string;
  readonly signal?: AbortSignal;
}

/** What the query says cannot be done. */
export class QueryFailed extends Error {
  override readonly name = 'QueryFailed';
}

/** Functions of Spark that DuckDB knows by another name. */
const MACROS = ['unix_millis(instant) AS epoch_ms(instant)'];

/** DuckDB's types by Spark's; decimals are written alike. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  int: 'INTEGER',
  bigint: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};

const INTERRUPT_MS = 5;

/**
 * Runs a query over Parquet files on DuckDB, as glue/crm_features.py runs it on Spark, and writes the result as one
 * Parquet file. Answers its rows.
 * @throws QueryFailed saying why
 */
export async function runSparkSql(query: SparkQuery): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '512MB',
    threads: '2',
    temp_directory: join(query.directory, 'spill'),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  let interrupting: NodeJS.Timeout | undefined;
  const interrupt = () => {
    // DuckDB forgets an interruption that comes just before a query starts, so it is said again until it is heard.
    interrupting = setInterval(() => connection.interrupt(), INTERRUPT_MS);
  };
  query.signal?.addEventListener('abort', interrupt, { once: true });
  try {
    query.signal?.throwIfAborted();
    return await execute(connection, query);
  } catch (error) {
    query.signal?.throwIfAborted();
    throw error instanceof QueryFailed
      ? error
      : new QueryFailed(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    clearInterval(interrupting);
    query.signal?.removeEventListener('abort', interrupt);
    connection.closeSync();
    instance.closeSync();
  }
}

async function execute(connection: DuckDBConnection, query: SparkQuery): Promise<number> {
  for (const statement of [
    "SET TimeZone = 'UTC'",
    ...MACROS.map((macro) => `CREATE MACRO ${macro}`),
    `CREATE VIEW run AS ${runRow(query.run)}`,
    `SET allowed_directories = [${text(query.directory)}]`,
    'SET enable_external_access = false',
    'SET lock_configuration = true',
  ]) {
    await connection.run(statement);
  }
  for (const [name, view] of Object.entries(query.views)) {
    await connection.run(`CREATE VIEW ${quoted(name)} AS ${await selection(connection, view)}`);
  }
  const sql = query.sql.trim().replace(/;$/, '');
  const found = await columnsOf(connection, sql);
  if (found.join() !== query.columns.join())
    throw new QueryFailed(`The query gives ${found.join(', ')}; expected ${query.columns.join(', ')}`);
  const result = await connection.runAndReadAll(
    `COPY (${sql}\n) TO ${text(query.output)} (FORMAT parquet, COMPRESSION snappy)`,
  );
  return Number(result.getRows()[0]?.[0] ?? 0);
}

const runRow = (values: SparkQuery['run']): string =>
  `SELECT ${Object.entries(values)
    .map(([name, value]) =>
      // An instant with its zone first, so that it is understood, and then as UTC without one, as the files' are.
      name.endsWith('_at')
        ? `CAST(CAST(${text(value)} AS TIMESTAMPTZ) AS TIMESTAMP) AS ${quoted(name)}`
        : `${text(value)} AS ${quoted(name)}`,
    )
    .join(', ')}`;

/** The view's columns in its order; a column that no file has is null. */
async function selection(connection: DuckDBConnection, { columns, files }: View): Promise<string> {
  const source = `read_parquet([${files.map(text).join(', ')}], union_by_name = true, hive_partitioning = false)`;
  const known = files.length > 0 ? await columnsOf(connection, `SELECT * FROM ${source}`) : [];
  const selected = columns.map(({ name, type }) => {
    const value = known.includes(name) ? quoted(name) : 'NULL';
    return `CAST(${value} AS ${duckType(type)}) AS ${quoted(name)}`;
  });
  return `SELECT ${selected.join(', ')} ${files.length > 0 ? `FROM ${source}` : 'WHERE false'}`;
}

function duckType(type: string): string {
  const known = TYPES[type.toLowerCase()] ?? (/^decimal\(\d+,\d+\)$/i.test(type) ? type : undefined);
  if (!known) throw new QueryFailed(`The type ${type} is not known locally`);
  return known;
}

async function columnsOf(connection: DuckDBConnection, query: string): Promise<string[]> {
  const reader = await connection.runAndReadAll(`DESCRIBE ${query}`);
  return reader.getRowsJson().map(([name]) => String(name));
}

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
