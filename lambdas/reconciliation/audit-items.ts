import { BatchGetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { currentKey, plainOf } from '../shared/audit.ts';
import { inLanes } from '../shared/lanes.ts';
import { parse } from '../shared/parse.ts';
import { ObjectRefSchema } from '../shared/schemas.ts';

/** The current item of a file or load, as far as the reconciliation looks at it. */
const AuditItem = z.looseObject({
  pk: z.string(),
  Status: z.optional(z.string()),
  FileName: z.optional(z.string()),
  Timestamp: z.optional(z.string()),
  EventId: z.optional(z.string()),
  ExecutionArn: z.optional(z.string()),
  LoadStatus: z.optional(z.string()),
  Result: z.optional(z.looseObject({ record: z.optional(ObjectRefSchema) })),
});
export type AuditItem = z.output<typeof AuditItem>;

/** Most items of one request (DynamoDB quotas). */
const BATCH = 100;
const READS = 4;
/** Requests for what DynamoDB left out of an answer. */
const MAX_ROUNDS = 8;

/**
 * Current items by id; those that are not there are missing.
 * @throws Error named ThrottlingException when DynamoDB keeps leaving items out, as it does under load
 */
export async function currentItems(
  dynamo: Pick<DynamoDBClient, 'send'>,
  table: string,
  ids: readonly string[],
): Promise<Map<string, AuditItem>> {
  const unique = [...new Set(ids)];
  const batches = Array.from({ length: Math.ceil(unique.length / BATCH) }, (_, n) =>
    unique.slice(n * BATCH, (n + 1) * BATCH),
  );
  const items = await inLanes(READS, batches, async (batch) => {
    const found: AuditItem[] = [];
    let keys = batch.map(currentKey);
    for (let round = 0; keys.length > 0; round++) {
      if (round === MAX_ROUNDS) {
        throw Object.assign(new Error(`${table} leaves ${keys.length} items out of its answers.`), {
          name: 'ThrottlingException',
        });
      }
      const { Responses, UnprocessedKeys } = await dynamo.send(
        new BatchGetItemCommand({ RequestItems: { [table]: { Keys: keys } } }),
      );
      for (const item of Responses?.[table] ?? []) found.push(parse(AuditItem, plainOf(item), 'audit item'));
      keys = UnprocessedKeys?.[table]?.Keys ?? [];
    }
    return found;
  });
  return new Map(items.flat().map((item) => [item.pk, item]));
}
