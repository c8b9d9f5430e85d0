import { execFile } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parquetReadObjects } from 'hyparquet';
import { runSparkSql } from '../../local/engines/spark-sql.ts';
import type { Written } from './lake.ts';

const GLUE = fileURLToPath(new URL('../../glue/', import.meta.url));
const SQL = join(GLUE, 'crm_features.sql');

/** Python with pyspark, from `MILLRACE_SPARK`. */
export const SPARK = process.env.MILLRACE_SPARK ?? '';

/** For the options of tests that need Spark. Where the variable is set, a missing Spark fails them. */
export const SKIP =
  SPARK === '' &&
  'NOT COMPARED WITH SPARK: set MILLRACE_SPARK to the python of a virtual environment with test/glue/requirements.txt, and have Java 17';

const execute = promisify(execFile);

export type ResultRow = Readonly<Record<string, unknown>>;

/** Runs the SQL as the local runtime does. */
export async function onDuckDb({ folder, input, columns }: Written): Promise<ResultRow[]> {
  const { run, views } = JSON.parse(readFileSync(fileURLToPath(input), 'utf8'));
  const output = join(folder, 'duckdb.parquet');
  const local = Object.entries<{ columns: []; files: string[] }>(views).map(([name, view]) => [
    name,
    { columns: view.columns, files: view.files.map((file) => fileURLToPath(file)) },
  ]);
  await runSparkSql({
    sql: readFileSync(SQL, 'utf8'),
    run,
    views: Object.fromEntries(local),
    columns: columns.split(','),
    directory: folder,
    output,
  });
  return readRows([output]);
}

/** Arguments of the job, as Glue gives them: with some of its own. */
export const jobArguments = ({ input, output, columns }: Written): string[] => [
  ...['--JOB_NAME', 'features', '--enable-metrics', 'true'],
  ...['--sql', `file://${SQL}`, '--input', input, '--output', output, '--columns', columns],
];

/** Runs the job's script itself. */
export async function onSpark(written: Written): Promise<ResultRow[]> {
  await python([join(GLUE, 'crm_features.py'), ...jobArguments(written)]);
  return sparkRows(written);
}

/** Runs the job for each, in one session. */
export async function manyOnSpark(folder: string, all: readonly Written[]): Promise<ResultRow[][]> {
  const list = join(folder, 'arguments.json');
  writeFileSync(list, JSON.stringify(all.map(jobArguments)));
  await python([join(import.meta.dirname, 'run_many.py'), GLUE, list]);
  return Promise.all(all.map(sparkRows));
}

const sparkRows = ({ output }: Written) =>
  readRows(
    globSync('*.parquet', { cwd: fileURLToPath(output) })
      .sort()
      .map((file) => join(fileURLToPath(output), file)),
  );

async function readRows(files: readonly string[]): Promise<ResultRow[]> {
  const rows: ResultRow[] = [];
  for (const path of files)
    rows.push(...(await parquetReadObjects({ file: new Uint8Array(readFileSync(path)).buffer })));
  return rows;
}

/** @throws Error with what Spark said */
async function python(args: readonly string[]): Promise<void> {
  const env = {
    ...process.env,
    PYSPARK_PYTHON: SPARK,
    PYTHONDONTWRITEBYTECODE: '1',
    // Not the machine's zone: the job has to set its own.
    TZ: 'Asia/Kolkata',
    SPARK_LOCAL_IP: '127.0.0.1',
    // Small data: what costs is to start and to compile.
    JDK_JAVA_OPTIONS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
    PYSPARK_SUBMIT_ARGS:
      '--master local[2] --driver-memory 1g --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=2 pyspark-shell',
  };
  await execute(SPARK, [...args], { env, maxBuffer: 64 * 1024 * 1024 });
}
