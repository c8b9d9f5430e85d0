import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { flag, operation } from '../operation.ts';
import { AwsError, type Caller, type LocalService, type RuntimeContext } from '../service.ts';
import * as catalogue from './catalogue.ts';
import {
  describeStatement,
  describeSubStatement,
  type StatementRecord,
  seconds,
  summarise,
} from './records.ts';
import { StatementRunner } from './runner.ts';
import { StatementStore } from './store.ts';
import { type Connection, connect } from './target.ts';

/** Quotas of the Data API. Source: Redshift management guide, "Quotas and limits". */
const LONGEST_STATEMENT_BYTES = 100 * 1024;
const MOST_STATEMENTS = 40;
const RETENTION_MS = 24 * 3_600_000;
/** Records in one page of a result; the Data API cuts by size. */
const PAGE_ROWS = 1000;

const Sql = z.string().refine((sql) => Buffer.byteLength(sql) <= LONGEST_STATEMENT_BYTES, {
  message: 'Query string length exceeds the limit of 100 KB',
});

/** Strict: a member that has no effect here (sessions, CSV results) is refused rather than ignored. */
const common = {
  WorkgroupName: z.string().optional(),
  ClusterIdentifier: z.string().optional(),
  Database: z.string(),
  SecretArn: z.string().optional(),
  StatementName: z.string().max(500).optional(),
  ClientToken: z.string().min(1).max(64).optional(),
  WithEvent: flag.default(false),
  Parameters: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  ResultFormat: z.literal('JSON').optional(),
  WaitTimeSeconds: z.number().min(0).max(30).default(0),
};
const Execute = z.strictObject({ ...common, Sql });
const BatchExecute = z.strictObject({
  ...common,
  Sqls: z.array(Sql).min(1).max(MOST_STATEMENTS),
  ExecutionMode: z.literal('TRANSACTION').optional(),
});
const ById = z.object({ Id: z.string() });
const Describe = ById.extend({ WaitTimeSeconds: z.number().min(0).max(30).default(0) });
const GetResult = ById.extend({ NextToken: z.string().optional() });
const List = z.object({
  Status: z.string().optional(),
  StatementName: z.string().optional(),
  MaxResults: z.number().int().min(0).max(100).default(100),
  NextToken: z.string().optional(),
  WorkgroupName: z.string().optional(),
  Database: z.string().optional(),
});

