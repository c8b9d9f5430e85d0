import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { attributes, currentKey, type Plain, putHistory, shardsOf } from '../shared/audit.ts';
import { isNamed } from '../shared/errors.ts';
import type { Change } from './change.ts';
import { STATUS_RANK } from './contract.ts';

/** What became of a change. */
export interface Recorded {
  /** Whether the history did not have it yet. */
  readonly isNews: boolean;
  /** Whether it is the current state now. */
  readonly isCurrent: boolean;
}

/**
 * Writes a change to the audit table. In whatever order changes arrive, twice or late, the current state ends the same:
 * a success stays, and otherwise the latest counts.
 */
export async function record(
  change: Change,
  dynamo: Pick<DynamoDBClient, 'send'>,
  table: string,
): Promise<Recorded> {
  // The current state first: the history row is what says that all is written.
  const isCurrent = change.isOwn && (await updateCurrent(change, dynamo, table));
  const isNews = await putHistory(dynamo, table, {
    id: change.id,
    time: change.time,
    eventId: change.eventId,
    fileName: change.fileName,
    status: change.status,
    detail: {
      Pipeline: change.pipeline,
      ExecutionArn: change.executionArn,
      DurationMs: change.durationMs,
      Reason: change.reason && { ...change.reason },
    },
  });
  return { isNews, isCurrent };
}

/** A success is replaced by nothing but a later success (of a rerun). */
const UNLESS_LATER_SUCCESS = '#Status <> :succeeded OR #Timestamp < :Timestamp';

const IF_LATER_AND_NO_SUCCESS =
  '#Status = :received OR (#Status <> :succeeded AND (#Timestamp < :Timestamp OR (#Timestamp = :Timestamp AND #StatusRank < :StatusRank)))';

async function updateCurrent(
  change: Change,
  dynamo: Pick<DynamoDBClient, 'send'>,
  table: string,
): Promise<boolean> {
  const { id, status, pipeline, time, reason } = change;
  const values: Record<string, Plain> = {
    EventId: change.eventId,
    Pipeline: pipeline,
    Status: status,
    StatusRank: STATUS_RANK[status],
    Timestamp: time,
    ...shardsOf(id, status, pipeline, time),
    ExecutionArn: change.executionArn,
    Attempt: change.attempt,
    DurationMs: change.durationMs,
    Reason: reason && { ...reason },
    Result: change.result,
  };
  const kept: Record<string, Plain> = {
    FileName: change.fileName,
    Bucket: change.bucket,
    VersionId: change.versionId,
  };
  const set = Object.keys(values).filter((name) => values[name] !== undefined);
  const keep = Object.keys(kept).filter((name) => kept[name] !== undefined);
  const remove = Object.keys(values).filter((name) => values[name] === undefined);
  const assignments = [
    ...set.map((name) => `#${name} = :${name}`),
    ...keep.map((name) => `#${name} = if_not_exists(#${name}, :${name})`),
  ];
  const condition = status === 'SUCCEEDED' ? UNLESS_LATER_SUCCESS : IF_LATER_AND_NO_SUCCESS;
  const placeholders = Object.entries(attributes({ ...values, ...kept })).map(([name, value]) => [
    `:${name}`,
    value,
  ]);
  try {
    await dynamo.send(
      new UpdateItemCommand({
        TableName: table,
        Key: currentKey(id),
        UpdateExpression: `SET ${assignments.join(', ')}${remove.length > 0 ? ` REMOVE ${remove.map((name) => `#${name}`).join(', ')}` : ''}`,
        ConditionExpression: `attribute_not_exists(#Status) OR ${condition}`,
        ExpressionAttributeNames: Object.fromEntries(
          [...set, ...keep, ...remove].map((name) => [`#${name}`, name]),
        ),
        ExpressionAttributeValues: {
          ...Object.fromEntries(placeholders),
          ':succeeded': { S: 'SUCCEEDED' },
          // DynamoDB refuses values that no expression uses.
          ...(status !== 'SUCCEEDED' && { ':received': { S: 'RECEIVED' } }),
        },
      }),
    );
    return true;
  } catch (error) {
    if (isNamed(error, 'ConditionalCheckFailedException')) return false;
    throw error;
  }
}
