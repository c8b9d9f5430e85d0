import { createHash } from 'node:crypto';
import {
  type ChecksumAlgorithm,
  checksum,
  checksumElement,
  checksumElements,
  checksumHeader,
  HASHERS,
  isAlgorithm,
  verifyChecksums,
} from './checksums.ts';
import { parseRange } from './conditions.ts';
import { copySource } from './copy.ts';
import {
  authorize,
  type Core,
  checkKey,
  findBucket,
  type Handler,
  ownerId,
  type S3Request,
  xmlResponse,
} from './core.ts';
import { describe } from './description.ts';
import { S3Error } from './errors.ts';
import { isoTime, newId, quoted, unquoted } from './names.ts';
import { readPayload } from './payload.ts';
import type { ChecksumType, Part, Upload } from './store.ts';
import { commitObject, md5 } from './writes.ts';
import { nodes, parseXml, text, xml } from './xml.ts';

/** "Amazon S3 multipart upload limits", S3 User Guide. */
const MAX_PART_NUMBER = 10_000;
const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_PAGE = 1000;

function findUpload(core: Core, { bucket, key, query }: S3Request): Upload {
  const id = query.get('uploadId') ?? '';
  const upload = core.store.upload(id);
  if (upload?.bucket !== bucket || upload.key !== key)
    throw new S3Error('NoSuchUpload', { members: { UploadId: id } });
  return upload;
}

function partNumberOf({ query }: S3Request): number {
  const sent = query.get('partNumber') ?? '';
  const number = Number(sent);
  if (!/^\d+$/.test(sent) || number < 1 || number > MAX_PART_NUMBER)
    throw new S3Error('InvalidArgument', {
      message: `Part number must be an integer between 1 and ${MAX_PART_NUMBER}, inclusive`,
      members: { ArgumentName: 'partNumber', ArgumentValue: sent },
    });
  return number;
}

const createUpload: Handler = (core, request) => {
  const { bucket, key, headers } = request;
  findBucket(core, bucket);
  authorize(core, request.caller, 'PutObject', { bucket, key });
  if (headers['x-amz-tagging']) authorize(core, request.caller, 'PutObjectTagging', { bucket, key });
  checkKey(key);
  const algorithm = headers['x-amz-checksum-algorithm']?.toUpperCase();
  if (algorithm !== undefined && !isAlgorithm(algorithm))
    throw new S3Error('InvalidRequest', {
      message:
        'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
    });
  const upload: Upload = {
    ...describe(headers),
    id: newId(),
    bucket,
    key,
    initiated: core.context.clock.now(),
    algorithm,
    checksumType: algorithm && checksumTypeOf(algorithm, headers['x-amz-checksum-type']),
  };
  core.store.putUpload(upload);
  return xmlResponse(
    xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.id }),
    {
      'x-amz-server-side-encryption': 'AES256',
      ...(upload.algorithm && { 'x-amz-checksum-algorithm': upload.algorithm }),
      ...(upload.checksumType && { 'x-amz-checksum-type': upload.checksumType }),
    },
  );
};