/** The Redshift Data API over DuckDB, one database file for each namespace. */
export function createRedshiftData(context: RuntimeContext): LocalService {
  const directory = join(context.dataDir, 'redshift-data');
  const store = new StatementStore(directory);
  const runner = new StatementRunner(context, store, directory);

  const ownerOf = (caller: Caller) => (caller.kind === 'role' ? caller.roleArn : 'administrator');
  const maySee = (caller: Caller, { owner }: StatementRecord) =>
    caller.kind === 'administrator' || owner === ownerOf(caller);

  /** A call by its id, or one of its statements by `<id>:<number>`. */
  function find(id: string, caller: Caller) {
    const [callId = '', number] = id.split(':');
    const record = store.get(callId);
    const statement = record?.statements[number === undefined ? 0 : Number(number) - 1];
    if (record && statement && maySee(caller, record))
      return { record, statement, number: Number(number ?? 0) };
    throw new AwsError('ResourceNotFoundException', 'Query does not exist.', { members: { ResourceId: id } });
  }

  async function submit(input: Submission, caller: Caller) {
    const target = await connect(context, caller, input.action, input);
    const owner = ownerOf(caller);
    const token = input.ClientToken && `${owner}/${input.ClientToken}`;
    const earlier = token ? store.byToken(token) : undefined;
    const record = earlier ?? newRecord(input, { ...target, owner });
    if (!earlier) {
      store.forget(record.createdAt - RETENTION_MS);
      store.insert(record, token);
      runner.submit(record);
    }
    await runner.wait(record.id, input.WaitTimeSeconds * 1000);
    const now = store.get(record.id) ?? record;
    return {
      Id: record.id,
      CreatedAt: seconds(record.createdAt),
      Database: record.database,
      WorkgroupName: record.workgroup,
      SecretArn: record.secretArn,
      ...(input.WaitTimeSeconds > 0 && { Status: now.status }),
    };
  }

  function newRecord(
    input: Submission,
    target: Pick<StatementRecord, 'workgroup' | 'workgroupArn' | 'namespace' | 'owner'>,
  ): StatementRecord {
    const createdAt = context.clock.now();
    return {
      id: randomUUID(),
      ...(input.StatementName && { name: input.StatementName }),
      batch: input.action === 'BatchExecuteStatement',
      parameters: input.Parameters,
      ...target,
      database: input.Database,
      ...(input.SecretArn && { secretArn: input.SecretArn }),
      withEvent: input.WithEvent,
      createdAt,
      updatedAt: createdAt,
      status: 'SUBMITTED',
      statements: input.sqls.map((sql) => ({
        sql,
        status: 'SUBMITTED',
        duration: -1,
        rows: -1,
        size: -1,
        updatedAt: createdAt,
      })),
    };
  }

  /** The database that a question about the catalogue is put to. */
  const ask = async (caller: Caller, action: string, input: Connection) =>
    runner.warehouse((await connect(context, caller, action, input)).namespace);

  return {
    signingNames: ['redshift-data'],
    iamPrefix: 'redshift-data',
    operations: {
      // The workgroup's ARN is known after a look-up only, so these authorise by themselves.
      ExecuteStatement: operation(Execute, {
        action: null,
        handle: (input, { caller }) =>
          submit({ ...input, action: 'ExecuteStatement', sqls: [input.Sql] }, caller),
      }),
      BatchExecuteStatement: operation(BatchExecute, {
        action: null,
        handle: (input, { caller }) =>
          submit({ ...input, action: 'BatchExecuteStatement', sqls: input.Sqls }, caller),
      }),
      DescribeStatement: operation(Describe, {
        handle: async ({ Id, WaitTimeSeconds }, { caller }) => {
          await runner.wait(find(Id, caller).record.id, WaitTimeSeconds * 1000);
          const { record, statement, number } = find(Id, caller);
          return number === 0 ? describeStatement(record) : describeSubStatement(record, statement, number);
        },
      }),
      GetStatementResult: operation(GetResult, {
        handle: ({ Id, NextToken }, { caller }) => {
          const { record, number } = find(Id, caller);
          const result = record.batch && number === 0 ? undefined : store.result(record.id, number || 1);
          if (!result) {
            throw new AwsError(
              'ResourceNotFoundException',
              'Query does not have result. Please check query status with DescribeStatement.',
              { members: { ResourceId: Id } },
            );
          }
          const from = NextToken === undefined ? 0 : Number(NextToken);
          const until = from + PAGE_ROWS;
          return {
            Records: result.rows.slice(from, until),
            ColumnMetadata: catalogue.columnMetadata(result),
            TotalNumRows: result.rows.length,
            ...(until < result.rows.length && { NextToken: String(until) }),
          };
        },
      }),
      ListStatements: operation(List, {
        handle: (input, { caller }) => {
          const { Status = 'ALL', StatementName = '', NextToken = '0', MaxResults } = input;
          const found = store
            .list()
            .filter((record) => maySee(caller, record))
            .filter(({ status }) => Status === 'ALL' || status === Status)
            .filter(({ name = '' }) => name.startsWith(StatementName))
            .filter(({ workgroup }) => [undefined, workgroup].includes(input.WorkgroupName))
            .filter(({ database }) => [undefined, database].includes(input.Database));
          const until = Number(NextToken) + (MaxResults || 100);
          return {
            Statements: found.slice(Number(NextToken), until).map(summarise),
            ...(until < found.length && { NextToken: String(until) }),
          };
        },
      }),
      CancelStatement: operation(ById, {
        handle: async ({ Id }, { caller }) => {
          const { record } = find(Id, caller);
          if (await runner.cancel(record.id)) return { Status: true };
          throw new AwsError(
            'ValidationException',
            `Could not cancel a query that is already in ${record.status} state with ID: ${Id}`,
          );
        },
      }),
      ListDatabases: operation(catalogue.ListDatabases, {
        action: null,
        handle: async (input, { caller }) => {
          await connect(context, caller, 'ListDatabases', input);
          return { Databases: [input.Database] };
        },
      }),
      ListSchemas: operation(catalogue.ListSchemas, {
        action: null,
        handle: async (input, { caller }) =>
          catalogue.listSchemas(await ask(caller, 'ListSchemas', input), input),
      }),
      ListTables: operation(catalogue.ListTables, {
        action: null,
        handle: async (input, { caller }) =>
          catalogue.listTables(await ask(caller, 'ListTables', input), input),
      }),
      DescribeTable: operation(catalogue.DescribeTable, {
        action: null,
        handle: async (input, { caller }) =>
          catalogue.describeTable(await ask(caller, 'DescribeTable', input), input),
      }),
    },
    start: () => runner.recover(),
    async stop() {
      await runner.stop();
      store.close();
    },
  };
}

type Submission = Omit<z.output<typeof Execute>, 'Sql'> & {
  readonly action: 'ExecuteStatement' | 'BatchExecuteStatement';
  readonly sqls: readonly string[];
};
