import type { Caller, HttpRequest, HttpResponse, RuntimeContext } from '../service.ts';
import type { Blobs } from './blobs.ts';
import { isAccessDenied, S3Error } from './errors.ts';
import { bucketArn } from './names.ts';
import type { Notifier } from './notifications.ts';
import type { Bucket, Store, Version } from './store.ts';

/** What every part of the service works with. */
export interface Core {
  readonly context: RuntimeContext;
  readonly store: Store;
  readonly blobs: Blobs;
  readonly notifier: Notifier;
}

/** A request whose address is understood; `bucket` and `key` are empty where it has none. */
export interface S3Request extends HttpRequest {
  readonly bucket: string;
  readonly key: string;
  readonly requestId: string;
}

export type Handler = (core: Core, request: S3Request) => HttpResponse | Promise<HttpResponse>;

/** Names an object, or one version of it. */
export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

/** @throws S3Error NoSuchBucket */
export function findBucket(core: Core, name: string): Bucket {
  const bucket = core.store.bucket(name);
  if (!bucket) throw new S3Error('NoSuchBucket', { members: { BucketName: name } });
  return bucket;
}

/** @param action without its prefix, for example `GetObject` */
export function authorize(
  core: Core,
  caller: Caller,
  action: string,
  { bucket, key, versionId }: { bucket: string; key?: string; versionId?: string },
  conditions: Record<string, string | undefined> = {},
): void {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...conditions, 's3:VersionId': versionId }))
    if (value !== undefined) given[name] = value;
  core.context.authorize({
    caller,
    action: `s3:${action}`,
    resource: key === undefined ? bucketArn(bucket) : `${bucketArn(bucket)}/${key}`,
    conditions: given,
  });
}

/** Actions on objects, and their names where a version is named. */
const VERSIONED_ACTIONS = {
  GetObject: 'GetObjectVersion',
  DeleteObject: 'DeleteObjectVersion',
  GetObjectTagging: 'GetObjectVersionTagging',
  PutObjectTagging: 'PutObjectVersionTagging',
  DeleteObjectTagging: 'DeleteObjectVersionTagging',
};

export type ObjectAction = keyof typeof VERSIONED_ACTIONS;

export function authorizeObject(core: Core, caller: Caller, action: ObjectAction, name: ObjectName): void {
  findBucket(core, name.bucket);
  authorize(core, caller, name.versionId === undefined ? action : VERSIONED_ACTIONS[action], name);
}

const VERSION_ID = /^(null|[\w.]{32})$/;

/**
 * The version a caller asks for.
 * @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker named by its id), or AccessDenied instead of
 * the first two for callers that may not list the bucket: they shall not learn what exists.
 */
export function locate(core: Core, caller: Caller, action: ObjectAction, name: ObjectName): Version {
  authorizeObject(core, caller, action, name);
  const { bucket, key, versionId } = name;
  if (versionId !== undefined && !VERSION_ID.test(versionId))
    throw new S3Error('InvalidArgument', {
      message: 'Invalid version id specified',
      members: { ArgumentName: 'versionId', ArgumentValue: versionId },
    });
  const version = core.store.version(bucket, key, versionId);
  if (version && !version.deleteMarker) return version;
  if (version && versionId !== undefined)
    throw new S3Error('MethodNotAllowed', {
      members: { Method: 'GET', ResourceType: 'DeleteMarker' },
      headers: {
        'x-amz-delete-marker': 'true',
        'x-amz-version-id': version.versionId,
        allow: 'DELETE',
        'last-modified': new Date(version.modified).toUTCString(),
      },
    });
  authorize(core, caller, 'ListBucket', { bucket });
  if (versionId !== undefined)
    throw new S3Error('NoSuchVersion', { members: { Key: key, VersionId: versionId } });
  throw new S3Error('NoSuchKey', {
    members: { Key: key },
    headers: version ? { 'x-amz-delete-marker': 'true', 'x-amz-version-id': version.versionId } : {},
  });
}

/** Keys are at most this many bytes of UTF-8 ("Naming Amazon S3 objects"). */
const MAX_KEY_BYTES = 1024;

/** @throws S3Error KeyTooLongError */
export function checkKey(key: string): void {
  const size = Buffer.byteLength(key);
  if (size > MAX_KEY_BYTES)
    throw new S3Error('KeyTooLongError', { members: { Size: size, MaxSizeAllowed: MAX_KEY_BYTES } });
}

/** `x-amz-version-id`, which buckets that never had versioning leave out. */
export const versionHeader = (core: Core, version: Version): Record<string, string> =>
  findBucket(core, version.bucket).versioning ? { 'x-amz-version-id': version.versionId } : {};

/** Whether the caller may do it, for answers that depend on it. */
export function may(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (isAccessDenied(error)) return false;
    throw error;
  }
}

/** The 64 hex digits that stand for the account as an owner. */
export const ownerId = (core: Core): string => core.context.account.padStart(64, '0');

export const xmlResponse = (body: string, headers: Record<string, string> = {}): HttpResponse => ({
  status: 200,
  headers: { 'content-type': 'application/xml', ...headers },
  body,
});

/** `versionId` of the query. */
export const versionIdOf = (request: S3Request): string | undefined =>
  request.query.get('versionId') ?? undefined;
