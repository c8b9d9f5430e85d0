import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { currentKey, putHistory } from '../shared/audit.ts';
import type { ObjectRef } from '../shared/contract.ts';
import { inLanes } from '../shared/lanes.ts';
import type { Objects } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import { FileId } from '../shared/schemas.ts';
import type { LoadStatus } from './contract.ts';

export interface FinishedLoad {
  readonly load: { readonly loadId: string; readonly files: ObjectRef };
  readonly loadStatus: LoadStatus;
  /** ISO 8601, UTC. */
  readonly loadedAt: string;
}

export interface MarkDependencies {
  readonly objects: Pick<Objects, 'read'>;
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly auditTable: string;
}

const Files = z.array(z.object({ fileId: FileId, fileName: z.string() }));

/** Files marked at once. */
const WRITES = 20;

/**
 * Sets the load status of every file of a load, beside whatever else its item says: the file's own outcome may be
 * recorded before or after. A load that is older than the one an item names changes nothing. Answers the number of
 * files.
 */
export async function markFiles(finished: FinishedLoad, dependencies: MarkDependencies): Promise<number> {
  const { load, loadStatus } = finished;
  const loadedAt = new Date(finished.loadedAt).toISOString();
  const { objects, dynamo, auditTable } = dependencies;
  const files = parseJson(Files, await objects.read(load.files), 'list of files');
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
            ':load': { S: load.loadId },
            ':at': { S: loadedAt },
            ':name': { S: fileName },
          },
        }),
      )
      .catch(ignoreNewer);
    await putHistory(dynamo, auditTable, {
      id: fileId,
      time: loadedAt,
      eventId: `${load.loadId}:${loadStatus}`,
      fileName,
      status: loadStatus,
      detail: { LoadId: load.loadId },
    });
  });
  return files.length;
}

function ignoreNewer(error: unknown): void {
  if (!(error instanceof Error && error.name === 'ConditionalCheckFailedException')) throw error;
}