/** CRC64NVME is always of the whole object, the hashes never ("Checking object integrity", S3 User Guide). */
function checksumTypeOf(algorithm: ChecksumAlgorithm, asked: string | undefined): ChecksumType {
  const type =
    asked === 'FULL_OBJECT' || asked === 'COMPOSITE'
      ? asked
      : algorithm === 'CRC64NVME'
        ? 'FULL_OBJECT'
        : 'COMPOSITE';
  const impossible = type === 'COMPOSITE' ? algorithm === 'CRC64NVME' : algorithm.startsWith('SHA');
  if (impossible)
    throw new S3Error('InvalidRequest', {
      message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  return type;
}

/** Stores a part; one of the same number is replaced. */
async function storePart(
  core: Core,
  upload: Upload,
  part: Omit<Part, 'blob' | 'size' | 'etag' | 'modified'>,
  body: Buffer,
): Promise<Part> {
  const stored: Part = {
    ...part,
    blob: await core.blobs.write(body),
    size: body.length,
    etag: md5(body),
    modified: core.context.clock.now(),
  };
  // The upload may have been aborted while the bytes were written.
  if (!core.store.upload(upload.id)) {
    core.blobs.remove([stored.blob]);
    throw new S3Error('NoSuchUpload', { members: { UploadId: upload.id } });
  }
  const replaced = core.store.parts(upload.id).find(({ number }) => number === stored.number);
  core.store.putPart(upload.id, stored);
  if (replaced) core.blobs.remove([replaced.blob]);
  return stored;
}

const uploadPart: Handler = async (core, request) => {
  const { bucket, key, headers, caller } = request;
  findBucket(core, bucket);
  authorize(core, caller, 'PutObject', { bucket, key });
  const upload = findUpload(core, request);
  const number = partNumberOf(request);
  if (headers['x-amz-copy-source'] !== undefined) return copyPart(core, request, upload, number);
  const { body, trailers } = readPayload(headers, request.body);
  const checksums = verifyChecksums({ ...headers, ...trailers }, body);
  const part = await storePart(core, upload, { number, checksums }, body);
  const answer: Record<string, string> = {
    etag: quoted(part.etag),
    'x-amz-server-side-encryption': 'AES256',
  };
  for (const [algorithm, value] of Object.entries(checksums))
    if (isAlgorithm(algorithm)) answer[checksumHeader(algorithm)] = value;
  return { status: 200, headers: answer };
};

async function copyPart(core: Core, request: S3Request, upload: Upload, number: number) {
  const source = copySource(core, request);
  const range = parseRange(request.headers['x-amz-copy-source-range'], source.size);
  const { start, end } = range ?? { start: 0, end: source.size - 1 };
  const body = await core.blobs.readAll(source.blob ?? '', start, end);
  const algorithm = upload.algorithm ?? 'CRC64NVME';
  const checksums = { [algorithm]: checksum(algorithm, body) };
  const part = await storePart(core, upload, { number, checksums }, body);
  return xmlResponse(
    xml('CopyPartResult', {
      LastModified: isoTime(part.modified),
      ETag: quoted(part.etag),
      ...checksumElements(part.checksums),
    }),
  );
}

/** The parts that a CompleteMultipartUpload document lists, in its order. */
function listedParts(core: Core, upload: Upload, body: Buffer): Part[] {
  const stored = new Map(core.store.parts(upload.id).map((part) => [part.number, part]));
  const listed = nodes(parseXml(body, 'CompleteMultipartUpload'), 'Part');
  if (listed.length === 0) throw new S3Error('MalformedXML');
  const parts = listed.map((node) => {
    const number = Number(text(node.PartNumber));
    const part = stored.get(number);
    const wrong = Object.entries(part?.checksums ?? {}).some(([algorithm, value]) => {
      const sent = isAlgorithm(algorithm) ? text(node[checksumElement(algorithm)]) : undefined;
      return sent !== undefined && sent !== value;
    });
    if (!part || wrong || unquoted(text(node.ETag) ?? '') !== part.etag)
      throw new S3Error('InvalidPart', {
        members: { UploadId: upload.id, PartNumber: number, ETag: text(node.ETag) ?? '' },
      });
    return part;
  });
  parts.forEach((part, index) => {
    if (part.number <= (parts[index - 1]?.number ?? 0)) throw new S3Error('InvalidPartOrder');
    if (index < parts.length - 1 && part.size < MIN_PART_BYTES)
      throw new S3Error('EntityTooSmall', {
        members: { ProposedSize: part.size, MinSizeAllowed: MIN_PART_BYTES, PartNumber: part.number },
      });
  });
  return parts;
}

const completeUpload: Handler = async (core, request) => {
  const { bucket, key, caller, requestId, headers } = request;
  findBucket(core, bucket);
  authorize(core, caller, 'PutObject', { bucket, key });
  const upload = findUpload(core, request);
  const parts = listedParts(core, upload, readPayload(headers, request.body).body);
  const algorithm = upload.algorithm ?? 'CRC64NVME';
  const checksumType = upload.checksumType ?? 'FULL_OBJECT';
  const whole = HASHERS[algorithm]();
  const blob = await core.blobs.concatenate(
    parts.map((part) => part.blob),
    checksumType === 'FULL_OBJECT' ? whole : undefined,
  );
  let value: string;
  if (checksumType === 'COMPOSITE') {
    for (const part of parts) whole.update(Buffer.from(part.checksums[algorithm] ?? '', 'base64'));
    value = `${whole.digest()}-${parts.length}`;
  } else value = whole.digest();
  const sent = headers[checksumHeader(algorithm)];
  if (sent !== undefined && sent !== value) {
    core.blobs.remove([blob]);
    throw new S3Error('BadDigest', {
      message: `The ${algorithm} you specified did not match the calculated checksum.`,
    });
  }
  const digests = createHash('md5');
  for (const part of parts) digests.update(Buffer.from(part.etag, 'hex'));
  const sizes = parts.map((part) => part.size);
  const pieces = core.store.parts(upload.id).map((part) => part.blob);
  const version = commitObject(
    core,
    {
      headers: upload.headers,
      metadata: upload.metadata,
      tags: upload.tags,
      bucket,
      key,
      blob,
      size: sizes.reduce((sum, size) => sum + size, 0),
      etag: `${digests.digest('hex')}-${parts.length}`,
      checksums: { [algorithm]: value },
      checksumType,
      partSizes: sizes,
    },
    {
      caller,
      requestId,
      event: 'ObjectCreated:CompleteMultipartUpload',
      reason: 'CompleteMultipartUpload',
      conditions: headers,
    },
    () => {
      findUpload(core, request);
      core.store.removeUpload(upload.id);
    },
  );
  core.blobs.remove(pieces);
  return xmlResponse(
    xml('CompleteMultipartUploadResult', {
      Location: `${core.context.endpoint}/${bucket}/${encodeURIComponent(key)}`,
      Bucket: bucket,
      Key: key,
      ETag: quoted(version.etag),
      ...checksumElements(version.checksums),
      ChecksumType: version.checksumType,
    }),
    {
      'x-amz-server-side-encryption': 'AES256',
      ...(findBucket(core, bucket).versioning && { 'x-amz-version-id': version.versionId }),
    },
  );
};

const abortUpload: Handler = (core, request) => {
  const { bucket, key } = request;
  findBucket(core, bucket);
  authorize(core, request.caller, 'AbortMultipartUpload', { bucket, key });
  removeUpload(core, findUpload(core, request));
  return { status: 204 };
};

/** Forgets an upload and the bytes of its parts. */
export function removeUpload(core: Core, { id }: Upload): void {
  const pieces = core.store.parts(id).map((part) => part.blob);
  core.store.removeUpload(id);
  core.blobs.remove(pieces);
}

const listParts: Handler = (core, request) => {
  const { bucket, key, query } = request;
  findBucket(core, bucket);
  authorize(core, request.caller, 'ListMultipartUploadParts', { bucket, key });
  const upload = findUpload(core, request);
  const marker = Number(query.get('part-number-marker') ?? 0);
  const limit = Math.min(Number(query.get('max-parts') ?? MAX_PAGE), MAX_PAGE);
  const rest = core.store.parts(upload.id).filter((part) => part.number > marker);
  const parts = rest.slice(0, limit);
  return xmlResponse(
    xml('ListPartsResult', {
      Bucket: bucket,
      Key: key,
      UploadId: upload.id,
      Initiator: { ID: ownerId(core) },
      Owner: { ID: ownerId(core) },
      StorageClass: 'STANDARD',
      PartNumberMarker: marker,
      NextPartNumberMarker: parts.at(-1)?.number ?? 0,
      MaxParts: limit,
      IsTruncated: rest.length > limit,
      ChecksumAlgorithm: upload.algorithm,
      ChecksumType: upload.checksumType,
      Part: parts.map((part) => ({
        PartNumber: part.number,
        LastModified: isoTime(part.modified),
        ETag: quoted(part.etag),
        Size: part.size,
        ...checksumElements(part.checksums),
      })),
    }),
  );
};

/** Requests of multipart uploads on an object, by method and subresource. */
export const MULTIPART_ROUTES: Readonly<Record<string, Handler>> = {
  'POST uploads': createUpload,
  'PUT uploadId': uploadPart,
  'POST uploadId': completeUpload,
  'DELETE uploadId': abortUpload,
  'GET uploadId': listParts,
};
