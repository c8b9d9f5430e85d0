import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { attributes, plainOf } from '../shared/audit.ts';
import { AUDIT } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { parse } from '../shared/parse.ts';
import { type Mismatch, REPAIR_PREFIX } from './contract.ts';
import type { Answer } from './ledger.ts';

export interface RepairDependencies {
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly auditTable: string;
  readonly run: string;
  readonly step: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly graceSeconds: number;
  readonly againSeconds: number;
}

/** What was repaired last. */
const Repair = z.object({
  Timestamp: z.iso.datetime(),
  RepairedBy: z.string(),
  FirstAt: z.string(),
  Times: z.number(),
  Again: z.boolean(),
});

/**
 * Claims the repair of one mismatch of a file or load, before it is done. Only one run has it within the time that a
 * repair takes to show; the same step of the same run has it again when it is done again after a crash.
 * @returns `repaired` for a first repair, `again` for one that did not help the last time, `waiting` when it is
 *   another run's or step's
 */
export async function claim(
  id: string,
  mismatch: Mismatch,
  fileName: string,
  dependencies: RepairDependencies,
): Promise<Extract<Answer, 'repaired' | 'again' | 'waiting'>> {
  const { dynamo, auditTable, run, step, now, graceSeconds, againSeconds } = dependencies;
  const key = { [AUDIT.partitionKey]: id, [AUDIT.sortKey]: `${REPAIR_PREFIX}${mismatch}` };
  const { Item } = await dynamo.send(
    new GetItemCommand({ TableName: auditTable, Key: attributes(key), ConsistentRead: true }),
  );
  const last = Item && parse(Repair, plainOf(Item), 'repair');
  const by = `${run}/${step}`;
  const age = last ? now - Date.parse(last.Timestamp) : Number.POSITIVE_INFINITY;
  if (last?.RepairedBy === by) return last.Again ? 'again' : 'repaired';
  const isOfRun = last?.RepairedBy.startsWith(`${run}/`) ?? false;
  if (isOfRun || age < graceSeconds * 1000) return 'waiting';
  const again = age <= againSeconds * 1000;
  const at = new Date(now).toISOString();
  try {
    await dynamo.send(
      new PutItemCommand({
        TableName: auditTable,
        Item: attributes({
          ...key,
          EventId: `reconciliation:${mismatch}`,
          FileName: fileName,
          Status: 'REPAIRED',
          Timestamp: at,
          RepairedBy: by,
          FirstAt: again ? last?.FirstAt : at,
          Times: again ? (last?.Times ?? 0) + 1 : 1,
          Again: again,
        }),
        ConditionExpression: last ? 'RepairedBy = :by' : 'attribute_not_exists(RepairedBy)',
        ...(last && { ExpressionAttributeValues: { ':by': { S: last.RepairedBy } } }),
      }),
    );
    return again ? 'again' : 'repaired';
  } catch (error) {
    if (isNamed(error, 'ConditionalCheckFailedException')) return 'waiting';
    throw error;
  }
}
