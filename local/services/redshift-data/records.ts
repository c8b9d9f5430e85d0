import type { ResultSet } from '../../engines/warehouse/index.ts';
import type { Shape } from '../service.ts';

export type Status = 'SUBMITTED' | 'PICKED' | 'STARTED' | 'FINISHED' | 'FAILED' | 'ABORTED';

export interface Parameter {
  readonly name: string;
  readonly value: string;
}

/** One SQL statement of a call. Times are milliseconds since the epoch. */
export interface SubStatement {
  readonly sql: string;
  status: Status;
  error?: string;
  /** Nanoseconds. */
  duration: number;
  /** Rows returned or changed; -1 where neither applies. */
  rows: number;
  /** Bytes of the result as JSON; -1 without one. */
  size: number;
  updatedAt: number;
}

/** One call of ExecuteStatement or BatchExecuteStatement, as it is kept. */
export interface StatementRecord {
  readonly id: string;
  readonly name?: string;
  readonly batch: boolean;
  readonly parameters: readonly Parameter[];
  readonly workgroup: string;
  readonly workgroupArn: string;
  readonly namespace: string;
  readonly database: string;
  readonly secretArn?: string;
  /** Who may see it: a role's ARN, or `administrator`. */
  readonly owner: string;
  readonly withEvent: boolean;
  readonly createdAt: number;
  updatedAt: number;
  status: Status;
  error?: string;
  readonly statements: SubStatement[];
}

/** Results by the index of their statement. */
export type Results = Record<number, ResultSet>;

export const isOver = ({ status }: StatementRecord): boolean =>
  status === 'FINISHED' || status === 'FAILED' || status === 'ABORTED';

/** Time in the JSON protocol: seconds since the epoch. */
export const seconds = (ms: number): number => ms / 1000;

/** A number from an id, where the API has numbers that mean nothing here. */
const numberOf = (id: string): number => Number.parseInt(id.slice(0, 8), 16);

/** Answer of DescribeStatement. */
export function describeStatement(record: StatementRecord): Shape {
  const { id, statements, batch } = record;
  const last = statements.at(-1);
  const single = batch ? undefined : last;
  return {
    Id: id,
    Status: record.status,
    CreatedAt: seconds(record.createdAt),
    UpdatedAt: seconds(record.updatedAt),
    Duration: statements.reduce((sum, { duration }) => sum + duration, 0),
    Error: record.error,
    HasResultSet: statements.some(({ size }) => size >= 0),
    ResultRows: single ? single.rows : -1,
    ResultSize: single ? single.size : -1,
    RedshiftPid: numberOf(id),
    RedshiftQueryId: single?.status === 'FINISHED' ? numberOf(id) : batch ? 0 : -1,
    WorkgroupName: record.workgroup,
    Database: record.database,
    SecretArn: record.secretArn,
    ResultFormat: 'JSON',
    ...(single && { QueryString: single.sql }),
    ...(record.parameters.length > 0 && { QueryParameters: record.parameters }),
    ...(batch && {
      SubStatements: statements.map((statement, index) => describeSubStatement(record, statement, index + 1)),
      ExecutionMode: 'TRANSACTION',
    }),
  };
}

/** Answer of DescribeStatement for `<id>:<number>`; also a member of `SubStatements`. */
export function describeSubStatement(
  record: StatementRecord,
  statement: SubStatement,
  number: number,
): Shape {
  return {
    Id: `${record.id}:${number}`,
    Status: statement.status,
    CreatedAt: seconds(record.createdAt),
    UpdatedAt: seconds(statement.updatedAt),
    Duration: statement.duration,
    Error: statement.error,
    HasResultSet: statement.size >= 0,
    QueryString: statement.sql,
    ResultRows: statement.rows,
    ResultSize: statement.size,
    RedshiftQueryId: statement.status === 'FINISHED' ? numberOf(record.id) + number : -1,
  };
}

/** Answer of ListStatements, one member. */
export function summarise(record: StatementRecord): Shape {
  return {
    Id: record.id,
    IsBatchStatement: record.batch,
    ...(record.batch
      ? { QueryStrings: record.statements.map(({ sql }) => sql) }
      : { QueryString: record.statements[0]?.sql }),
    StatementName: record.name,
    Status: record.status,
    CreatedAt: seconds(record.createdAt),
    UpdatedAt: seconds(record.updatedAt),
    SecretArn: record.secretArn,
    ResultFormat: 'JSON',
  };
}
