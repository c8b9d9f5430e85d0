import type { HttpResponse } from '../service.ts';
import { ALGORITHMS, checksumElements, checksumHeader, verifyChecksums } from './checksums.ts';
import { isUnchanged, parseRange, type Range } from './conditions.ts';
import { copyObject } from './copy.ts';
import {
  authorize,
  type Core,
  checkKey,
  findBucket,
  type Handler,
  locate,
  may,
  type ObjectName,
  type S3Request,
  versionHeader,
  versionIdOf,
  xmlResponse,
} from './core.ts';
import { describe, descriptionHeaders, parseTags, tagSet } from './description.ts';
import { S3Error } from './errors.ts';
import { quoted } from './names.ts';
import { readPayload } from './payload.ts';
import type { Version } from './store.ts';
import { commitObject, md5, removeObject } from './writes.ts';
import { nodes, parseXml, text, type XmlNode, xml } from './xml.ts';

const MAX_DELETES = 1000;

/** Query parameters of a GET that replace headers of its answer. */
const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

const nameOf = (request: S3Request): ObjectName => ({
  bucket: request.bucket,
  key: request.key,
  versionId: versionIdOf(request),
});

export function checksumHeaders({ checksums, checksumType }: Version): Record<string, string> {
  const headers: Record<string, string> = { 'x-amz-checksum-type': checksumType };
  for (const algorithm of ALGORITHMS) {
    const value = checksums[algorithm];
    if (value !== undefined) headers[checksumHeader(algorithm)] = value;
  }
  return headers;
}

/** Where a part of a multipart object lies. */
function partRange(version: Version, partNumber: string): Range {
  const sizes = version.partSizes ?? [version.size];
  const index = Number(partNumber) - 1;
  const size = sizes[index];
  if (size === undefined)
    throw new S3Error('InvalidRange', { message: 'The requested partnumber is not satisfiable' });
  const start = sizes.slice(0, index).reduce((sum, one) => sum + one, 0);
  return { start, end: start + size - 1 };
}

