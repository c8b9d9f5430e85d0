import type { Dataset } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { WAREHOUSE_TABLES } from './contract.ts';
import { InvalidRecord } from './errors.ts';
import type { LoadPlan, TableLoad } from './loader.ts';
import {
  columnDdl,
  identifier,
  LOAD_ID,
  list,
  nullableDdl,
  quote,
  stagedColumns,
  tableColumns,
  versionColumns,
} from './sql.ts';
import { catalogueStatements, FILE_COLUMNS, isMade } from './sql-schema.ts';
import { AGGREGATES, aggregateStatements } from './sql-views.ts';

/** Temporary tables of a load. */
const FILES = 'stage_files';
const CURRENT = 'current_files';
const STAGE = 'stage_rows';
const ROWS = 'new_rows';
const TALLY = 'tally';
const FRESH = 'fresh';
const DAYS = 'touched_days';
const GAPS = 'gaps';
const GAPS_BEFORE = 'gaps_before';

/** Most statements of a batch of the Data API. */
const MAX_STATEMENTS = 40;

/** Statements in the making; checks among them are named for whoever has to tell that one failed. */
class Statements {
  readonly sqls: string[] = [];
  readonly refusals: Record<string, string> = {};

  add(...sqls: readonly string[]): void {
    this.sqls.push(...sqls);
  }

  /** Adds one that fails, and with it the transaction, unless the condition holds: a text is no integer. */
  expect(condition: string, otherwise: string): number {
    this.add(
      `SELECT CAST(CASE WHEN ${condition} THEN '0' ELSE ${quote(`refused: ${otherwise}`)} END AS INTEGER)`,
    );
    this.refusals[this.sqls.length] = otherwise;
    return this.sqls.length;
  }
}

/**
 * The statements of one load, to be run as one transaction. Loads wait for each other at the lock, which comes before
 * anything that fixes what the transaction sees: each sees all that the one before it has written. Readers wait for
 * nobody.
 *
 * The last statement returns what `mark` reads: `load` with the rows read, loaded, new and removed; and for each
 * reference `reference` with dataset, column, what it refers to, and `rows now/rows before`.
 */
export function planLoad(schema: string, load: TableLoad): LoadPlan {
  const { dataset } = load;
  const statements = new Statements();
  statements.add(`LOCK TABLE ${schema}.${WAREHOUSE_TABLES.lock}`);
  const versionCheck = statements.expect(isMade(schema), 'the tables are of another version');
  stage(statements, load);
  if (dataset.origin === 'landing') chooseFiles(statements, schema, dataset);
  chooseRows(statements, schema, dataset);
  merge(statements, schema, load);
  writeLedger(statements, schema, load);
  for (const aggregate of AGGREGATES.filter(({ of }) => of === dataset.name)) {
    statements.add(...aggregateStatements(aggregate, schema, DAYS));
  }
  const references = checkReferences(statements, schema, load);
  statements.add(answerOf(schema, load.loadId, references));
  if (statements.sqls.length > MAX_STATEMENTS) {
    throw new InvalidRecord(
      `The load of ${dataset.name} takes ${statements.sqls.length} statements, and the Data API ${MAX_STATEMENTS}: its files have too many different sets of columns. Load fewer at once.`,
    );
  }
  const { sqls, refusals } = statements;
  return { sqls, versionCheck, refusals, catalogue: catalogueStatements(schema) };
}

const COPIED = 'IAM_ROLE default FORMAT AS PARQUET';

