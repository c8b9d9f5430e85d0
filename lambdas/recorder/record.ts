import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { attributes, currentKey, type Plain, putHistory, shardsOf } from '../shared/audit.ts';
import type { Change } from './change.ts';
import { STATUS_RANK } from './contract.ts';

/** What became of a change. */
export interface Recorded {
  /** Whether the history did not have it yet. */
  readonly isNews: boolean;
  /** Whether it is the current state now, through this delivery or an earlier one. */
  readonly isCurrent: boolean;
  /** Whether it is the first outcome that the file came to. */
  readonly isFirstOutcome: boolean;
  /** Code of the reason for which the file waits or waited for a person. */
  readonly heldFor?: string | undefined;
  /** When the file landed; missing for loads. ISO 8601, UTC. */
  readonly receivedAt?: string | undefined;
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
  const current = change.isOwn ? await updateCurrent(change, dynamo, table) : undefined;
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
  return {
    isNews,
    isCurrent: current?.EventId?.S === change.eventId,
    isFirstOutcome: current?.FirstOutcome?.S === change.eventId,
    heldFor: current?.HeldFor?.S,
    receivedAt: current?.ReceivedAt?.S,
  };
}

/** A success is replaced by nothing but a later success (of a rerun). */
const UNLESS_LATER_SUCCESS = '#Status <> :succeeded OR #Timestamp < :Timestamp';

const IF_LATER_AND_NO_SUCCESS =
  '#Status = :received OR (#Status <> :succeeded AND (#Timestamp < :Timestamp OR (#Timestamp = :Timestamp AND #StatusRank < :StatusRank)))';

/** Answers the current state as it is then. */
async function updateCurrent(
  change: Change,
  dynamo: Pick<DynamoDBClient, 'send'>,
  table: string,
): Promise<Record<string, AttributeValue> | undefined> {
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
    // Stays when the file goes on, so that its next outcome ends the incident.
    ...(status === 'HELD' && { HeldFor: reason?.code ?? status }),
  };
  const kept: Record<string, Plain> = {
    FileName: change.fileName,
    Bucket: change.bucket,
    VersionId: change.versionId,
    FirstOutcome: change.isFinal ? change.eventId : undefined,
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
    const { Attributes } = await dynamo.send(
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
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return Attributes;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return error.Item;
    throw error;
  }
}
