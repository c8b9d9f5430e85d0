import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { createDynamodb } from '../../local/services/dynamodb/index.ts';
import { ADMINISTRATOR, FakeContext, resource, serveJson } from './fake-context.ts';

const string = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' });
const TABLE = resource('AWS::DynamoDB::Table', {
  TableName: 'audit',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [string('pk'), string('sk'), string('status')],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'by-status',
      KeySchema: [
        { AttributeName: 'status', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
  TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
  DeletionProtectionEnabled: true,
});

async function setUp(t: TestContext) {
  const context = new FakeContext();
  const service = context.use(t, createDynamodb(context));
  const provisioned = await service.resources?.['AWS::DynamoDB::Table']?.(TABLE);
  await service.start?.();
  const client = new DynamoDBClient({
    endpoint: await serveJson(t, context, 'dynamodb'),
    region: context.region,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  });
  t.after(() => client.destroy());
  return { context, service, client, provisioned };
}

const item = (sk: string, extra = {}) => ({
  pk: { S: 'file' },
  sk: { S: sk },
  status: { S: 'RECEIVED' },
  ...extra,
});

test('a conditional write that fails returns the item that stood in its way', async (t) => {
  const { client, provisioned } = await setUp(t);
  assert.equal(provisioned?.attributes.Arn, 'arn:aws:dynamodb:eu-west-1:123456789012:table/audit');
  const put = new PutItemCommand({
    TableName: 'audit',
    Item: item('CURRENT'),
    ConditionExpression: 'attribute_not_exists(pk)',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  await client.send(put);
  await assert.rejects(client.send(put), { name: 'ConditionalCheckFailedException', Item: item('CURRENT') });
});

test('indexes follow updates and are queried in order of their sort key', async (t) => {
  const { client } = await setUp(t);
  for (const sk of ['3', '1', '2'])
    await client.send(new PutItemCommand({ TableName: 'audit', Item: item(sk) }));
  await client.send(
    new UpdateItemCommand({
      TableName: 'audit',
      Key: { pk: { S: 'file' }, sk: { S: '2' } },
      UpdateExpression: 'SET #s = :s',
      ExpressionAttributeNames: { '#s': 'status' },
      ExpressionAttributeValues: { ':s': { S: 'SUCCEEDED' } },
    }),
  );
  const { Items } = await client.send(
    new QueryCommand({
      TableName: 'audit',
      IndexName: 'by-status',
      KeyConditionExpression: '#s = :s',
      ExpressionAttributeNames: { '#s': 'status' },
      ExpressionAttributeValues: { ':s': { S: 'RECEIVED' } },
      ScanIndexForward: false,
    }),
  );
  assert.deepEqual(
    Items?.map(({ sk }) => sk?.S),
    ['3', '1'],
  );
});

test('items whose time to live has passed go away', async (t) => {
  const { context, client } = await setUp(t);
  const described = await client.send(new DescribeTimeToLiveCommand({ TableName: 'audit' }));
  assert.deepEqual(described.TimeToLiveDescription, { TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' });
  const seconds = Math.floor(context.clock.now() / 1000);
  await client.send(
    new PutItemCommand({ TableName: 'audit', Item: item('old', { ttl: { N: String(seconds + 10) } }) }),
  );
  await client.send(
    new PutItemCommand({ TableName: 'audit', Item: item('new', { ttl: { N: String(seconds + 999) } }) }),
  );
  await context.manual.advance(60_000);
  for (;;) {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: 'audit',
        KeyConditionExpression: 'pk = :p',
        ExpressionAttributeValues: { ':p': { S: 'file' } },
      }),
    );
    if (Items.length === 1) return assert.equal(Items[0]?.sk?.S, 'new');
  }
});

test('calls are authorised on tables and indexes, batches on every table they name', async (t) => {
  const { context, service } = await setUp(t);
  const base = 'arn:aws:dynamodb:eu-west-1:123456789012:table';
  const { Query, BatchWriteItem } = service.operations ?? {};
  assert.deepEqual(Query?.resources?.({ TableName: 'audit', IndexName: 'by-status' }), [
    `${base}/audit/index/by-status`,
  ]);
  assert.deepEqual(BatchWriteItem?.resources?.({ RequestItems: { a: [], b: [] } }), [
    `${base}/a`,
    `${base}/b`,
  ]);
  await assert.rejects(context.call('dynamodb', 'DeleteTable', { TableName: 'audit' }, ADMINISTRATOR), {
    message: /protected against deletion/,
  });
});

test('what was acknowledged survives a SIGKILL', async (t) => {
  const context = new FakeContext();
  const script = `
    import { createDynamodb } from ${JSON.stringify(new URL('../../local/services/dynamodb/index.ts', import.meta.url).href)};
    const service = createDynamodb(${JSON.stringify({ dataDir: context.dataDir, account: context.account, region: context.region })});
    await service.resources['AWS::DynamoDB::Table'](${JSON.stringify(TABLE)});
    for (let n = 0; n < 100; n++) {
      await service.operations.PutItem.handle({ TableName: 'audit', Item: { pk: { S: 'file' }, sk: { S: String(n) } } }, {});
    }
    process.stdout.write('acknowledged');
    setInterval(() => {}, 1000);`;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  context.use(t, createDynamodb(context));
  const { Count } = await context.call(
    'dynamodb',
    'Scan',
    { TableName: 'audit', Select: 'COUNT' },
    ADMINISTRATOR,
  );
  assert.equal(Count, 100);
});

test('a missing item reads as none', async (t) => {
  const { client } = await setUp(t);
  const { Item } = await client.send(
    new GetItemCommand({ TableName: 'audit', Key: { pk: { S: 'x' }, sk: { S: 'y' } } }),
  );
  assert.equal(Item, undefined);
});