/** The files' rows, and the list of the files, as they are. COPY takes a file's columns by their position. */
function stage(statements: Statements, { dataset, sets, rows, isMixed, filesUri }: TableLoad): void {
  statements.add(
    `CREATE TEMP TABLE ${FILES} (${FILE_COLUMNS.map(columnDdl).join(', ')})`,
    `COPY ${FILES} FROM ${quote(filesUri)} ${COPIED}`,
  );
  // Times that were read in another unit than they are written are of 1970, or of no year at all.
  statements.expect(
    `(SELECT COUNT(*) FROM ${FILES} WHERE "landed_at" NOT BETWEEN '2000-01-01' AND '2100-01-01') = 0`,
    'the warehouse reads other times from the files than are written there',
  );
  const columns = stagedColumns(dataset);
  const names = columns.map(({ name }) => name);
  statements.add(`CREATE TEMP TABLE ${STAGE} (${columns.map(columnDdl).join(', ')})`);
  for (const [i, set] of sets.entries()) {
    const isWhole = set.columns.join() === names.join();
    const into = isWhole ? STAGE : `${STAGE}_${i}`;
    const present = set.columns.flatMap((name) => columns.filter((column) => column.name === name));
    if (!isWhole) statements.add(`CREATE TEMP TABLE ${into} (${present.map(nullableDdl).join(', ')})`);
    statements.add(`COPY ${into} FROM ${quote(set.manifestUri)} ${COPIED} MANIFEST`);
    if (!isWhole) {
      statements.add(`INSERT INTO ${STAGE} (${list(set.columns)}) SELECT ${list(set.columns)} FROM ${into}`);
    }
  }
  if (isMixed) {
    statements.add(`DELETE FROM ${STAGE} WHERE "file_id" NOT IN (SELECT "file_id" FROM ${FILES})`);
  }
  const byFile =
    `(SELECT COUNT(*) FROM ${FILES} AS f LEFT JOIN (SELECT "file_id", COUNT(*) AS "found" FROM ${STAGE} GROUP BY "file_id") AS s` +
    ` ON s."file_id" = f."file_id" WHERE COALESCE(s."found", 0) <> f."row_count")`;
  statements.expect(
    `(SELECT COUNT(*) FROM ${STAGE}) = ${rows} AND ${byFile} = 0`,
    `the files do not hold the ${rows} rows of the manifest`,
  );
}

/** Of files that land only the latest version counts, whether it is in this load or in one before. */
function chooseFiles(statements: Statements, schema: string, { name }: Dataset): void {
  const ledger = `${schema}.${WAREHOUSE_TABLES.files}`;
  const file = '"source_file", "file_id", "landed_at"';
  const known =
    `SELECT ${file} FROM ${FILES} UNION SELECT ${file} FROM ${ledger}` +
    ` WHERE "dataset" = ${quote(name)} AND "source_file" IN (SELECT "source_file" FROM ${FILES})`;
  statements.add(
    `CREATE TEMP TABLE ${CURRENT} AS SELECT "source_file", "file_id" FROM (SELECT ${file}, ROW_NUMBER() OVER` +
      ` (PARTITION BY "source_file" ORDER BY "landed_at" DESC, "file_id" DESC) AS "version_rank" FROM (${known}) AS known) AS ranked` +
      ` WHERE "version_rank" = 1 AND "file_id" IN (SELECT "file_id" FROM ${FILES})`,
    `DELETE FROM ${STAGE} WHERE "file_id" NOT IN (SELECT "file_id" FROM ${CURRENT})`,
  );
}

/** Of each key the newest row, unless the table has a newer one. */
function chooseRows(statements: Statements, schema: string, dataset: Dataset): void {
  const table = `${schema}.${dataset.name}`;
  const columns = list(stagedColumns(dataset).map(({ name }) => name));
  const versions = versionColumns(dataset).map(identifier);
  const newest = versions.map((name) => `${name} DESC NULLS LAST`).join(', ');
  statements.add(
    `CREATE TEMP TABLE ${ROWS} AS SELECT ${columns} FROM (SELECT ${columns}, ROW_NUMBER() OVER` +
      ` (PARTITION BY ${list(dataset.key)} ORDER BY ${newest}) AS "version_rank" FROM ${STAGE}) AS ranked WHERE "version_rank" = 1`,
    `DELETE FROM ${ROWS} USING ${table} WHERE ${sameKey(dataset, table, ROWS)} AND ${isNewer(versions, table, ROWS)}`,
  );
}

/** MERGE and DELETE know no alias of their target: its columns go by the name that the statement gives it. */
function sameKey({ key }: Dataset, table: string, other: string): string {
  return key
    .map(identifier)
    .map((name) => `${table}.${name} = ${other}.${name}`)
    .join(' AND ');
}

