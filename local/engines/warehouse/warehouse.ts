import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { ObjectReader } from './copy-objects.ts';
import { MACROS } from './dialect.ts';
import { redshiftError, SqlError } from './errors.ts';
import { newSession, type Session, TableLocks } from './locks.ts';
import type { ResultSet } from './results.ts';
import { execute } from './statements.ts';
import { literal, quoteName, quoteTable, splitStatements, type TableName, tokenize } from './tokens.ts';

/** What one statement did. */
export interface StatementOutcome {
  /** The rows of a query; undefined for other statements. */
  readonly result?: ResultSet;
  /** Rows returned or changed; -1 where neither applies. */
  readonly rows: number;
}

export interface TransactionOptions {
  /** Reads S3 for COPY with the role it names; `default` is the namespace's. */
  readonly objects?: (role: string) => ObjectReader;
  readonly signal?: AbortSignal;
  /** Told before and after each statement, by index. */
  readonly onStart?: (index: number) => void;
  readonly onFinish?: (index: number, outcome: StatementOutcome) => void;
  /**
   * Asked at the end for a text that is kept with what the transaction wrote, all or nothing; see
   * {@link Warehouse.receipts}.
   */
  readonly receipt?: () => string;
}

const INTERRUPT_MS = 5;

/** Where receipts lie, out of the way of the user's schemas. */
const RECEIPTS = 'millrace_internal.receipts';

/**
 * A database that takes Redshift's SQL, on DuckDB. Each transaction has its own session: its temporary tables end with it.
 * What a transaction wrote is on disk when it returns, and nothing of it is when it throws.
 */
export class Warehouse {
  readonly #instance: DuckDBInstance;
  readonly #staging: string;
  readonly #locks = new TableLocks();

  private constructor(instance: DuckDBInstance, staging: string) {
    this.#instance = instance;
    this.#staging = staging;
  }

