import { createHash } from 'node:crypto';
import type { Caller } from '../service.ts';
import type { Checksums } from './checksums.ts';
import { checkWrite } from './conditions.ts';
import { authorizeObject, type Core, findBucket, type ObjectName } from './core.ts';
import { newId } from './names.ts';
import type { ChecksumType, Description, Version } from './store.ts';

type Headers = Readonly<Record<string, string | undefined>>;

/** Bytes that are stored already, about to become an object. */
export interface NewObject extends Description {
  readonly bucket: string;
  readonly key: string;
  readonly blob: string;
  readonly size: number;
  readonly etag: string;
  readonly checksums: Checksums;
  readonly checksumType: ChecksumType;
  readonly partSizes?: readonly number[];
}

/** Why and for whom something is written. */
export interface Origin {
  readonly caller: Caller;
  readonly requestId: string;
  readonly event: string;
  readonly reason: string;
  /** Headers that may hold `if-match` and `if-none-match`. */
  readonly conditions?: Headers;
}

export const md5 = (body: Uint8Array): string => createHash('md5').update(body).digest('hex');

/**
 * Makes stored bytes the current version of their key, with its notifications, in one transaction.
 * @param also more to do in the same transaction
 * @throws S3Error PreconditionFailed; the bytes are forgotten then
 */
export function commitObject(core: Core, object: NewObject, origin: Origin, also?: () => void): Version {
  const replaced: string[] = [];
  try {
    return core.store.transaction(() => {
      const bucket = findBucket(core, object.bucket);
      checkWrite(origin.conditions ?? {}, object.key, core.store.version(object.bucket, object.key));
      const version: Version = {
        ...object,
        versionId: bucket.versioning === 'Enabled' ? newId() : 'null',
        sequence: core.store.nextSequence(),
        deleteMarker: false,
        modified: core.context.clock.now(),
      };
      replaced.push(...nullBlob(core, version));
      core.store.addVersion(version);
      core.notifier.record(bucket, { ...origin, version, sequence: version.sequence });
      also?.();
      return version;
    });
  } catch (error) {
    replaced.splice(0, replaced.length, object.blob);
    throw error;
  } finally {
    core.blobs.remove(replaced);
    core.notifier.flush();
  }
}

/** The bytes that a `null` version takes the place of. */
function nullBlob(core: Core, { bucket, key, versionId }: Version): string[] {
  const blob = versionId === 'null' ? core.store.version(bucket, key, 'null')?.blob : undefined;
  return blob === undefined ? [] : [blob];
}

export interface Removal {
  /** The version that was removed, or the delete marker that was written. */
  readonly versionId?: string;
  readonly deleteMarker: boolean;
}

/**
 * Deletes a version for good where one is named or the bucket is unversioned, else hides the object behind a delete
 * marker. What does not exist is deleted successfully.
 */
export function removeObject(core: Core, name: ObjectName, origin: Omit<Origin, 'event'>): Removal {
  authorizeObject(core, origin.caller, 'DeleteObject', name);
  const { bucket: bucketName, key } = name;
  const gone: string[] = [];
  const removal = core.store.transaction((): Removal => {
    const bucket = findBucket(core, bucketName);
    const current = core.store.version(bucketName, key);
    if (origin.conditions?.['if-match'] !== undefined)
      checkWrite({ 'if-match': origin.conditions['if-match'] }, key, current);
    if (name.versionId === undefined && bucket.versioning !== undefined) {
      const marker: Version = {
        bucket: bucketName,
        key,
        versionId: bucket.versioning === 'Enabled' ? newId() : 'null',
        sequence: core.store.nextSequence(),
        deleteMarker: true,
        size: 0,
        etag: md5(Buffer.alloc(0)),
        modified: core.context.clock.now(),
        headers: {},
        metadata: {},
        tags: {},
        checksums: {},
        checksumType: 'FULL_OBJECT',
      };
      gone.push(...nullBlob(core, marker));
      core.store.addVersion(marker);
      const event = 'ObjectRemoved:DeleteMarkerCreated';
      core.notifier.record(bucket, { ...origin, event, version: marker, sequence: marker.sequence });
      return { versionId: marker.versionId, deleteMarker: true };
    }
    const version = core.store.version(bucketName, key, name.versionId ?? 'null');
    if (version) {
      core.store.removeVersion(version);
      if (version.blob !== undefined) gone.push(version.blob);
      const sequence = core.store.nextSequence();
      core.notifier.record(bucket, { ...origin, event: 'ObjectRemoved:Delete', version, sequence });
    }
    return { versionId: name.versionId, deleteMarker: version?.deleteMarker ?? false };
  });
  core.blobs.remove(gone);
  core.notifier.flush();
  return removal;
}