/** Whether a row of `table` is newer: by the first version column, where these are the same by the next, and so on. */
function isNewer([first, ...rest]: readonly string[], table: string, other: string): string {
  const here = `${table}.${first} > ${other}.${first}`;
  if (rest.length === 0) return here;
  return `(${here} OR (${table}.${first} = ${other}.${first} AND ${isNewer(rest, table, other)}))`;
}

function merge(statements: Statements, schema: string, { dataset, loadId }: TableLoad): void {
  const table = `${schema}.${dataset.name}`;
  const day = `CAST(${identifier(dataset.partitionBy)} AS DATE) AS "day"`;
  const lands = dataset.origin === 'landing';
  /** Rows that earlier versions of the load's files brought, and those that this version brought before. */
  const replaced = `${table} WHERE "source_file" IN (SELECT "source_file" FROM ${CURRENT})`;
  const [key = ''] = dataset.key.map(identifier);
  const matching = `${table} AS w JOIN ${ROWS} AS n ON ${sameKey(dataset, 'w', 'n')}`;
  if (AGGREGATES.some(({ of }) => of === dataset.name)) {
    statements.add(
      `CREATE TEMP TABLE ${DAYS} AS SELECT ${day} FROM ${ROWS}` +
        ` UNION SELECT CAST(w.${identifier(dataset.partitionBy)} AS DATE) FROM ${matching}` +
        (lands ? ` UNION SELECT ${day} FROM ${replaced}` : ''),
    );
  }
  const removed = lands ? `(SELECT COUNT(*) AS "n" FROM ${replaced})` : '(SELECT 0 AS "n")';
  statements.add(
    `CREATE TEMP TABLE ${TALLY} AS SELECT b."n" AS "rows_before", r."n" AS "rows_removed"` +
      ` FROM (SELECT COUNT(*) AS "n" FROM ${table}) AS b CROSS JOIN ${removed} AS r`,
  );
  if (lands) statements.add(`DELETE FROM ${replaced}`);
  const names = tableColumns(dataset).map(({ name }) => identifier(name));
  const values = tableColumns(dataset).map(({ name }) =>
    name === LOAD_ID.name ? quote(loadId) : `${ROWS}.${identifier(name)}`,
  );
  const loaded = `(SELECT COUNT(*) FROM ${table} WHERE ${LOAD_ID.name} = ${quote(loadId)})`;
  statements.add(
    `CREATE TEMP TABLE ${FRESH} AS SELECT COUNT(*) AS "n" FROM ${ROWS} AS n LEFT JOIN ${table} AS w ON ${sameKey(dataset, 'w', 'n')}` +
      ` WHERE w.${key} IS NULL`,
    `MERGE INTO ${table} USING ${ROWS} ON ${sameKey(dataset, table, ROWS)}` +
      ` WHEN MATCHED THEN UPDATE SET ${names.map((name, i) => `${name} = ${values[i]}`).join(', ')}` +
      ` WHEN NOT MATCHED THEN INSERT (${names.join(', ')}) VALUES (${values.join(', ')})`,
  );
  statements.expect(
    `${loaded} = (SELECT COUNT(*) FROM ${ROWS})`,
    'the table does not hold the rows of the load',
  );
  statements.expect(
    `(SELECT COUNT(*) FROM ${table}) = (SELECT t."rows_before" - t."rows_removed" + f."n" FROM ${TALLY} AS t CROSS JOIN ${FRESH} AS f)`,
    'the table has not as many rows as it had before and the load has added',
  );
}

function writeLedger(statements: Statements, schema: string, { dataset, loadId, rows }: TableLoad): void {
  const { files, loads } = WAREHOUSE_TABLES;
  const columns = list(FILE_COLUMNS.map(({ name }) => name));
  statements.add(
    `DELETE FROM ${schema}.${files} WHERE "dataset" = ${quote(dataset.name)} AND "file_id" IN (SELECT "file_id" FROM ${FILES})`,
    `INSERT INTO ${schema}.${files} ("dataset", ${columns}, "load_id", "loaded_at")` +
      ` SELECT ${quote(dataset.name)}, ${columns}, ${quote(loadId)}, GETDATE() FROM ${FILES}`,
    `DELETE FROM ${schema}.${loads} WHERE "load_id" = ${quote(loadId)}`,
    `INSERT INTO ${schema}.${loads} ("load_id", "dataset", "files", "rows_read", "rows_loaded", "rows_new", "rows_removed", "rows_before", "rows_after", "loaded_at")` +
      ` SELECT ${quote(loadId)}, ${quote(dataset.name)}, i."n", ${rows}, l."n", f."n", t."rows_removed", t."rows_before",` +
      ` t."rows_before" - t."rows_removed" + f."n", GETDATE() FROM ${TALLY} AS t CROSS JOIN ${FRESH} AS f` +
      ` CROSS JOIN (SELECT COUNT(*) AS "n" FROM ${FILES}) AS i CROSS JOIN (SELECT COUNT(*) AS "n" FROM ${ROWS}) AS l`,
  );
}

