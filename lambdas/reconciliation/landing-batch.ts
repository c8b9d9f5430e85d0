import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { AUDIT } from '../shared/contract.ts';
import { sourceFile } from '../shared/file-id.ts';
import { inLanes } from '../shared/lanes.ts';
import type { LandedVersion } from '../shared/messages.ts';
import { parse } from '../shared/parse.ts';
import { decodeKey } from '../shared/s3-events.ts';
import { type Trigger, triggerOf } from '../shared/triggers.ts';
import { currentItems } from './audit-items.ts';
import type { Batch, Progress } from './batch.ts';
import { MAX_PAGES, RECONCILIATION_KEY } from './contract.ts';
import { type CheckDependencies, FileCheck } from './file-check.ts';

export interface LandingDependencies extends CheckDependencies {
  readonly s3: Pick<S3Client, 'send'>;
  readonly landingBucket: string;
  readonly triggers: Readonly<Record<string, Trigger>>;
}

const Cursor = z.object({
  prefix: z.string(),
  key: z.optional(z.string()),
  version: z.optional(z.string()),
});
type Cursor = z.output<typeof Cursor>;

/** After this long no new page is begun, milliseconds: a page in which everything is wrong takes its time. */
const BUDGET = 60_000;
/** Checks at once. Few: Step Functions describes 15 executions a second, for everybody. */
const CHECKS = 3;
/** How long before the first run objects may have landed that nobody knows, milliseconds. */
const WATCHED_BACK = 86_400_000;

/**
 * Looks at the next versions of objects below the triggers' prefixes, in the order of their keys: at most ten pages of
 * S3. A version that a delete marker or a newer version hides is a file as well.
 */
export async function reconcileLanding(batch: Batch, dependencies: LandingDependencies): Promise<Progress> {
  const { dynamo, auditTable, triggers } = dependencies;
  const prefixes = Object.keys(triggers).sort();
  const watched = await watchedSince(batch, prefixes, dependencies);
  const check = new FileCheck(batch, dependencies);
  let cursor: Cursor | undefined = parse(Cursor, batch.cursor ?? { prefix: prefixes[0] }, 'cursor');
  const began = performance.now();
  for (let pages = 0; cursor && pages < MAX_PAGES && performance.now() - began < BUDGET; pages++) {
    const { prefix }: Cursor = cursor;
    const trigger = triggers[prefix];
    const page = await listVersions(cursor, dependencies);
    // A longer prefix that is a trigger too has its own turn.
    const versions = page.versions.filter(({ key }) => triggerOf(triggers, key) === trigger);
    const items = await currentItems(
      dynamo,
      auditTable,
      versions.map(({ fileId }) => fileId),
    );
    await inLanes(CHECKS, versions, async (version) => {
      if (trigger) await check.look(version, items.get(version.fileId), trigger, watched.get(prefix) ?? '');
    });
    await check.send();
    const nextPrefix: string | undefined = prefixes[prefixes.indexOf(prefix) + 1];
    cursor = page.next ?? (nextPrefix === undefined ? undefined : { prefix: nextPrefix });
  }
  await check.load();
  return { cursor: cursor ?? null };
}

/** One page of a prefix. Keys come URL-encoded, because XML has no way to write all of them. */
async function listVersions(
  { prefix, key, version }: Cursor,
  { s3, landingBucket: bucket }: LandingDependencies,
): Promise<{ versions: LandedVersion[]; next: Cursor | undefined }> {
  const page = await s3.send(
    new ListObjectVersionsCommand({
      Bucket: bucket,
      Prefix: prefix,
      EncodingType: 'url',
      ...(key !== undefined && { KeyMarker: key }),
      ...(version !== undefined && { VersionIdMarker: version }),
    }),
  );
  const versions = (page.Versions ?? []).flatMap(({ Key = '', VersionId, Size: bytes = 0, LastModified }) => {
    const file = sourceFile(bucket, decodeKey(Key), VersionId);
    // The empty objects that consoles create as folders are no files.
    if (file.key.endsWith('/') && bytes === 0) return [];
    return [{ ...file, bytes, landedAt: (LastModified ?? new Date(0)).toISOString() }];
  });
  const { IsTruncated, NextKeyMarker, NextVersionIdMarker } = page;
  if (!IsTruncated || NextKeyMarker === undefined) return { versions, next: undefined };
  return { versions, next: { prefix, key: decodeKey(NextKeyMarker), version: NextVersionIdMarker } };
}

/** Since when each prefix is watched: what landed long before is for the command `backfill`, not for a repair. */
async function watchedSince(
  { startedAt }: Batch,
  prefixes: readonly string[],
  { dynamo, auditTable }: { dynamo: Pick<DynamoDBClient, 'send'>; auditTable: string },
): Promise<Map<string, string>> {
  const names = prefixes.map((prefix) => `Watched ${prefix}`);
  const { Attributes } = await dynamo.send(
    new UpdateItemCommand({
      TableName: auditTable,
      Key: { [AUDIT.partitionKey]: { S: RECONCILIATION_KEY }, [AUDIT.sortKey]: { S: 'CURRENT' } },
      UpdateExpression: `SET ${names.map((_, i) => `#p${i} = if_not_exists(#p${i}, :since)`).join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name, i) => [`#p${i}`, name])),
      ExpressionAttributeValues: {
        ':since': { S: new Date(Date.parse(startedAt) - WATCHED_BACK).toISOString() },
      },
      ReturnValues: 'ALL_NEW',
    }),
  );
  return new Map(prefixes.map((prefix, i) => [prefix, Attributes?.[names[i] ?? '']?.S ?? '']));
}
