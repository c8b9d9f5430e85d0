import { join } from 'node:path';
import { z } from 'zod';
import { flag, object, operation } from '../operation.ts';
import {
  AwsError,
  type LocalService,
  type Operation,
  type Operations,
  type ProvisionedResource,
  type ResourceRequest,
  type RuntimeContext,
  type Shape,
} from '../service.ts';
import { ChangeLog } from './change-log.ts';
import { Engine, type EngineOperation, OPERATIONS } from './engine.ts';
import { exportOperations } from './exports.ts';
import { TableSettings } from './tables.ts';

/** DynamoDB promises to delete within days; here it takes at most this long. */
const TTL_INTERVAL_MS = 60_000;

const Ttl = z.object({ AttributeName: z.string(), Enabled: flag });
const Recovery = z.object({ PointInTimeRecoveryEnabled: flag });
const OfTable = z.object({ TableName: z.string() });
const Key = z.array(z.object({ AttributeName: z.string(), KeyType: z.string() }));
const Described = z.object({ Table: z.looseObject({ TableArn: z.string(), KeySchema: Key }) });
const Page = z.object({ Items: z.array(object).default([]), LastEvaluatedKey: object.optional() });

const TableProperties = z.looseObject({
  TableName: z.string().optional(),
  TimeToLiveSpecification: Ttl.optional(),
  PointInTimeRecoverySpecification: Recovery.optional(),
  DeletionProtectionEnabled: flag.optional(),
  /** Of a global table: what its replica in this region has. */
  Replicas: z
    .array(
      z.object({
        PointInTimeRecoverySpecification: Recovery.optional(),
        DeletionProtectionEnabled: flag.optional(),
      }),
    )
    .default([]),
});

const CREATE_MEMBERS = [
  'AttributeDefinitions',
  'KeySchema',
  'GlobalSecondaryIndexes',
  'LocalSecondaryIndexes',
  'BillingMode',
  'ProvisionedThroughput',
];
const INDEX_MEMBERS = ['IndexName', 'KeySchema', 'Projection', 'ProvisionedThroughput'];

/** Items that an operation writes: each with its table, and with its key or whole. */
const WRITES: Readonly<Partial<Record<EngineOperation, (input: Shape) => Shape[]>>> = {
  PutItem: (input) => [input],
  UpdateItem: (input) => [input],
  DeleteItem: (input) => [input],
  BatchWriteItem: ({ RequestItems }) =>
    Object.entries(Batch.parse(RequestItems)).flatMap(([TableName, requests]) =>
      requests.map(({ PutRequest, DeleteRequest }) => ({ TableName, ...PutRequest, ...DeleteRequest })),
    ),
};
const Batch = z.record(
  z.string(),
  z.array(z.object({ PutRequest: object.optional(), DeleteRequest: object.optional() })),
);

const pick = (shape: Shape, names: readonly string[]): Shape =>
  Object.fromEntries(Object.entries(shape).filter(([name]) => names.includes(name)));

