import { HeadObjectCommand, type HeadObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { isNamed } from '../shared/errors.ts';
import { sourceFile } from '../shared/file-id.ts';
import { inLanes } from '../shared/lanes.ts';
import { createdEvent, sendAll } from '../shared/messages.ts';

/** Requests to S3 at once. */
const LANES = 10;

/** Classes whose objects cannot be read before somebody restores them. */
const ARCHIVED: ReadonlySet<string | undefined> = new Set(['GLACIER', 'DEEP_ARCHIVE']);

export interface TellDependencies {
  readonly s3: Pick<S3Client, 'send'>;
  readonly sqs: Pick<SQSClient, 'send'>;
  readonly landingBucket: string;
  readonly arrivalsQueueUrl: string;
  /** Milliseconds since 1970. */
  now(): number;
}

/** What became of a batch of keys. */
export interface Told {
  /** Objects that intake was told of. */
  readonly told: number;
  /** Objects in an archive: nothing can read them before they are restored. */
  readonly archived: number;
  /** Objects that were deleted since they were listed, and the empty ones that consoles create as folders. */
  readonly gone: number;
}

/**
 * Tells intake of the current version of each object, as S3 does. When it landed is now: the pipeline is asked for it
 * now, and the objective counts from here. Intake leaves what it knows as it is.
 */
export async function tell(keys: readonly string[], dependencies: TellDependencies): Promise<Told> {
  const { s3, sqs, landingBucket: bucket, arrivalsQueueUrl, now } = dependencies;
  const found = await inLanes(LANES, keys, async (key) => ({ key, head: await headOf(s3, bucket, key) }));
  const landedAt = new Date(now()).toISOString();
  const messages: string[] = [];
  let archived = 0;
  for (const { key, head } of found) {
    if (head && isArchived(head)) archived += 1;
    if (!head || isArchived(head) || isFolder(key, head)) continue;
    const file = sourceFile(bucket, key, head.VersionId);
    messages.push(createdEvent({ ...file, bytes: head.ContentLength ?? 0, landedAt }, 'Backfill'));
  }
  await sendAll(sqs, arrivalsQueueUrl, messages);
  return { told: messages.length, archived, gone: keys.length - messages.length - archived };
}

async function headOf(
  s3: Pick<S3Client, 'send'>,
  Bucket: string,
  Key: string,
): Promise<HeadObjectCommandOutput | undefined> {
  try {
    return await s3.send(new HeadObjectCommand({ Bucket, Key }));
  } catch (error) {
    if (isNamed(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** A restored object says until when its copy can be read: `ongoing-request="false", expiry-date="…"`. */
const isArchived = ({ StorageClass, Restore = '' }: HeadObjectCommandOutput) =>
  ARCHIVED.has(StorageClass) && !Restore.includes('ongoing-request="false"');

const isFolder = (key: string, { ContentLength = 0 }: HeadObjectCommandOutput) =>
  key.endsWith('/') && ContentLength === 0;