  /**
   * Opens the database file, or makes it.
   * @param memoryLimit of DuckDB's buffers, above which it spills to disk
   */
  static async open(file: string, { memoryLimit = '256MB', threads = 2 } = {}): Promise<Warehouse> {
    const staging = join(dirname(file), 'staging');
    mkdirSync(staging, { recursive: true });
    const instance = await DuckDBInstance.create(file, {
      memory_limit: memoryLimit,
      threads: String(threads),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    for (const sql of [
      "SET GLOBAL TimeZone = 'UTC'",
      'CREATE SCHEMA IF NOT EXISTS public',
      'CREATE SCHEMA IF NOT EXISTS millrace_internal',
      `CREATE TABLE IF NOT EXISTS ${RECEIPTS} (receipt VARCHAR)`,
      ...MACROS.map((macro) => `CREATE OR REPLACE MACRO main.${macro}`),
      // SQL may come from anybody who reaches the endpoint: it reads what COPY fetched and nothing else.
      `SET allowed_directories = [${literal(staging)}]`,
      'SET enable_external_access = false',
      'SET lock_configuration = true',
    ]) {
      await connection.run(sql);
    }
    connection.closeSync();
    return new Warehouse(instance, staging);
  }

  /**
   * Runs statements as one transaction. TRUNCATE commits what came before it, as in Redshift.
   * @throws SqlError as Redshift words it
   */
  async transaction(sqls: readonly string[], options: TransactionOptions = {}): Promise<StatementOutcome[]> {
    const connection = await this.#instance.connect();
    const transaction = new Transaction(connection, this.#locks, this.#staging, options);
    let interrupting: NodeJS.Timeout | undefined;
    const interrupt = () => {
      // DuckDB forgets an interruption that comes just before a query starts, so it is said again until it is heard.
      interrupting = setInterval(() => connection.interrupt(), INTERRUPT_MS);
    };
    options.signal?.addEventListener('abort', interrupt, { once: true });
    try {
      await connection.run('USE public');
      const outcomes: StatementOutcome[] = [];
      for (const [index, sql] of sqls.entries()) {
        options.onStart?.(index);
        let outcome: StatementOutcome = { rows: -1 };
        for (const statement of splitStatements(tokenize(sql))) {
          if (options.signal?.aborted) throw new SqlError("Query cancelled on user's request");
          outcome = await execute(statement, transaction);
        }
        outcomes.push(outcome);
        options.onFinish?.(index, outcome);
      }
      await transaction.finish();
      return outcomes;
    } catch (error) {
      await transaction.rollback();
      if (options.signal?.aborted) throw new SqlError("Query cancelled on user's request", { cause: error });
      throw redshiftError(error);
    } finally {
      clearInterval(interrupting);
      options.signal?.removeEventListener('abort', interrupt);
      connection.closeSync();
    }
  }

  /** Receipts of the transactions that were committed since the last {@link forgetReceipts}. */
  async receipts(): Promise<string[]> {
    const [outcome] = await this.transaction([`SELECT receipt FROM ${RECEIPTS}`]);
    return (outcome?.result?.rows ?? []).flatMap(([field]) =>
      field && 'stringValue' in field ? field.stringValue : [],
    );
  }

  async forgetReceipts(): Promise<void> {
    await this.transaction([`DELETE FROM ${RECEIPTS}`]);
  }

  close(): void {
    this.#instance.closeSync();
  }
}

/** One transaction in progress: what statements are executed against. */
export class Transaction {
  readonly connection: DuckDBConnection;
  readonly staging: string;
  readonly options: TransactionOptions;
  readonly #locks: TableLocks;
  readonly #session: Session = newSession();
  readonly #temporary = new Set<string>();
  readonly #written = new Set<string>();
  #begun = false;
  #searched: string | undefined;

  constructor(connection: DuckDBConnection, locks: TableLocks, staging: string, options: TransactionOptions) {
    this.connection = connection;
    this.#locks = locks;
    this.staging = staging;
    this.options = options;
  }

  /** Begins where that has not happened: as late as possible, so that LOCK at the start comes before the snapshot. */
  async begin(): Promise<void> {
    if (this.#begun) return;
    this.#locks.see(this.#session);
    await this.connection.run('BEGIN TRANSACTION');
    this.#begun = true;
    // DuckDB takes its snapshot of a database with the first look at it.
    await this.connection.run(`SELECT 1 FROM ${RECEIPTS} LIMIT 0`);
  }

  async lock(table: TableName): Promise<void> {
    await this.#locks.lock(this.#session, nameOf(table), this.options.signal);
  }

  /** Takes the table for writing, and begins. Temporary tables belong to the session and need no lock. */
  async write(table: TableName): Promise<void> {
    if (!this.isTemporary(table)) {
      if (this.#searched !== undefined && table.schema === undefined)
        throw new SqlError(
          `write ${this.#searched}.${table.table}: the local warehouse searches for queries only`,
        );
      await this.#locks.write(this.#session, nameOf(table), this.options.signal);
      this.#written.add(nameOf(table));
    }
    await this.begin();
  }

  /** Makes names without a schema those of this one, for queries: what writes has to name it. */
  async searchIn(schema: string): Promise<void> {
    await this.begin();
    await this.connection.run(`USE ${quoteName(schema)}`);
    this.#searched = schema;
  }

  isTemporary({ schema, table }: TableName): boolean {
    return schema === undefined && this.#temporary.has(table);
  }

  markTemporary({ table }: TableName): void {
    this.#temporary.add(table);
  }

  /** Notes a change that is no table's, so that the receipt is kept. */
  markChanged(what: string): void {
    this.#written.add(what);
  }

  async exists(table: TableName): Promise<boolean> {
    await this.begin();
    const { schema = 'public' } = table;
    const reader = await this.connection.runAndReadAll(
      `SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = ${literal(table.table)}` +
        ` AND (temporary OR lower(schema_name) = ${literal(schema)})`,
    );
    return reader.currentRowCount > 0;
  }

  /** Columns and checks of a table, as CREATE TABLE takes them. */
  async definitionOf(source: TableName, withDefaults: boolean): Promise<string[]> {
    await this.begin();
    const where = `lower(table_name) = ${literal(source.table)} AND lower(schema_name) = ${literal(this.isTemporary(source) ? 'main' : (source.schema ?? 'public'))}`;
    const columns = await this.connection.runAndReadAll(
      `SELECT column_name, data_type, is_nullable, column_default FROM duckdb_columns() WHERE ${where} ORDER BY column_index`,
    );
    if (columns.currentRowCount === 0)
      throw new SqlError(`relation "${quoteTable(source).replaceAll('"', '')}" does not exist`);
    const checks = await this.connection.runAndReadAll(
      `SELECT constraint_text FROM duckdb_constraints() WHERE ${where} AND constraint_type = 'CHECK'`,
    );
    return [
      ...columns.getRowsJson().map(([name, type, nullable, value]) => {
        const required = nullable === false ? ' NOT NULL' : '';
        const initial = withDefaults && value !== null ? ` DEFAULT ${value}` : '';
        return `${quoteName(String(name))} ${type}${required}${initial}`;
      }),
      ...checks.getRowsJson().map(([text]) => String(text)),
    ];
  }

  /** Commits what was written up to here; the next statement begins anew. */
  async commit(): Promise<void> {
    if (this.#begun) await this.connection.run('COMMIT');
    this.#end(this.#written);
  }

  /** Commits at the end, with the receipt for what was written. */
  async finish(): Promise<void> {
    const { receipt } = this.options;
    if (receipt && this.#written.size > 0) {
      await this.connection.run(`INSERT INTO ${RECEIPTS} VALUES (${literal(receipt())})`);
    }
    await this.commit();
  }

  async rollback(): Promise<void> {
    // A transaction that DuckDB has ended by itself cannot be rolled back again.
    if (this.#begun) await this.connection.run('ROLLBACK').catch(() => undefined);
    this.#end([]);
  }

  #end(written: Iterable<string>): void {
    this.#begun = false;
    this.#locks.end(this.#session, written);
    this.#written.clear();
  }
}

function nameOf({ schema = 'public', table }: TableName): string {
  return `${schema}.${table}`;
}