/** DynamoDB by dynalite, with what dynalite leaves out: time to live, failed conditions that return the item. */
export function createDynamodb(context: RuntimeContext): LocalService {
  const directory = join(context.dataDir, 'dynamodb');
  const engine = new Engine(directory, context.account, context.region);
  const settings = new TableSettings(directory);
  const changes = new ChangeLog(directory);
  /** Attributes of the tables' keys, which never change. */
  const keyNames = new Map<string, readonly string[]>();
  let cancelTtl: (() => void) | undefined;

  /** The ARN of a table named or given by ARN, or of its index. */
  const arnOf = (table: string, index?: unknown) => {
    const arn = table.startsWith('arn:')
      ? table
      : `arn:aws:dynamodb:${context.region}:${context.account}:table/${table}`;
    return index === undefined ? arn : `${arn}/index/${index}`;
  };
  const nameOf = (table: string) => table.split('/').at(-1) ?? table;
  const oneTable = (input: Shape) =>
    typeof input.TableName === 'string' ? [arnOf(input.TableName, input.IndexName)] : ['*'];
  const manyTables = ({ RequestItems }: Shape) =>
    Object.keys(object.catch({}).parse(RequestItems)).map((t) => arnOf(t));
  const describe = async (TableName: string) =>
    Described.parse(await engine.run('DescribeTable', { TableName })).Table;

  async function run(name: EngineOperation, input: Shape): Promise<Shape> {
    const table = input.TableName;
    const named = typeof table === 'string' ? { ...input, TableName: nameOf(table) } : input;
    try {
      const answer = await engine.run(name, named);
      const writes = WRITES[name]?.(named) ?? [];
      for (const write of writes) await noteChange(write);
      return answer;
    } catch (error) {
      const wantsItem = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
      if (!wantsItem || !(error instanceof AwsError) || error.code !== 'ConditionalCheckFailedException')
        throw error;
      const { Item } = await engine.run('GetItem', {
        TableName: named.TableName,
        Key: await keyOf(named),
        ConsistentRead: true,
      });
      throw new AwsError(error.code, error.message, {
        members: Item === undefined ? {} : { Item },
        cause: error,
      });
    }
  }

  /** Keeps when an item was written, where exports may ask. */
  async function noteChange(write: Shape): Promise<void> {
    const table = nameOf(String(write.TableName));
    if (settings.get(table).pointInTimeRecovery) {
      changes.add(table, await keyOf({ ...write, TableName: table }), context.clock.now());
    }
  }

  /** The key of a write: given as such, or a part of the item. */
  async function keyOf(input: Shape): Promise<Shape> {
    if (input.Key !== undefined) return object.parse(input.Key);
    const table = String(input.TableName);
    const names =
      keyNames.get(table) ?? (await describe(table)).KeySchema.map(({ AttributeName }) => AttributeName);
    keyNames.set(table, names);
    return pick(object.parse(input.Item), names);
  }

  async function expire(): Promise<void> {
    const now = Math.floor(context.clock.now() / 1000);
    for (const [TableName, attribute] of settings.expiring()) {
      let ExclusiveStartKey: Shape | undefined;
      do {
        const page = Page.parse(
          await engine.run('Scan', {
            TableName,
            FilterExpression: '#ttl < :now',
            ExpressionAttributeNames: { '#ttl': attribute },
            ExpressionAttributeValues: { ':now': { N: String(now) } },
            ...(ExclusiveStartKey && { ExclusiveStartKey }),
          }),
        );
        for (const Item of page.Items) {
          await engine.run('DeleteItem', { TableName, Key: await keyOf({ TableName, Item }) });
        }
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
    }
  }

  function armTtl(): void {
    cancelTtl = context.clock.after(TTL_INTERVAL_MS, () => {
      expire()
        .catch((error: unknown) => context.warn(`DynamoDB could not expire items: ${error}`))
        .finally(() => cancelTtl && armTtl());
    });
  }

  const engineOperation = (name: EngineOperation): [string, Operation] => [
    name,
    {
      resources: name.startsWith('Batch')
        ? manyTables
        : name.startsWith('ListTables')
          ? () => ['*']
          : oneTable,
      handle: (input) => run(name, input),
    },
  ];

  const operations: Operations = {
    ...Object.fromEntries(OPERATIONS.map(engineOperation)),
    CreateTable: operation(z.looseObject({ TableName: z.string() }), {
      resources: oneTable,
      handle: async (input) => {
        const created = await engine.run('CreateTable', input);
        await engine.activate(input.TableName);
        return created;
      },
    }),
    DeleteTable: operation(OfTable, {
      resources: oneTable,
      handle: async ({ TableName }) => {
        const name = nameOf(TableName);
        if (settings.get(name).deletionProtection) {
          throw new AwsError(
            'ValidationException',
            `Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first. (${name})`,
          );
        }
        const deleted = await engine.run('DeleteTable', { TableName: name });
        settings.delete(name);
        changes.forget(name);
        keyNames.delete(name);
        return deleted;
      },
    }),
    DescribeTable: operation(OfTable, {
      resources: oneTable,
      handle: async ({ TableName }) => {
        const Table = await describe(nameOf(TableName));
        return {
          Table: { ...Table, DeletionProtectionEnabled: settings.get(nameOf(TableName)).deletionProtection },
        };
      },
    }),
    DescribeTimeToLive: operation(OfTable, {
      resources: oneTable,
      handle: async ({ TableName }) => {
        await describe(nameOf(TableName));
        const { ttlAttribute } = settings.get(nameOf(TableName));
        const status = ttlAttribute === undefined ? 'DISABLED' : 'ENABLED';
        return { TimeToLiveDescription: { TimeToLiveStatus: status, AttributeName: ttlAttribute } };
      },
    }),
    UpdateTimeToLive: operation(OfTable.extend({ TimeToLiveSpecification: Ttl }), {
      resources: oneTable,
      handle: async ({ TableName, TimeToLiveSpecification }) => {
        await describe(nameOf(TableName));
        const { Enabled, AttributeName } = TimeToLiveSpecification;
        settings.set(nameOf(TableName), { ttlAttribute: Enabled ? AttributeName : undefined });
        return { TimeToLiveSpecification };
      },
    }),
    ...exportOperations({
      context,
      changes,
      run,
      hasRecovery: (table) => settings.get(table).pointInTimeRecovery,
    }),
    DescribeContinuousBackups: operation(OfTable, {
      resources: oneTable,
      handle: async ({ TableName }) => {
        await describe(nameOf(TableName));
        const { pointInTimeRecovery } = settings.get(nameOf(TableName));
        return {
          ContinuousBackupsDescription: {
            ContinuousBackupsStatus: 'ENABLED',
            PointInTimeRecoveryDescription: {
              PointInTimeRecoveryStatus: pointInTimeRecovery ? 'ENABLED' : 'DISABLED',
            },
          },
        };
      },
    }),
  };

  async function provision({ properties, generatedName }: ResourceRequest): Promise<ProvisionedResource> {
    const { TableName = generatedName, Replicas, ...wanted } = TableProperties.parse(properties);
    const create = pick(properties, CREATE_MEMBERS);
    for (const kind of ['GlobalSecondaryIndexes', 'LocalSecondaryIndexes']) {
      if (create[kind])
        create[kind] = z
          .array(object)
          .parse(create[kind])
          .map((index) => pick(index, INDEX_MEMBERS));
    }
    const { TableNames } = z
      .object({ TableNames: z.array(z.string()) })
      .parse(await engine.run('ListTables', {}));
    if (!TableNames.includes(TableName)) {
      await engine.run('CreateTable', { BillingMode: 'PROVISIONED', ...create, TableName });
    }
    await engine.activate(TableName);
    const [replica] = Replicas;
    const ttl = wanted.TimeToLiveSpecification;
    settings.set(TableName, {
      ttlAttribute: ttl?.Enabled ? ttl.AttributeName : undefined,
      pointInTimeRecovery:
        (wanted.PointInTimeRecoverySpecification ?? replica?.PointInTimeRecoverySpecification)
          ?.PointInTimeRecoveryEnabled ?? false,
      deletionProtection: wanted.DeletionProtectionEnabled ?? replica?.DeletionProtectionEnabled ?? false,
    });
    const { TableArn, TableId } = z
      .object({ TableArn: z.string(), TableId: z.string() })
      .parse(await describe(TableName));
    return { ref: TableName, attributes: { Arn: TableArn, TableId } };
  }

  return {
    signingNames: ['dynamodb'],
    iamPrefix: 'dynamodb',
    operations,
    resources: { 'AWS::DynamoDB::Table': provision, 'AWS::DynamoDB::GlobalTable': provision },
    start: armTtl,
    async stop() {
      cancelTtl?.();
      cancelTtl = undefined;
      changes.close();
      await engine.close();
    },
  };
}
