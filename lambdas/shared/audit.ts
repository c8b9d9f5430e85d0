import { type AttributeValue, type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { AUDIT, type AuditStatus } from './contract.ts';
import { isNamed } from './errors.ts';

/** What an attribute of an item may hold. `undefined` members are left out. */
export type Plain =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Plain[]
  | { readonly [name: string]: Plain };

/** A value as DynamoDB takes it. */
export function attribute(value: Exclude<Plain, undefined>): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (isList(value)) return { L: value.filter((item) => item !== undefined).map(attribute) };
  return { M: attributes(value) };
}

/** An item, or a map, as DynamoDB takes it. */
export function attributes(value: { readonly [name: string]: Plain }): Record<string, AttributeValue> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) =>
      member === undefined ? [] : [[name, attribute(member)]],
    ),
  );
}

// Array.isArray does not narrow readonly arrays.
function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

/**
 * An item as DynamoDB answers it, as plain JSON. Numbers lose what a JavaScript number cannot hold.
 * @throws TypeError for sets and bytes, which no item of this project has
 */
export function plainOf(item: Record<string, AttributeValue>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.NULL !== undefined) return null;
  if (value.L !== undefined) return value.L.map(plainValue);
  if (value.M !== undefined) return plainOf(value.M);
  throw new TypeError(`An attribute of type ${Object.keys(value)} is none of this project.`);
}

/** Key of the item that holds the current state of a file or load. */
export function currentKey(id: string): Record<string, AttributeValue> {
  return { [AUDIT.partitionKey]: { S: id }, [AUDIT.sortKey]: { S: 'CURRENT' } };
}

/**
 * Sort key attributes of the two sharded indexes.
 * @param id file id or load id: its first hex digit is the shard
 * @param time ISO 8601, UTC
 */
export function shardsOf(id: string, status: AuditStatus, pipeline: string, time: string) {
  const suffix = `${time.slice(0, 10)}#${id.slice(0, 1)}`;
  return { StatusShard: `${status}#${suffix}`, PipelineShard: `${pipeline}#${suffix}` };
}

/** One thing that happened to a file or a load. */
export interface HistoryRow {
  /** File id or load id. */
  readonly id: string;
  /** ISO 8601 with milliseconds, UTC. */
  readonly time: string;
  /** Unique within the id; a function of what happened, so that writing it again changes nothing. */
  readonly eventId: string;
  readonly fileName: string;
  /** An audit status, or a load status. */
  readonly status: string;
  readonly detail?: { readonly [name: string]: Plain };
}

/** Adds a row to the history. Answers whether it is new. */
export async function putHistory(
  dynamo: Pick<DynamoDBClient, 'send'>,
  table: string,
  row: HistoryRow,
): Promise<boolean> {
  try {
    await dynamo.send(
      new PutItemCommand({
        TableName: table,
        Item: attributes({
          [AUDIT.partitionKey]: row.id,
          [AUDIT.sortKey]: `${row.time}#${row.eventId}`,
          EventId: row.eventId,
          FileName: row.fileName,
          Status: row.status,
          Timestamp: row.time,
          Detail: row.detail ?? {},
        }),
        ConditionExpression: 'attribute_not_exists(#pk)',
        ExpressionAttributeNames: { '#pk': AUDIT.partitionKey },
      }),
    );
    return true;
  } catch (error) {
    if (isNamed(error, 'ConditionalCheckFailedException')) return false;
    throw error;
  }
}
