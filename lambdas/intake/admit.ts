import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { attribute, currentKey, type Plain, putHistory, shardsOf } from '../shared/audit.ts';
import type { AuditStatus } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import type { Trigger } from '../shared/triggers.ts';
import type { Arrival } from './arrivals.ts';

export interface AdmitDependencies {
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly sfn: Pick<SFNClient, 'send'>;
  readonly auditTable: string;
}

/**
 * Records that an object landed and starts its execution. Every step is a function of the object alone and may be
 * repeated, so an event that comes again, or a crash between two steps, leads to the same single execution. Answers
 * whether the arrival is news.
 */
export async function admit(
  arrival: Arrival,
  trigger: Trigger,
  { dynamo, sfn, auditTable }: AdmitDependencies,
): Promise<boolean> {
  const { file } = arrival;
  const { status, receivedAt } = await recordArrival(arrival, trigger, dynamo, auditTable);
  if (status !== 'RECEIVED') return false;
  const isNews = await putHistory(dynamo, auditTable, {
    id: file.fileId,
    time: receivedAt,
    eventId: 'received',
    fileName: file.key,
    status: 'RECEIVED',
    detail: {
      Bucket: file.bucket,
      VersionId: file.versionId,
      Bytes: arrival.bytes,
      Pipeline: trigger.pipeline,
    },
  });
  try {
    await sfn.send(
      new StartExecutionCommand({
        stateMachineArn: trigger.stateMachineArn,
        name: file.fileId,
        input: JSON.stringify(file),
      }),
    );
  } catch (error) {
    // It ran before: an earlier delivery of this event got further than its answer.
    if (!isNamed(error, 'ExecutionAlreadyExists')) throw error;
  }
  return isNews;
}

/** Writes what is not there yet, and answers what is. */
async function recordArrival(
  { file, bytes, time }: Arrival,
  { pipeline }: Trigger,
  dynamo: Pick<DynamoDBClient, 'send'>,
  table: string,
): Promise<{ status: string; receivedAt: string }> {
  const status: AuditStatus = 'RECEIVED';
  const arrival: Record<string, Exclude<Plain, undefined>> = {
    EventId: 'received',
    FileName: file.key,
    Bucket: file.bucket,
    VersionId: file.versionId,
    Bytes: bytes,
    Pipeline: pipeline,
    Status: status,
    StatusRank: 0,
    Timestamp: time,
    ReceivedAt: time,
    ...shardsOf(file.fileId, status, pipeline, time),
  };
  const names = Object.keys(arrival);
  const { Attributes } = await dynamo.send(
    new UpdateItemCommand({
      TableName: table,
      Key: currentKey(file.fileId),
      UpdateExpression: `SET ${names.map((_, i) => `#n${i} = if_not_exists(#n${i}, :v${i})`).join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name, i) => [`#n${i}`, name])),
      ExpressionAttributeValues: Object.fromEntries(
        Object.values(arrival).map((value, i) => [`:v${i}`, attribute(value)]),
      ),
      ReturnValues: 'ALL_NEW',
    }),
  );
  return { status: Attributes?.Status?.S ?? status, receivedAt: Attributes?.ReceivedAt?.S ?? time };
}
