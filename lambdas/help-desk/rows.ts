import {
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { attributes, type Plain, plainOf } from '../shared/audit.ts';
import { isNamed } from '../shared/errors.ts';
import { TICKETS, type TicketState } from './contract.ts';

export type Row = { readonly [name: string]: Plain };
type Schema = z.ZodMiniType;

export interface Update {
  readonly expression: string;
  readonly condition: string;
  /** Names of attributes by what the expressions call them, there with `#` before it. */
  readonly names: Readonly<Record<string, string>>;
  /** Values by what the expressions call them, there with `:` before it. */
  readonly values: Row;
}

/** The rows of the tickets table, in and out as plain JSON. */
export class Rows {
  readonly #dynamo: Pick<DynamoDBClient, 'send'>;
  readonly #table: string;

  constructor(dynamo: Pick<DynamoDBClient, 'send'>, table: string) {
    this.#dynamo = dynamo;
    this.#table = table;
  }

  /** A row as it is now. */
  async get<S extends Schema>(pk: string, sk: string, schema: S): Promise<z.output<S> | undefined> {
    const { Item } = await this.#dynamo.send(
      new GetItemCommand({ TableName: this.#table, Key: attributes({ pk, sk }), ConsistentRead: true }),
    );
    return Item && z.parse(schema, plainOf(Item));
  }

  /**
   * Writes a row. Answers false when the condition does not hold.
   * @param values what the condition compares the attributes of the same names with: `#Name = :Name`
   */
  async put(row: Row, condition?: string, values: Row = {}): Promise<boolean> {
    const names = Object.keys(values);
    const written = await ifSo(
      this.#dynamo.send(
        new PutItemCommand({
          TableName: this.#table,
          Item: attributes(row),
          ...(condition && { ConditionExpression: condition }),
          // DynamoDB refuses empty maps.
          ...(names.length > 0 && {
            ExpressionAttributeNames: prefixed('#', Object.fromEntries(names.map((name) => [name, name]))),
            ExpressionAttributeValues: prefixed(':', attributes(values)),
          }),
        }),
      ),
    );
    return written !== undefined;
  }

  /** Changes a row. Answers it as it is then, or undefined when the condition does not hold. */
  async update<S extends Schema>(
    pk: string,
    sk: string,
    { expression, condition, names, values }: Update,
    schema: S,
  ): Promise<z.output<S> | undefined> {
    const answer = await ifSo(
      this.#dynamo.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: attributes({ pk, sk }),
          UpdateExpression: expression,
          ConditionExpression: condition,
          ExpressionAttributeNames: prefixed('#', names),
          ExpressionAttributeValues: prefixed(':', attributes(values)),
          ReturnValues: 'ALL_NEW',
        }),
      ),
    );
    return answer && z.parse(schema, plainOf(answer.Attributes ?? {}));
  }

  /**
   * Pages of the index of states, from a time on. The index is a little behind the table.
   * @param counted whether only the number of rows is wanted
   */
  async *inState(state: TicketState, since: string, counted = false) {
    const { name, partitionKey, sortKey } = TICKETS.byState;
    let next: Parameters<typeof plainOf>[0] | undefined;
    do {
      const page = await this.#dynamo.send(
        new QueryCommand({
          TableName: this.#table,
          IndexName: name,
          KeyConditionExpression: '#state = :state AND #at >= :since',
          ExpressionAttributeNames: { '#state': partitionKey, '#at': sortKey },
          ExpressionAttributeValues: prefixed(':', attributes({ state, since })),
          ...(counted && { Select: 'COUNT' }),
          ...(next && { ExclusiveStartKey: next }),
        }),
      );
      yield page;
      next = page.LastEvaluatedKey;
    } while (next);
  }
}

/** What a write answers; undefined when its condition did not hold. */
async function ifSo<Answer>(write: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isNamed(error, 'ConditionalCheckFailedException')) return undefined;
    throw error;
  }
}

function prefixed<Value>(prefix: string, values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
}
