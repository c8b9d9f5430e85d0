import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { type Dataset, parquetColumns, partitionOf } from '../../datasets/dataset.ts';
import { compactedKey, compactionKey } from '../../lambdas/maintenance/contract.ts';
import { LAKE } from '../../lambdas/shared/contract.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import { PartsWriter } from '../../lambdas/shared/dataset/parts-writer.ts';
import { rowValidator } from '../../lambdas/shared/dataset/validate.ts';
import type { Row } from '../../lambdas/shared/dataset/values.ts';
import { type Publication, type PublishedPart, publicationKey } from '../../lambdas/shared/publication.ts';
import { lakeTables, lakeViewSql } from '../../lib/constructs/lake-view.ts';

/** A version of a file, whose id and key are made of its name and its hour of landing. */
export interface Landing {
  readonly source: string;
  /** ISO 8601. */
  readonly landedAt: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** @default true */
  readonly published?: boolean;
}

/** What a lake of one dataset looks like to Athena: real files in a directory, and the view's own query on DuckDB. */
export class TestLake {
  readonly #test: TestContext;
  readonly #directory: string;
  readonly #dataset: Dataset;

  constructor(t: TestContext, dataset: Dataset, directory = temporaryDirectory(t)) {
    this.#test = t;
    this.#dataset = dataset;
    this.#directory = directory;
  }

  /** The same lake after its dataset was declared anew. */
  declaredAs(dataset: Dataset): TestLake {
    return new TestLake(this.#test, dataset, this.#directory);
  }

  /** Checks rows and writes them as a file's parts and publication. */
  async land({ source, landedAt, rows, published = true }: Landing): Promise<readonly PublishedPart[]> {
    const dataset = this.#dataset;
    if (dataset.origin === 'records') throw new Error(`Rows of ${dataset.name} do not land.`);
    const fileId = createHash('sha256').update(`${source} ${landedAt}`).digest('hex');
    const writer = new PartsWriter({
      dataset,
      fileId,
      sourceFile: source,
      landedAt: new Date(landedAt),
      write: async (key, bytes) => this.write(key, bytes),
      maxBufferedBytes: 1024 ** 2,
    });
    for (const [i, row] of this.checked(rows).entries()) await writer.add(row, i + 1);
    const parts = await writer.finish();
    const publication: Publication = {
      dataset: dataset.name,
      fileId,
      sourceFile: source,
      landedAt,
      rows: rows.length,
      parts,
    };
    const key = publicationKey(dataset.origin, dataset.name, partitionOf(new Date(landedAt)), fileId);
    if (published) this.write(key, JSON.stringify(publication));
    return parts;
  }

  /** Rows as they are in files; every one has to be good. */
  checked(rows: readonly Readonly<Record<string, unknown>>[]): Row[] {
    const { check } = rowValidator(this.#dataset);
    return rows.map((fields) => {
      const checked = check(fields);
      if ('row' in checked) return checked.row;
      throw new Error(checked.problems.map(({ message }) => message).join(' '));
    });
  }

  /** Writes a file that compaction could have written, seen by nothing yet. */
  compacted(partition: string, sha256: string, rows: readonly Row[]): string {
    const key = compactedKey(this.#dataset.name, partition, sha256);
    this.write(key, parquetOf(parquetColumns(this.#dataset), rows));
    return key;
  }

  /** Tells what compaction has made of a partition. */
  swap(partition: string, added: readonly string[], retired: readonly string[]): void {
    const { name: dataset } = this.#dataset;
    this.write(
      compactionKey(dataset, partition),
      JSON.stringify({ dataset, partition, added, retired, waiting: [] }),
    );
  }

  write(key: string, body: string | Uint8Array): void {
    const path = join(this.#directory, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, body);
  }

  /** Values of these columns of all rows that the view shows, sorted. */
  async view(...columns: readonly string[]): Promise<unknown[][]> {
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    try {
      await this.#createTables(connection);
      const list = columns.join(', ');
      const sql = `SELECT ${list} FROM (${inDuckDb(lakeViewSql(this.#dataset))}) ORDER BY ALL`;
      return (await connection.runAndReadAll(sql)).getRows();
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  }

  async #createTables(connection: DuckDBConnection): Promise<void> {
    const { name, origin } = this.#dataset;
    const tables = lakeTables(this.#dataset);
    // An empty file of the right columns stands for a folder in which nothing is yet.
    this.write(
      `${LAKE.loaded}${name}/year=2000/month=01/day=01/${'0'.repeat(64)}-0.parquet`,
      parquetOf(parquetColumns(this.#dataset), []),
    );
    const loaded = join(this.#directory, LAKE.loaded, name);
    await connection.run(`
      SET lambda_syntax = 'ENABLE_SINGLE_ARROW';
      CREATE MACRO from_iso8601_timestamp(text) AS text::TIMESTAMPTZ;
      CREATE VIEW ${tables.files} AS
        SELECT *, replace(filename, '${this.#directory}/', 's3://a-bucket/') AS "$path"
        FROM read_parquet('${loaded}/**/*.parquet', filename = true, union_by_name = true,
          hive_types = {year: INTEGER, month: INTEGER, day: INTEGER})`);
    const published = origin === 'landing' ? LAKE.curated : LAKE.published;
    const lists = {
      [tables.publications]: [
        published,
        "{fileId: 'VARCHAR', sourceFile: 'VARCHAR', landedAt: 'VARCHAR', parts: 'STRUCT(key VARCHAR, rows BIGINT, bytes BIGINT)[]'}",
      ],
      [tables.compactions]: [`${LAKE.operations}compaction/`, "{added: 'VARCHAR[]', retired: 'VARCHAR[]'}"],
    };
    for (const [table, [prefix, columns]] of Object.entries(lists)) {
      // As with Athena, a folder that nothing was ever written to has no rows. `{}` is one of nulls.
      this.write(`${prefix}${name}/none.json`, '{}');
      const files = join(this.#directory, prefix ?? '', name);
      await connection.run(
        `CREATE VIEW ${table} AS SELECT * FROM read_json('${files}/**/*.json', columns = ${columns})
         WHERE filename NOT LIKE '%none.json'`.replace('columns =', 'filename = true, columns ='),
      );
    }
  }
}

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-lake-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** What the two dialects spell differently. */
function inDuckDb(sql: string): string {
  return sql.replaceAll('transform(', 'list_transform(');
}
