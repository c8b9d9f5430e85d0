import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { currentKey, putHistory } from '../shared/audit.ts';
import type { ObjectRef } from '../shared/contract.ts';
import { inLanes } from '../shared/lanes.ts';
import type { Objects } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import type { LoadedFile, LoadStatus } from './contract.ts';

export interface FinishedLoad {
  readonly loadId: string;
  readonly loadStatus: LoadStatus;
  /** ISO 8601, UTC. */
  readonly loadedAt: string;
}

export interface MarkDependencies {
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly auditTable: string;
}

const Files = z.array(z.object({ fileId: z.string(), fileName: z.string() }));

/** The files of a load, as `compact` has listed them. */
export async function listFiles(
  objects: Pick<Objects, 'read'>,
  ref: ObjectRef,
): Promise<readonly LoadedFile[]> {
  return parseJson(Files, await objects.read(ref), 'list of files');
}

/** Files marked at once. */
const WRITES = 20;

/**
 * Sets the load status of every file of a load, beside whatever else its item says: the file's own outcome may be
 * recorded before or after. A load that is older than the one an item names changes nothing.
 */
export async function markFiles(
  files: readonly LoadedFile[],
  { loadId, loadStatus, ...finished }: FinishedLoad,
  { dynamo, auditTable }: MarkDependencies,
): Promise<void> {
  const loadedAt = new Date(finished.loadedAt).toISOString();
  await inLanes(WRITES, files, async ({ fileId, fileName }) => {
    await dynamo
      .send(
        new UpdateItemCommand({
          TableName: auditTable,
          Key: currentKey(fileId),
          UpdateExpression:
            'SET LoadStatus = :status, LoadId = :load, LoadedAt = :at, FileName = if_not_exists(FileName, :name)',
          ConditionExpression: 'attribute_not_exists(LoadedAt) OR LoadedAt <= :at',
          ExpressionAttributeValues: {
            ':status': { S: loadStatus },
            ':load': { S: loadId },
            ':at': { S: loadedAt },
            ':name': { S: fileName },
          },
        }),
      )
      .catch(ignoreNewer);
    await putHistory(dynamo, auditTable, {
      id: fileId,
      time: loadedAt,
      eventId: `${loadId}:${loadStatus}`,
      fileName,
      status: loadStatus,
      detail: { LoadId: loadId },
    });
  });
}

function ignoreNewer(error: unknown): void {
  if (!(error instanceof Error && error.name === 'ConditionalCheckFailedException')) throw error;
}
