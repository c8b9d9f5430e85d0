import { z } from 'zod';
import { operation } from '../operation.ts';
import type { Operations, Shape } from '../service.ts';
import { verifyChecksums } from './checksums.ts';
import { authorize, type Core, checkKey, findBucket, locate } from './core.ts';
import { describe } from './description.ts';
import { decodeCursor, encodeCursor, listCurrent } from './listing.ts';
import { newId, quoted } from './names.ts';
import type { Version } from './store.ts';
import { commitObject, md5, removeObject } from './writes.ts';

const named = z.object({ Bucket: z.string(), Key: z.string(), VersionId: z.string().optional() });

const put = z.object({
  Bucket: z.string(),
  Key: z.string(),
  Body: z.union([z.string(), z.instanceof(Uint8Array)]).default(''),
  ContentType: z.string().optional(),
  Metadata: z.record(z.string(), z.string()).default({}),
  IfNoneMatch: z.string().optional(),
  IfMatch: z.string().optional(),
});

const listing = z.object({
  Bucket: z.string(),
  Prefix: z.string().optional(),
  Delimiter: z.string().optional(),
  ContinuationToken: z.string().optional(),
  StartAfter: z.string().optional(),
  MaxKeys: z.number().int().min(1).max(1000).default(1000),
});

const head = (version: Version): Shape => ({
  ContentLength: version.size,
  ContentType: version.headers['content-type'],
  ETag: quoted(version.etag),
  LastModified: new Date(version.modified),
  VersionId: version.versionId,
  Metadata: version.metadata,
});

/**
 * What other services call in process. Each authorises by itself (hence no `action`), because what S3 answers for a
 * missing key depends on what else the caller may do.
 */
export const operations = (core: Core): Operations => ({
  GetObject: operation(named, {
    action: null,
    async handle({ Bucket: bucket, Key: key, VersionId: versionId }, { caller }) {
      const version = locate(core, caller, 'GetObject', { bucket, key, versionId });
      const body = await core.blobs.readAll(version.blob ?? '', 0, version.size - 1);
      return { ...head(version), Body: body };
    },
  }),

  HeadObject: operation(named, {
    action: null,
    handle: ({ Bucket: bucket, Key: key, VersionId: versionId }, { caller }) =>
      head(locate(core, caller, 'GetObject', { bucket, key, versionId })),
  }),

  PutObject: operation(put, {
    action: null,
    async handle(input, { caller }) {
      const { Bucket: bucket, Key: key } = input;
      findBucket(core, bucket);
      authorize(core, caller, 'PutObject', { bucket, key });
      checkKey(key);
      const body = Buffer.from(input.Body);
      const description = describe({ 'content-type': input.ContentType });
      const version = commitObject(
        core,
        {
          ...description,
          metadata: input.Metadata,
          bucket,
          key,
          blob: await core.blobs.write(body),
          size: body.length,
          etag: md5(body),
          checksums: verifyChecksums({}, body),
          checksumType: 'FULL_OBJECT',
        },
        {
          caller,
          requestId: newId(),
          event: 'ObjectCreated:Put',
          reason: 'PutObject',
          conditions: { 'if-none-match': input.IfNoneMatch, 'if-match': input.IfMatch },
        },
      );
      return { ETag: quoted(version.etag), VersionId: version.versionId };
    },
  }),

  DeleteObject: operation(named, {
    action: null,
    handle({ Bucket: bucket, Key: key, VersionId: versionId }, { caller }) {
      const { deleteMarker, versionId: removed } = removeObject(
        core,
        { bucket, key, versionId },
        { caller, requestId: newId(), reason: 'DeleteObject', conditions: {} },
      );
      return { VersionId: removed, DeleteMarker: deleteMarker };
    },
  }),

  ListObjectsV2: operation(listing, {
    action: null,
    handle(input, { caller }) {
      const { Bucket: bucket, Prefix, Delimiter, ContinuationToken: token, MaxKeys } = input;
      findBucket(core, bucket);
      authorize(core, caller, 'ListBucket', { bucket }, { 's3:prefix': Prefix, 's3:delimiter': Delimiter });
      const found = listCurrent(core, bucket, {
        prefix: Prefix ?? '',
        delimiter: Delimiter ?? '',
        from: token === undefined ? { key: input.StartAfter ?? '', sequence: 0 } : decodeCursor(token),
        limit: MaxKeys,
      });
      return {
        Contents: found.items.map((version) => ({
          Key: version.key,
          Size: version.size,
          ETag: quoted(version.etag),
          LastModified: new Date(version.modified),
        })),
        CommonPrefixes: found.prefixes.map((prefix) => ({ Prefix: prefix })),
        KeyCount: found.items.length + found.prefixes.length,
        IsTruncated: found.next !== undefined,
        NextContinuationToken: encodeCursor(found.next),
      };
    },
  }),
});
