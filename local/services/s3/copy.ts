import { createHash } from 'node:crypto';
import type { HttpResponse } from '../service.ts';
import { ALGORITHMS, checksumElements, HASHERS, isAlgorithm } from './checksums.ts';
import { isUnchanged } from './conditions.ts';
import {
  authorize,
  type Core,
  checkKey,
  findBucket,
  locate,
  type S3Request,
  versionHeader,
  xmlResponse,
} from './core.ts';
import { describe } from './description.ts';
import { S3Error } from './errors.ts';
import { isoTime, quoted } from './names.ts';
import type { Version } from './store.ts';
import { commitObject } from './writes.ts';
import { xml } from './xml.ts';

/** The object that `x-amz-copy-source` names, if the caller may read it and its conditions hold. */
export function copySource(core: Core, request: S3Request): Version {
  const header = request.headers['x-amz-copy-source'] ?? '';
  const [path = '', query] = header.split(/\?(?=versionId=)/);
  let decoded: string;
  try {
    decoded = decodeURIComponent(path).replace(/^\//, '');
  } catch {
    decoded = path;
  }
  const slash = decoded.indexOf('/');
  if (slash < 1)
    throw new S3Error('InvalidArgument', {
      message: 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      members: { ArgumentName: 'x-amz-copy-source', ArgumentValue: header },
    });
  const version = locate(core, request.caller, 'GetObject', {
    bucket: decoded.slice(0, slash),
    key: decoded.slice(slash + 1),
    versionId: query?.slice('versionId='.length),
  });
  if (isUnchanged(request.headers, version, 'x-amz-copy-source-')) throw new S3Error('PreconditionFailed');
  return version;
}

/** CopyObject: metadata and tags of the source, or of the request where a directive says REPLACE. */
export async function copyObject(core: Core, request: S3Request): Promise<HttpResponse> {
  const { bucket, key, headers, caller, requestId } = request;
  findBucket(core, bucket);
  authorize(core, caller, 'PutObject', { bucket, key });
  checkKey(key);
  const source = copySource(core, request);
  const replaces = headers['x-amz-metadata-directive'] === 'REPLACE';
  const replacesTags = headers['x-amz-tagging-directive'] === 'REPLACE';
  if (source.bucket === bucket && source.key === key && !replaces && !headers['x-amz-storage-class'])
    throw new S3Error('InvalidRequest', {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    });
  if (!replacesTags && Object.keys(source.tags).length > 0)
    authorize(core, caller, 'GetObjectTagging', { bucket: source.bucket, key: source.key });
  const given = describe(headers);
  const tags = replacesTags ? given.tags : source.tags;
  if (Object.keys(tags).length > 0) authorize(core, caller, 'PutObjectTagging', { bucket, key });

  const asked = headers['x-amz-checksum-algorithm']?.toUpperCase() ?? '';
  const [kept] = ALGORITHMS.filter((one) => source.checksums[one] !== undefined);
  const algorithm = isAlgorithm(asked) ? asked : (kept ?? 'CRC64NVME');
  const hash = createHash('md5');
  const hasher = HASHERS[algorithm]();
  const blob = await core.blobs.concatenate(source.blob === undefined ? [] : [source.blob], {
    update(chunk) {
      hash.update(chunk);
      hasher.update(chunk);
    },
  });
  const version = commitObject(
    core,
    {
      headers: replaces ? given.headers : source.headers,
      metadata: replaces ? given.metadata : source.metadata,
      tags,
      bucket,
      key,
      blob,
      size: source.size,
      etag: hash.digest('hex'),
      checksums: { [algorithm]: hasher.digest() },
      checksumType: 'FULL_OBJECT',
    },
    { caller, requestId, event: 'ObjectCreated:Copy', reason: 'CopyObject', conditions: headers },
  );
  const result = {
    LastModified: isoTime(version.modified),
    ETag: quoted(version.etag),
    ...checksumElements(version.checksums),
    ChecksumType: version.checksumType,
  };
  return xmlResponse(xml('CopyObjectResult', result), {
    'x-amz-server-side-encryption': 'AES256',
    ...versionHeader(core, version),
    ...(findBucket(core, source.bucket).versioning && {
      'x-amz-copy-source-version-id': source.versionId,
    }),
  });
}
