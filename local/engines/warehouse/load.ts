import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Copy, CopyFormat } from './copy.ts';
import { type CopyObject, copyObjects, type ObjectReader } from './copy-objects.ts';
import { SqlError } from './errors.ts';
import { literal, quoteName, quoteTable } from './tokens.ts';

interface Column {
  readonly name: string;
  /** DuckDB's type. */
  readonly type: string;
}

/**
 * Loads objects of S3 into a table, columns by position (JSON: by name).
 * @param directory where objects are kept while they are read; the only place the database may read
 * @returns rows loaded
 */
export async function load(
  connection: DuckDBConnection,
  copy: Copy,
  reader: ObjectReader,
  directory: string,
): Promise<number> {
  const wanted = copy.columns?.map(quoteName).join(', ') ?? '*';
  const columns = await describe(connection, `SELECT ${wanted} FROM ${quoteTable(copy.table)}`);
  let rows = 0;
  for await (const object of copyObjects(copy, reader)) {
    const path = join(directory, randomUUID());
    await writeFile(path, object.body);
    try {
      const source = await SOURCES[copy.format]({ connection, copy, object, path, columns });
      const names = columns.map(({ name }) => quoteName(name)).join(', ');
      const result = await connection.run(`INSERT INTO ${quoteTable(copy.table)} (${names}) ${source}`);
      rows += result.rowsChanged;
    } finally {
      await rm(path, { force: true });
    }
  }
  return rows;
}

interface Source {
  readonly connection: DuckDBConnection;
  readonly copy: Copy;
  readonly object: CopyObject;
  readonly path: string;
  /** Columns of the table that the file fills, in its order. */
  readonly columns: readonly Column[];
}

/** By format: the query that reads the file in the order of the table's columns. */
const SOURCES: Readonly<Record<CopyFormat, (source: Source) => Promise<string>>> = {
  async PARQUET({ connection, copy, object, path, columns }) {
    const file = `read_parquet(${literal(path)}, hive_partitioning = false)`;
    const found = await describe(connection, `SELECT * FROM ${file}`).catch((error: unknown) => {
      throw new SqlError(`Spectrum Scan Error DETAIL: ${object.uri} is not a valid Parquet file`, {
        cause: error,
      });
    });
    if (found.length !== columns.length) {
      throw new SqlError(
        `Spectrum Scan Error DETAIL: Unmatched number of columns between table and file. Table columns: ${columns.length}, Data columns: ${found.length}, File name: ${object.uri}`,
      );
    }
    const selected = columns.map((column, index) => {
      const data = found[index] ?? column;
      if (!accepts(column.type, data.type, copy.serializeToJson)) {
        throw new SqlError(
          `Spectrum Scan Error DETAIL: File '${object.uri}' has an incompatible Parquet schema for column '${object.uri}.${data.name}'. Column type: ${column.type}, Parquet schema: ${data.type}`,
        );
      }
      return `CAST(${quoteName(data.name)} AS ${column.type})`;
    });
    return `SELECT ${selected.join(', ')} FROM ${file}`;
  },
  async CSV({ copy, path, columns }) {
    const types = columns.map((_column, index) => `'c${index}': 'VARCHAR'`).join(', ');
    const options = `delim = ${literal(copy.delimiter)}, skip = ${copy.headerLines}, header = false, auto_detect = false, quote = '"', escape = '"', nullstr = ''`;
    const selected = columns.map(({ type }, index) => `CAST(c${index} AS ${type})`).join(', ');
    return `SELECT ${selected} FROM read_csv(${literal(path)}, columns = {${types}}, ${options})`;
  },
  async JSON({ path, columns }) {
    const types = columns.map(({ name, type }) => `${literal(name)}: ${literal(type)}`).join(', ');
    return `SELECT ${columns.map(({ name }) => quoteName(name)).join(', ')} FROM read_json(${literal(path)}, columns = {${types}})`;
  },
};

/** Types of Parquet columns that a type of Redshift takes, as DuckDB names both: Redshift converts nothing. */
const ACCEPTED: Readonly<Record<string, readonly string[]>> = {
  FLOAT: ['FLOAT'],
  TIMESTAMP: ['TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS'],
  'TIMESTAMP WITH TIME ZONE': ['TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMP_MS', 'TIMESTAMP_NS'],
  JSON: ['JSON', 'VARCHAR'],
};

function accepts(column: string, data: string, serializeToJson: boolean): boolean {
  const nested = /^(STRUCT|MAP)\b|\[\]$/.test(data);
  if (nested) return serializeToJson && column === 'JSON';
  return (ACCEPTED[column] ?? [column]).includes(data);
}

async function describe(connection: DuckDBConnection, query: string): Promise<Column[]> {
  const reader = await connection.runAndReadAll(`DESCRIBE ${query}`);
  return reader.getRowsJson().map(([name, type]) => ({ name: String(name), type: String(type) }));
}
