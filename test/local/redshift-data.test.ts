import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  BatchExecuteStatementCommand,
  CancelStatementCommand,
  DescribeStatementCommand,
  DescribeTableCommand,
  ExecuteStatementCommand,
  type ExecuteStatementCommandInput,
  GetStatementResultCommand,
  ListSchemasCommand,
  ListStatementsCommand,
  ListTablesCommand,
  RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Caller } from '../../local/services/service.ts';
import { ADMINISTRATOR, FakeContext, serveJson } from './fake-context.ts';
import { dataService, ROLE } from './redshift-support.ts';

const AT = { WorkgroupName: 'warehouse', Database: 'dev' };
/** The longest the API waits; every statement here is over in a moment. */
const WAIT = { WaitTimeSeconds: 30 };

async function setUp(t: TestContext) {
  const context = new FakeContext({ realTime: true });
  const objects = new Map<string, Uint8Array>();
  const service = await dataService(context, objects);
  t.after(() => service.data.stop?.());
  const client = new RedshiftDataClient({
    endpoint: await serveJson(t, context, 'redshift-data'),
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  t.after(() => client.destroy());
  const execute = async (Sql: string, more: Partial<ExecuteStatementCommandInput> = {}) => {
    const { Id } = await client.send(new ExecuteStatementCommand({ ...AT, Sql, ...more }));
    return client.send(new DescribeStatementCommand({ Id, ...WAIT }));
  };
  const batch = async (Sqls: string[], ClientToken?: string) => {
    const { Id } = await client.send(new BatchExecuteStatementCommand({ ...AT, Sqls, ClientToken }));
    return client.send(new DescribeStatementCommand({ Id, ...WAIT }));
  };
  const result = (Id: string | undefined) => client.send(new GetStatementResultCommand({ Id }));
  return { ...service, context, objects, client, execute, batch, result };
}

describe('statements', () => {
  test('a query answers with typed fields', async (t) => {
    const { execute, result } = await setUp(t);
    const described = await execute(
      "SELECT 1 AS n, 1.5::float AS f, 'x' AS s, true AS b, NULL AS nothing, DATE '2026-01-02' AS d",
    );
    assert.equal(described.Status, 'FINISHED');
    assert.equal(described.HasResultSet, true);
    assert.equal(described.ResultRows, 1);
    assert.ok((described.Duration ?? 0) > 0);
    const { Records, ColumnMetadata, TotalNumRows } = await result(described.Id);
    assert.deepEqual(Records, [
      [
        { longValue: 1 },
        { doubleValue: 1.5 },
        { stringValue: 'x' },
        { booleanValue: true },
        { isNull: true },
        { stringValue: '2026-01-02' },
      ],
    ]);
    assert.equal(TotalNumRows, 1);
    assert.deepEqual(
      ColumnMetadata?.slice(0, 2).map(({ name, typeName }) => [name, typeName]),
      [
        ['n', 'int4'],
        ['f', 'float8'],
      ],
    );
  });

  test('a batch is one transaction, whose statements have their own answers', async (t) => {
    const { batch, execute, result } = await setUp(t);
    const good = await batch([
      'CREATE TABLE x (id INT)',
      'INSERT INTO x VALUES (1), (2)',
      'SELECT COUNT(*) FROM x',
    ]);
    assert.equal(good.Status, 'FINISHED');
    assert.deepEqual(
      good.SubStatements?.map(({ Id, Status, ResultRows }) => [Id?.split(':')[1], Status, ResultRows]),
      [
        ['1', 'FINISHED', -1],
        ['2', 'FINISHED', 2],
        ['3', 'FINISHED', 1],
      ],
    );
    assert.deepEqual((await result(`${good.Id}:3`)).Records, [[{ longValue: 2 }]]);
    await assert.rejects(result(`${good.Id}:2`), { name: 'ResourceNotFoundException' });

    const bad = await batch(['INSERT INTO x VALUES (3)', 'SELECT nothing FROM x', 'SELECT 1']);
    assert.equal(bad.Status, 'FAILED');
    assert.equal(bad.Error, 'Query #2 failed with ERROR: column "nothing" does not exist');
    assert.deepEqual(
      bad.SubStatements?.map(({ Status }) => Status),
      ['FINISHED', 'FAILED', 'ABORTED'],
    );
    assert.deepEqual((await result((await execute('SELECT COUNT(*) FROM x')).Id)).Records, [
      [{ longValue: 2 }],
    ]);
  });

  test('the same client token runs once', async (t) => {
    const { batch, execute, result } = await setUp(t);
    await execute('CREATE TABLE x (id INT)');
    const [first, second] = [
      await batch(['INSERT INTO x VALUES (1)'], 'token'),
      await batch(['INSERT INTO x VALUES (1)'], 'token'),
    ];
    assert.equal(first.Id, second.Id);
    assert.deepEqual((await result((await execute('SELECT COUNT(*) FROM x')).Id)).Records, [
      [{ longValue: 1 }],
    ]);
  });

  test('parameters are values, whatever they contain', async (t) => {
    const { execute, result } = await setUp(t);
    const value = "it's; DROP TABLE x -- :other";
    const { Id } = await execute("SELECT :text AS a, ':text' AS b, 1::int AS c", {
      Parameters: [{ name: 'text', value }],
    });
    assert.deepEqual((await result(Id)).Records, [
      [{ stringValue: value }, { stringValue: ':text' }, { longValue: 1 }],
    ]);
    assert.match((await execute('SELECT :missing')).Error ?? '', /syntax error at or near ":missing"/);
  });

  test('COPY reads with the default role of the namespace', async (t) => {
    const { batch, context, objects, result } = await setUp(t);
    const body = new Uint8Array(
      parquetWriteBuffer({ columnData: [{ name: 'id', data: ['a', 'b'], type: 'STRING' }] }),
    );
    objects.set('s3://lake/part', body);
    objects.set(
      's3://lake/manifest',
      Buffer.from(
        JSON.stringify({ entries: [{ url: 's3://lake/part', meta: { content_length: body.length } }] }),
      ),
    );
    const { Id, Error: error } = await batch([
      'CREATE TABLE x (id VARCHAR(10))',
      "COPY x FROM 's3://lake/manifest' IAM_ROLE default FORMAT PARQUET MANIFEST",
      'SELECT COUNT(*) FROM x',
    ]);
    assert.equal(error, undefined);
    assert.deepEqual((await result(`${Id}:3`)).Records, [[{ longValue: 2 }]]);
    const read = context.calls.filter(({ operation }) => operation === 'GetObject');
    assert.deepEqual(
      [...new Set(read.map(({ caller }) => caller.kind === 'role' && caller.roleArn))],
      [ROLE],
    );
    const { Error: refusal } = await batch([
      "COPY x FROM 's3://lake/manifest' IAM_ROLE 'arn:aws:iam::123456789012:role/Other' FORMAT PARQUET MANIFEST",
    ]);
    assert.match(refusal ?? '', /not authorized to assume IAM Role/);
  });

  test('a running statement can be cancelled, a finished one cannot', async (t) => {
    const { client, execute } = await setUp(t);
    const { Id } = await client.send(
      new ExecuteStatementCommand({ ...AT, Sql: 'SELECT COUNT(*) FROM range(1000000000000)' }),
    );
    assert.deepEqual((await client.send(new CancelStatementCommand({ Id }))).Status, true);
    assert.equal((await client.send(new DescribeStatementCommand({ Id }))).Status, 'ABORTED');
    const finished = await execute('SELECT 1');
    await assert.rejects(
      client.send(new CancelStatementCommand({ Id: finished.Id })),
      /already in FINISHED state/,
    );
  });

  test('its end is told on the event bus where that was asked for', async (t) => {
    const { context, execute } = await setUp(t);
    await execute('SELECT 1');
    const { Id } = await execute('SELECT 1', { WithEvent: true, StatementName: 'named' });
    assert.deepEqual(
      context.events.map(({ detail }) => [detail.statementId, detail.statementName, detail.state]),
      [[Id, 'named', 'FINISHED']],
    );
  });

  test('schemas, tables and columns can be listed', async (t) => {
    const { batch, client } = await setUp(t);
    await batch(['CREATE SCHEMA lake', 'CREATE TABLE lake.docs (id VARCHAR(5), n BIGINT)']);
    assert.deepEqual((await client.send(new ListSchemasCommand({ ...AT, SchemaPattern: 'l%' }))).Schemas, [
      'lake',
    ]);
    assert.deepEqual((await client.send(new ListTablesCommand(AT))).Tables, [
      { name: 'docs', schema: 'lake', type: 'TABLE' },
    ]);
    const { ColumnList } = await client.send(
      new DescribeTableCommand({ ...AT, Schema: 'lake', Table: 'docs' }),
    );
    assert.deepEqual(
      ColumnList?.map(({ name, typeName }) => [name, typeName]),
      [
        ['id', 'varchar'],
        ['n', 'int8'],
      ],
    );
  });

  test('limits of the API are kept', async (t) => {
    const { client } = await setUp(t);
    const invalid = { name: 'ValidationException' };
    await assert.rejects(
      client.send(new ExecuteStatementCommand({ ...AT, Sql: `SELECT '${'x'.repeat(102_400)}'` })),
      invalid,
    );
    await assert.rejects(
      client.send(new BatchExecuteStatementCommand({ ...AT, Sqls: Array(41).fill('SELECT 1') })),
      invalid,
    );
    await assert.rejects(
      client.send(new ExecuteStatementCommand({ Database: 'dev', WorkgroupName: 'none', Sql: 'SELECT 1' })),
      invalid,
    );
    await assert.rejects(client.send(new DescribeStatementCommand({ Id: 'none' })), {
      name: 'ResourceNotFoundException',
    });
  });
});

describe('permissions', () => {
  const caller: Caller = { kind: 'role', roleArn: 'arn:aws:iam::123456789012:role/Loader', sessionName: 's' };

  test('the workgroup, and the secret or temporary credentials', async (t) => {
    const { context, workgroup, data } = await setUp(t);
    const arn = workgroup.attributes['Workgroup.WorkgroupArn'];
    const asked = async (more: object) => {
      context.authorized.length = 0;
      context.calls.length = 0;
      await data.operations?.ExecuteStatement?.handle(
        { ...AT, Sql: 'SELECT 1', ...more, ...WAIT },
        { caller },
      );
      return context.authorized
        .filter((request) => request.caller === caller)
        .map(({ action, resource }) => [action, resource]);
    };
    assert.deepEqual(await asked({}), [
      ['redshift-data:ExecuteStatement', arn],
      ['redshift-serverless:GetCredentials', arn],
    ]);
    assert.deepEqual(await asked({ SecretArn: 'secret' }), [['redshift-data:ExecuteStatement', arn]]);
    const [read] = context.calls.filter(({ operation }) => operation === 'GetSecretValue');
    assert.deepEqual([read?.caller, read?.input], [caller, { SecretId: 'secret' }]);
  });

  test('a role sees its own statements only', async (t) => {
    const { client, context, execute } = await setUp(t);
    const { Id } = await execute('SELECT 1');
    await assert.rejects(context.call('redshift-data', 'DescribeStatement', { Id }, caller), {
      name: 'ResourceNotFoundException',
    });
    assert.deepEqual(await context.call('redshift-data', 'ListStatements', {}, caller), { Statements: [] });
    assert.equal((await client.send(new ListStatementsCommand({}))).Statements?.length, 1);
  });
});

describe('after a kill', () => {
  const victim = fileURLToPath(new URL('redshift-victim.ts', import.meta.url));

  async function killed(t: TestContext, when: string) {
    const dataDir = await mkdtemp(join(tmpdir(), 'redshift-'));
    t.after(() => rm(dataDir, { recursive: true }));
    const before = new FakeContext({ dataDir, realTime: true });
    const first = await dataService(before);
    await before.call(
      'redshift-data',
      'ExecuteStatement',
      { ...AT, Sql: 'CREATE TABLE kept (id VARCHAR(5))', ...WAIT },
      ADMINISTRATOR,
    );
    await first.data.stop?.();

    const child = spawn(process.execPath, [victim, dataDir, when], { stdio: ['ignore', 'pipe', 'inherit'] });
    let id = '';
    child.stdout.on('data', (chunk) => (id += chunk));
    const [, signal] = await once(child, 'close');
    assert.equal(signal, 'SIGKILL');

    const context = new FakeContext({ dataDir, realTime: true });
    const { data } = await dataService(context);
    t.after(() => data.stop?.());
    const ask = (operation: string, input: object) =>
      context.call('redshift-data', operation, { ...input }, ADMINISTRATOR);
    const { Id: countId } = await ask('ExecuteStatement', {
      ...AT,
      Sql: 'SELECT COUNT(*) FROM kept',
      ...WAIT,
    });
    const { Records } = await ask('GetStatementResult', { Id: countId });
    return { id, described: await ask('DescribeStatement', { Id: id }), Records, ask };
  }

  test('a statement that had not committed is failed and left nothing', async (t) => {
    const { described, Records } = await killed(t, 'before-commit');
    assert.equal(described.Status, 'FAILED');
    assert.match(String(described.Error), /interrupted because the local runtime stopped/);
    assert.deepEqual(Records, [[{ longValue: 0 }]]);
  });

  test('a statement that had committed is finished and has its results', async (t) => {
    const { id, described, Records, ask } = await killed(t, 'after-commit');
    assert.equal(described.Status, 'FINISHED');
    assert.deepEqual(Records, [[{ longValue: 1 }]]);
    assert.deepEqual((await ask('GetStatementResult', { Id: `${id}:2` })).Records, [[{ longValue: 1 }]]);
  });
});

describe('serverless', () => {
  test('a namespace makes its secret once and a workgroup has the attributes of CloudFormation', async (t) => {
    const { namespace, workgroup, provision } = await setUp(t);
    const again = await provision('AWS::RedshiftServerless::Namespace', {
      NamespaceName: 'namespace',
      ManageAdminPassword: 'true',
    });
    const secret = namespace.attributes['Namespace.AdminPasswordSecretArn'];
    assert.match(String(secret), /secret:redshift!namespace-admin/);
    assert.equal(again.attributes['Namespace.AdminPasswordSecretArn'], secret);
    assert.match(
      String(workgroup.attributes['Workgroup.WorkgroupArn']),
      /^arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup\/[0-9a-f-]{36}$/,
    );
    assert.equal(workgroup.attributes['Workgroup.Endpoint.Port'], '5439');
  });

  test("the CDK's custom resources for the password and the usage limit are answered", async (t) => {
    const { provision, namespace, workgroup } = await setUp(t);
    const admin = await provision('Custom::RedshiftServerlessAdminSecret', {
      Create: JSON.stringify({
        service: 'redshift-serverless',
        action: 'GetNamespace',
        parameters: { namespaceName: 'namespace' },
        physicalResourceId: { responsePath: 'namespace.namespaceId' },
      }),
    });
    assert.equal(
      admin.attributes['namespace.adminPasswordSecretArn'],
      namespace.attributes['Namespace.AdminPasswordSecretArn'],
    );
    const limit = await provision('Custom::RedshiftServerlessUsageLimit', {
      Create: JSON.stringify({
        action: 'CreateUsageLimit',
        parameters: {
          amount: 10,
          breachAction: 'deactivate',
          resourceArn: workgroup.attributes['Workgroup.WorkgroupArn'],
          usageType: 'serverless-compute',
          period: 'daily',
        },
        physicalResourceId: { responsePath: 'usageLimit.usageLimitId' },
      }),
    });
    assert.equal(limit.attributes['usageLimit.amount'], 10);
    assert.match(limit.ref, /^[0-9a-f-]{36}$/);
  });
});