interface Reference {
  readonly from: string;
  readonly column: string;
  readonly to: string;
  readonly key: string;
}

/** Every reference that is declared between datasets. */
const REFERENCES: readonly Reference[] = Object.values(DATASETS).flatMap(({ name, expectations }) =>
  (expectations?.references ?? []).map(({ column, dataset, key }) => ({
    from: name,
    column,
    to: dataset,
    key,
  })),
);

/** Counts rows that refer to nothing, of the dataset and of those that refer to it. Answers whether there are any to count. */
function checkReferences(statements: Statements, schema: string, { dataset, loadId }: TableLoad): boolean {
  const references = REFERENCES.filter(({ from, to }) => [from, to].includes(dataset.name));
  if (references.length === 0) return false;
  const missing = `${schema}.${WAREHOUSE_TABLES.missing}`;
  const counts = references.map(
    ({ from, column, to, key }) =>
      `SELECT CAST(${quote(from)} AS VARCHAR(128)) AS "dataset", CAST(${quote(column)} AS VARCHAR(128)) AS "column_name",` +
      ` CAST(${quote(to)} AS VARCHAR(128)) AS "refers_to", COUNT(*) AS "row_count" FROM ${schema}.${from} AS r` +
      ` LEFT JOIN ${schema}.${to} AS k ON k.${identifier(key)} = r.${identifier(column)}` +
      ` WHERE r.${identifier(column)} IS NOT NULL AND k.${identifier(key)} IS NULL`,
  );
  const same = ['dataset', 'column_name', 'refers_to'];
  const before = `CASE WHEN m."load_id" = ${quote(loadId)} THEN m."count_before" ELSE m."row_count" END`;
  statements.add(
    `CREATE TEMP TABLE ${GAPS} AS ${counts.join(' UNION ALL ')}`,
    // A load that runs again remembers what was before it ran first.
    `CREATE TEMP TABLE ${GAPS_BEFORE} AS SELECT ${list(same, 'g')}, g."row_count", COALESCE(${before}, 0) AS "count_before"` +
      ` FROM ${GAPS} AS g LEFT JOIN ${missing} AS m ON ${same.map((name) => `m."${name}" = g."${name}"`).join(' AND ')}`,
    `DELETE FROM ${missing} USING ${GAPS} WHERE ${same.map((name) => `${missing}."${name}" = ${GAPS}."${name}"`).join(' AND ')}`,
    `INSERT INTO ${missing} (${list(same)}, "row_count", "count_before", "load_id")` +
      ` SELECT ${list(same)}, "row_count", "count_before", ${quote(loadId)} FROM ${GAPS_BEFORE}`,
  );
  return true;
}

function answerOf(schema: string, loadId: string, hasReferences: boolean): string {
  const counts = ['rows_read', 'rows_loaded', 'rows_new', 'rows_removed'].map(
    (name) => `CAST("${name}" AS VARCHAR(128)) AS "${name}"`,
  );
  return (
    `SELECT CAST('load' AS VARCHAR(16)) AS "kind", ${counts.join(', ')} FROM ${schema}.${WAREHOUSE_TABLES.loads} WHERE "load_id" = ${quote(loadId)}` +
    (hasReferences
      ? ` UNION ALL SELECT CAST('reference' AS VARCHAR(16)), "dataset", "column_name", "refers_to", CAST("row_count" AS VARCHAR(20)) || '/' || CAST("count_before" AS VARCHAR(20)) FROM ${GAPS_BEFORE}`
      : '')
  );
}