/** GetObject and HeadObject: the same answer, with and without the bytes. */
function readObject(core: Core, request: S3Request): HttpResponse {
  const { headers, query } = request;
  const version = locate(core, request.caller, 'GetObject', nameOf(request));
  const common: Record<string, string> = {
    etag: quoted(version.etag),
    'last-modified': new Date(version.modified).toUTCString(),
    'accept-ranges': 'bytes',
    ...versionHeader(core, version),
    ...descriptionHeaders(version),
  };
  if (isUnchanged(headers, version)) return { status: 304, headers: common };
  const partNumber = query.get('partNumber');
  const range =
    partNumber === null ? parseRange(headers.range, version.size) : partRange(version, partNumber);
  if (partNumber !== null && version.partSizes)
    common['x-amz-mp-parts-count'] = String(version.partSizes.length);
  if (headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED' && !range)
    Object.assign(common, checksumHeaders(version));
  for (const name of OVERRIDES) {
    const value = query.get(`response-${name}`);
    if (value !== null) common[name] = value;
  }
  const { start, end } = range ?? { start: 0, end: version.size - 1 };
  common['content-length'] = String(end - start + 1);
  if (range) common['content-range'] = `bytes ${start}-${end}/${version.size}`;
  const body =
    request.method === 'HEAD' || version.blob === undefined
      ? undefined
      : core.blobs.read(version.blob, start, end);
  return { status: range ? 206 : 200, headers: common, body };
}

async function putObject(core: Core, request: S3Request): Promise<HttpResponse> {
  const { bucket, key, headers, caller, requestId } = request;
  findBucket(core, bucket);
  authorize(core, caller, 'PutObject', { bucket, key });
  if (headers['x-amz-tagging']) authorize(core, caller, 'PutObjectTagging', { bucket, key });
  checkKey(key);
  const description = describe(headers);
  const { body, trailers } = readPayload(headers, request.body);
  const checksums = verifyChecksums({ ...headers, ...trailers }, body);
  const version = commitObject(
    core,
    {
      ...description,
      bucket,
      key,
      blob: await core.blobs.write(body),
      size: body.length,
      etag: md5(body),
      checksums,
      checksumType: 'FULL_OBJECT',
    },
    { caller, requestId, event: 'ObjectCreated:Put', reason: 'PutObject', conditions: headers },
  );
  return {
    status: 200,
    headers: {
      etag: quoted(version.etag),
      'x-amz-server-side-encryption': 'AES256',
      ...versionHeader(core, version),
      ...checksumHeaders(version),
    },
  };
}

const deleteObject: Handler = (core, request) => {
  const { caller, requestId, headers } = request;
  const removal = removeObject(core, nameOf(request), {
    caller,
    requestId,
    reason: 'DeleteObject',
    conditions: headers,
  });
  return {
    status: 204,
    headers: {
      ...(removal.versionId !== undefined && { 'x-amz-version-id': removal.versionId }),
      ...(removal.deleteMarker && { 'x-amz-delete-marker': 'true' }),
    },
  };
};

/** Every key for itself: one that may not be deleted is told in its own `Error` element. */
const deleteObjects: Handler = (core, request) => {
  const { bucket, caller, requestId } = request;
  findBucket(core, bucket);
  const { body, trailers } = readPayload(request.headers, request.body);
  verifyChecksums({ ...request.headers, ...trailers }, body);
  const document = parseXml(body, 'Delete');
  const objects = nodes(document, 'Object');
  if (objects.length === 0 || objects.length > MAX_DELETES) throw new S3Error('MalformedXML');
  const deleted: XmlNode[] = [];
  const errors: XmlNode[] = [];
  for (const object of objects) {
    const key = text(object.Key) ?? '';
    const versionId = text(object.VersionId);
    const outcome: XmlNode = { Key: key, VersionId: versionId };
    const allowed = may(() => {
      const removal = removeObject(
        core,
        { bucket, key, versionId },
        { caller, requestId, reason: 'DeleteObjects' },
      );
      if (removal.deleteMarker) {
        outcome.DeleteMarker = true;
        outcome.DeleteMarkerVersionId = removal.versionId;
      }
      deleted.push(outcome);
    });
    if (!allowed) errors.push({ ...outcome, Code: 'AccessDenied', Message: 'Access Denied' });
  }
  const quiet = text(document.Quiet) === 'true';
  return xmlResponse(xml('DeleteResult', { Deleted: quiet ? [] : deleted, Error: errors }));
};

const getTagging: Handler = (core, request) => {
  const version = locate(core, request.caller, 'GetObjectTagging', nameOf(request));
  return xmlResponse(xml('Tagging', tagSet(version.tags)), versionHeader(core, version));
};

const putTagging: Handler = (core, request) => {
  const version = locate(core, request.caller, 'PutObjectTagging', nameOf(request));
  const { body } = readPayload(request.headers, request.body);
  core.store.updateVersion({ ...version, tags: parseTags(parseXml(body, 'Tagging')) });
  return { status: 200, headers: versionHeader(core, version) };
};

const deleteTagging: Handler = (core, request) => {
  const version = locate(core, request.caller, 'DeleteObjectTagging', nameOf(request));
  core.store.updateVersion({ ...version, tags: {} });
  return { status: 204, headers: versionHeader(core, version) };
};

/** GetObjectAttributes: what `x-amz-object-attributes` asks for. */
const getAttributes: Handler = (core, request) => {
  const version = locate(core, request.caller, 'GetObject', nameOf(request));
  authorize(core, request.caller, 'GetObjectAttributes', { bucket: request.bucket, key: request.key });
  const asked = new Set(request.headers['x-amz-object-attributes']?.split(',').map((name) => name.trim()));
  const attributes: XmlNode = {
    ETag: version.etag,
    Checksum: { ...checksumElements(version.checksums), ChecksumType: version.checksumType },
    ObjectParts: version.partSizes && { PartsCount: version.partSizes.length },
    StorageClass: version.headers['x-amz-storage-class'] ?? 'STANDARD',
    ObjectSize: version.size,
  };
  const chosen = Object.entries(attributes).filter(([name]) => asked.has(name));
  return xmlResponse(xml('GetObjectAttributesResponse', Object.fromEntries(chosen)), {
    'last-modified': new Date(version.modified).toUTCString(),
    ...versionHeader(core, version),
  });
};

/** Requests on an object, by method and subresource. */
export const OBJECT_ROUTES: Readonly<Record<string, Handler>> = {
  GET: readObject,
  HEAD: readObject,
  PUT: (core, request) =>
    request.headers['x-amz-copy-source'] === undefined ? putObject(core, request) : copyObject(core, request),
  DELETE: deleteObject,
  'GET tagging': getTagging,
  'PUT tagging': putTagging,
  'DELETE tagging': deleteTagging,
  'GET attributes': getAttributes,
};

/** The one request on a bucket that is about its objects' bytes. */
export const DELETE_ROUTES: Readonly<Record<string, Handler>> = { 'POST delete': deleteObjects };
