import {
  BatchExecuteStatementCommand,
  CancelStatementCommand,
  DescribeStatementCommand,
  type Field,
  paginateGetStatementResult,
  type RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import type { Deployment } from './deployment.ts';
import { ForPeople, Interrupted } from './errors.ts';
import { pause } from './io.ts';

export type Cell = string | number | boolean | null;

/** Rows of a query. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Rows that the query found; more than `rows` where there was a limit. */
  readonly found: number;
  /** Seconds that the warehouse worked. */
  readonly seconds: number;
}

/** The warehouse refused a query. */
export class QueryFailed extends ForPeople {
  override readonly name: string = 'QueryFailed';
  override readonly exit = 1;
}

export interface Asking {
  readonly signal: AbortSignal;
  /** Seconds after which the query is given up. */
  readonly timeout: number;
  /** Most rows that are fetched. */
  readonly limit: number;
}

const FIRST_LOOK_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/**
 * Runs a query in the warehouse, with its schema in front, and fetches its first rows. Given up, by the person or by the
 * time, the query is cancelled.
 * @throws QueryFailed with the warehouse's words
 */
export async function ask(deployment: Deployment, sql: string, asking: Asking): Promise<Answer> {
  const client = deployment.redshift;
  const { Id } = await client.send(
    new BatchExecuteStatementCommand({
      WorkgroupName: deployment.output('WarehouseWorkgroupName'),
      Database: deployment.output('WarehouseDatabase'),
      SecretArn: deployment.output('WarehouseSecretArn'),
      StatementName: 'millrace-query',
      Sqls: [`SET search_path TO ${deployment.output('WarehouseSchema')}`, sql],
    }),
  );
  const seconds = await finished(client, Id, asking);
  const columns: string[] = [];
  const rows: Cell[][] = [];
  let found = 0;
  for await (const page of paginateGetStatementResult({ client }, { Id: `${Id}:2` })) {
    if (columns.length === 0)
      columns.push(...(page.ColumnMetadata ?? []).map(({ label, name }) => label ?? name ?? ''));
    found = page.TotalNumRows ?? 0;
    rows.push(...(page.Records ?? []).map((record) => record.map(cellOf)));
    if (rows.length >= asking.limit) break;
  }
  return { columns, rows: rows.slice(0, asking.limit), found: Math.max(found, rows.length), seconds };
}

/** Waits for a statement. Answers the seconds that it took. */
async function finished(
  client: RedshiftDataClient,
  Id: string | undefined,
  { signal, timeout }: Asking,
): Promise<number> {
  const deadline = Date.now() + timeout * 1000;
  for (let wait = FIRST_LOOK_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 1.5)) {
    const { Status, Error: error, Duration = 0 } = await client.send(new DescribeStatementCommand({ Id }));
    if (Status === 'FINISHED') return Duration / 1e9;
    if (Status === 'FAILED' || Status === 'ABORTED')
      throw new QueryFailed(error ?? `The query is ${Status}.`);
    if (signal.aborted || Date.now() >= deadline) {
      await client.send(new CancelStatementCommand({ Id })).catch(() => undefined);
      if (signal.aborted) throw new Interrupted('The query was cancelled.');
      throw new QueryFailed(
        `The query took longer than ${timeout} s and was cancelled. Give it more with --timeout.`,
      );
    }
    await pause(wait, signal);
  }
}

function cellOf(field: Field): Cell {
  return (
    field.stringValue ??
    field.longValue ??
    field.doubleValue ??
    field.booleanValue ??
    (field.blobValue ? Buffer.from(field.blobValue).toString('hex') : null)
  );
}

/** List price of an RPU-hour in us-east-1, USD, and the least that a wake of the warehouse bills, seconds (pricing page). */
const RPU_HOUR_USD = 0.375;
const LEAST_SECONDS = 60;

/**
 * What a query may have cost, in a sentence; undefined where nobody bills it. Redshift Serverless bills by the time that
 * it is awake, whatever it does in it: the estimate is for a query that had to wake it.
 */
export function costOf(deployment: Deployment, seconds: number): string | undefined {
  const rpus = Number(deployment.optionalOutput('WarehouseRpus') ?? Number.NaN);
  if (deployment.isLocal || Number.isNaN(rpus)) return undefined;
  const usd = (Math.max(LEAST_SECONDS, seconds) * rpus * RPU_HOUR_USD) / 3600;
  return (
    `about $${usd.toFixed(3)} at list price (us-east-1: ${rpus} RPU at $${RPU_HOUR_USD} an hour, at least ${LEAST_SECONDS} s)` +
    ' where the warehouse slept; less where it was awake'
  );
}
