import { type Column, type Dataset, glueType, PUBLISHED_AT, parquetColumns } from '../../datasets/dataset.ts';
import { COMPACTED } from '../../lambdas/maintenance/contract.ts';

/** Names of a dataset's tables in the catalogue. */
export function lakeTables({ name }: Pick<Dataset, 'name'>) {
  return {
    view: name,
    files: `${name}_files`,
    /** Of origin `records`. */
    curated: `${name}_curated`,
    /** Of every other. */
    publications: `${name}_publications`,
    compactions: `${name}_compactions`,
  };
}

/** Days are partitions: a query with a condition on them reads only theirs. */
export const PARTITION_KEYS = ['year', 'month', 'day'] as const;

/**
 * The query behind the view of a dataset, in Athena's SQL: of all rows that lie in the lake, those that are to be seen.
 *
 * - Files: those that a publication lists and no compaction has retired, and those that a compaction has added. Others
 *   were written by something that has not finished or has given up.
 * - Rows of a landed file: those of its newest version, even where that has none.
 * - Of rows of one key, the newest. Those of landed files are compared within their day, so that a query for some days
 *   reads no others; a key whose event time is another in another file is there once for each.
 */
export function lakeViewSql(dataset: Dataset): string {
  const columns = viewColumns(dataset).map(({ name }) => quoted(name));
  const { visible, where } = dataset.origin === 'records' ? visibleRecords(dataset) : visibleParts(dataset);
  return `WITH
${visible},
ranked AS (
  SELECT ${columns.join(', ')},
    row_number() OVER (PARTITION BY ${identity(dataset).join(', ')} ORDER BY ${newestFirst(dataset)}) AS version_rank
  FROM (SELECT *, ${OBJECT_KEY} AS object_key FROM ${lakeTables(dataset).files}) AS files
  WHERE ${where}
)
SELECT ${columns.join(', ')} FROM ranked WHERE version_rank = 1`;
}

/** Columns of the view: those of the files, and the partitions'. */
export function viewColumns(dataset: Dataset): readonly Column[] {
  const days = PARTITION_KEYS.map(
    (name): Column => ({ name, type: 'integer', description: PARTITION_COMMENT }),
  );
  return [...parquetColumns(dataset), ...days];
}

const PARTITION_COMMENT = 'Of the event time, UTC; conditions on it save reading';

/** `s3://bucket/key` → `key`, so that the query needs no bucket's name. */
const OBJECT_KEY = `regexp_replace("$path", '^s3://[^/]+/', '')`;

interface Visible {
  /** Common table expressions. */
  readonly visible: string;
  /** Condition on rows of the files. */
  readonly where: string;
}

function keysOf(table: string, list: string): string {
  return `SELECT object_key FROM ${table} CROSS JOIN UNNEST(${list}) AS listed (object_key)`;
}

function visibleParts(dataset: Dataset): Visible {
  const { publications, compactions } = lakeTables(dataset);
  const newest = `newest AS (
  SELECT fileid
  FROM (
    SELECT fileid, row_number() OVER (
      PARTITION BY sourcefile ORDER BY from_iso8601_timestamp(landedat) DESC, fileid DESC) AS version_rank
    FROM ${publications}
  ) AS versions
  WHERE version_rank = 1
)`;
  const visible = `visible AS (
  (
    ${keysOf(publications, 'transform(parts, part -> part.key)')}
    EXCEPT
    ${keysOf(compactions, 'retired')}
  )
  UNION
  ${keysOf(compactions, 'added')}
)`;
  const isVisible = 'object_key IN (SELECT object_key FROM visible)';
  return dataset.origin === 'landing'
    ? {
        visible: `${newest},\n${visible}`,
        where: `${isVisible}\n    AND file_id IN (SELECT fileid FROM newest)`,
      }
    : { visible, where: isVisible };
}

/** Records have no publications: their files are written by loads, whole or not at all. */
function visibleRecords(dataset: Dataset): Visible {
  const { compactions } = lakeTables(dataset);
  return {
    visible: `retired AS (${keysOf(compactions, 'retired')}),
added AS (${keysOf(compactions, 'added')})`,
    where: `(object_key NOT LIKE '%/${COMPACTED}%' AND object_key NOT IN (SELECT object_key FROM retired))
    OR object_key IN (SELECT object_key FROM added)`,
  };
}

/** What rows have in common of which one is seen. */
function identity({ origin, key }: Dataset): string[] {
  return [...(origin === 'landing' ? PARTITION_KEYS : []), ...key].map(quoted);
}

function newestFirst({ origin, versionBy }: Dataset): string {
  const order =
    origin === 'records'
      ? [PUBLISHED_AT.name, 'object_key']
      : [...(versionBy ? [versionBy] : []), 'landed_at', 'file_id', 'line'];
  return order.map((name) => `${quoted(name)} DESC NULLS LAST`).join(', ');
}

/** Athena keeps views as Presto does: the query and the columns' types in its spelling, as JSON in base64. */
export function prestoView(database: string, dataset: Dataset): string {
  const definition = {
    originalSql: lakeViewSql(dataset),
    catalog: 'awsdatacatalog',
    schema: database,
    columns: viewColumns(dataset).map((column) => ({ name: column.name, type: prestoType(column) })),
  };
  return `/* Presto View: ${Buffer.from(JSON.stringify(definition)).toString('base64')} */`;
}

const PRESTO_TYPES: Readonly<Record<string, string>> = {
  string: 'varchar',
  int: 'integer',
  timestamp: 'timestamp(3)',
};

function prestoType(column: Column): string {
  const type = glueType(column);
  return PRESTO_TYPES[type] ?? type;
}

function quoted(name: string): string {
  return `"${name}"`;
}
