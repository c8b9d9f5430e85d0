import { z } from 'zod';
import type { ObservedCall } from '../local/endpoint/observe.ts';
import type { RuntimeContext, Shape } from '../local/services/service.ts';

const WRITE_UNIT_BYTES = 1024;
const Item = z.record(z.string(), z.record(z.string(), z.unknown()));
type Item = z.infer<typeof Item>;

const KeySchema = z.array(z.object({ AttributeName: z.string() }));
const Described = z.object({
  Table: z.object({
    KeySchema,
    GlobalSecondaryIndexes: z
      .array(z.object({ KeySchema, Projection: z.object({ ProjectionType: z.literal('ALL') }) }))
      .default([]),
  }),
});
type Table = z.infer<typeof Described>['Table'];

const Write = z.object({ TableName: z.string(), Key: Item.optional(), Item: Item.optional() });

const ADMINISTRATOR = { kind: 'administrator' } as const;

export interface WrittenUnits {
  readonly units: number;
  /** The item as it is now. */
  readonly item: Item;
}

/**
 * Write request units as DynamoDB bills them, in the table and in its indexes: one for each begun kilobyte of the larger
 * item, before or after; in an index two where its key changes (one removes, one puts), one where it appears or only
 * something else changes, none where nothing does. A write whose condition fails is billed for the table.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html (provisioned throughput considerations)
 */
export class WriteUnits {
  readonly #context: RuntimeContext;
  readonly #tables = new Map<string, Promise<Table>>();
  readonly #items = new Map<string, Item>();

  constructor(context: RuntimeContext) {
    this.#context = context;
  }

  async of(call: ObservedCall): Promise<WrittenUnits> {
    const write = Write.parse(call.input);
    const table = await this.#table(write.TableName);
    const source: Item = write.Key ?? write.Item ?? {};
    const Key = Object.fromEntries(
      table.KeySchema.map(({ AttributeName }) => [AttributeName, source[AttributeName] ?? {}]),
    );
    const id = JSON.stringify([write.TableName, Key]);
    const before = this.#items.get(id) ?? {};
    const after = await this.#get(write.TableName, Key);
    this.#items.set(id, after);
    const size = units(before, after);
    const inIndexes = call.error === undefined ? table.GlobalSecondaryIndexes : [];
    const index = inIndexes.map(({ KeySchema }) => indexWrites(KeySchema, before, after) * size);
    return { units: size + index.reduce((total, value) => total + value, 0), item: after };
  }

  #table(name: string): Promise<Table> {
    const known = this.#tables.get(name);
    if (known) return known;
    const described = this.#call('DescribeTable', { TableName: name }).then(
      (answer) => Described.parse(answer).Table,
    );
    this.#tables.set(name, described);
    return described;
  }

  async #get(TableName: string, Key: Item): Promise<Item> {
    const answer = await this.#call('GetItem', { TableName, Key, ConsistentRead: true });
    return Item.parse(answer.Item ?? {});
  }

  #call(operation: string, input: Shape): Promise<Shape> {
    return this.#context.call('dynamodb', operation, input, ADMINISTRATOR);
  }
}

function indexWrites(schema: z.infer<typeof KeySchema>, before: Item, after: Item): number {
  const keyOf = (item: Item) => {
    const values = schema.map(({ AttributeName }) => item[AttributeName]);
    return values.includes(undefined) ? undefined : JSON.stringify(values);
  };
  const [was, is] = [keyOf(before), keyOf(after)];
  if (was !== is) return (was === undefined ? 0 : 1) + (is === undefined ? 0 : 1);
  return is !== undefined && JSON.stringify(before) !== JSON.stringify(after) ? 1 : 0;
}

const units = (...items: Item[]) =>
  Math.max(1, Math.ceil(Math.max(...items.map(bytesOf)) / WRITE_UNIT_BYTES));

/** Names and values; the types cost nothing worth counting. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.reduce((total: number, item) => total + 1 + bytesOf(item), 3);
  if (typeof value !== 'object' || value === null) return 1;
  return Object.entries(value).reduce(
    (total, [name, inner]) => total + (name.length > 2 ? Buffer.byteLength(name) : 0) + bytesOf(inner),
    0,
  );
}
