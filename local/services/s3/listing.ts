import {
  authorize,
  type Core,
  findBucket,
  type Handler,
  ownerId,
  type S3Request,
  xmlResponse,
} from './core.ts';
import { S3Error } from './errors.ts';
import { encodeKey, isoTime, quoted } from './names.ts';
import { type Cursor, LAST, type Version } from './store.ts';
import { type XmlNode, xml } from './xml.ts';

/** Keys and common prefixes of one answer, at most. */
const MAX_PAGE = 1000;
/** Before every key and every version. */
const BEGINNING: Cursor = { key: '', sequence: 0 };

export interface Page<Item> {
  readonly items: Item[];
  readonly prefixes: string[];
  /** Where the next page begins; none on the last page. */
  readonly next?: Cursor;
  /** Key or common prefix that this page ended with. */
  readonly last?: string;
}

/**
 * One page of a listing, keys with the same beginning up to `delimiter` rolled up into common prefixes.
 * @param rows reads on from a cursor, in order
 */
export function page<Item extends { readonly key: string; readonly sequence: number }>(
  rows: (from: Cursor) => Iterable<Item>,
  options: { prefix: string; delimiter: string; from: Cursor; limit: number },
): Page<Item> {
  const { prefix, delimiter, limit } = options;
  const items: Item[] = [];
  const prefixes: string[] = [];
  let cursor = options.from;
  let last: string | undefined;
  for (;;) {
    let rolled: string | undefined;
    for (const item of rows(cursor)) {
      if (items.length + prefixes.length === limit) return { items, prefixes, next: cursor, last };
      const cut = delimiter === '' ? -1 : item.key.indexOf(delimiter, prefix.length);
      if (cut >= 0) {
        rolled = item.key.slice(0, cut + delimiter.length);
        break;
      }
      items.push(item);
      last = item.key;
      cursor = { key: item.key, sequence: item.sequence };
    }
    if (rolled === undefined) return { items, prefixes };
    prefixes.push(rolled);
    last = rolled;
    cursor = { key: rolled + LAST, sequence: 0 };
  }
}

export const encodeCursor = (cursor: Cursor | undefined): string | undefined =>
  cursor && Buffer.from(JSON.stringify([cursor.key, cursor.sequence])).toString('base64url');

export function decodeCursor(token: string): Cursor {
  try {
    const [key, sequence] = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (typeof key === 'string' && typeof sequence === 'number') return { key, sequence };
  } catch {
    // Answered below, like any other token that is not ours.
  }
  throw new S3Error('InvalidArgument', {
    message: 'The continuation token provided is incorrect',
    members: { ArgumentName: 'continuation-token' },
  });
}

/** What all listings share of their query. */
interface Query {
  readonly prefix: string;
  readonly delimiter: string;
  readonly limit: number;
  readonly encode: (key: string) => string;
  /** Elements that repeat the query in the answer. */
  readonly echo: XmlNode;
}

function parseQuery({ bucket, query }: S3Request, limitName = 'max-keys'): Query {
  const asked = query.get(limitName) ?? String(MAX_PAGE);
  if (!/^\d+$/.test(asked))
    throw new S3Error('InvalidArgument', {
      message: `Argument ${limitName} must be an integer between 0 and 2147483647`,
      members: { ArgumentName: limitName, ArgumentValue: asked },
    });
  const encoding = query.get('encoding-type') ?? undefined;
  if (encoding !== undefined && encoding !== 'url')
    throw new S3Error('InvalidArgument', {
      message: 'Invalid Encoding Method specified in Request',
      members: { ArgumentName: 'encoding-type', ArgumentValue: encoding },
    });
  const encode = encoding === 'url' ? encodeKey : (key: string) => key;
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  return {
    prefix,
    delimiter,
    limit: Math.min(Number(asked), MAX_PAGE),
    encode,
    echo: {
      ...(bucket !== '' && limitName !== 'max-uploads' && { Name: bucket }),
      Prefix: encode(prefix),
      Delimiter: delimiter === '' ? undefined : encode(delimiter),
      EncodingType: encoding,
    },
  };
}

function authorizeListing(core: Core, request: S3Request, action: string): void {
  findBucket(core, request.bucket);
  authorize(
    core,
    request.caller,
    action,
    { bucket: request.bucket },
    {
      's3:prefix': request.query.get('prefix') ?? undefined,
      's3:delimiter': request.query.get('delimiter') ?? undefined,
      's3:max-keys': request.query.get('max-keys') ?? undefined,
    },
  );
}

const commonPrefixes = ({ prefixes }: Page<unknown>, { encode }: Query): XmlNode[] =>
  prefixes.map((prefix) => ({ Prefix: encode(prefix) }));

const contents = (version: Version, { encode }: Query, owner: XmlNode | undefined): XmlNode => ({
  Key: encode(version.key),
  LastModified: isoTime(version.modified),
  ETag: quoted(version.etag),
  ChecksumAlgorithm: Object.keys(version.checksums),
  ChecksumType: version.checksumType,
  Size: version.size,
  Owner: owner,
  StorageClass: version.headers['x-amz-storage-class'] ?? 'STANDARD',
});

/** Skips all that a marker covers: where it is a common prefix, every key below it. */
const afterMarker = (marker: string, delimiter: string): Cursor => ({
  key: delimiter !== '' && marker.endsWith(delimiter) ? marker + LAST : marker,
  sequence: 0,
});

/** One page of the current objects of a bucket. */
export const listCurrent = (
  core: Core,
  bucket: string,
  options: { prefix: string; delimiter: string; from: Cursor; limit: number },
): Page<Version> => page((from) => core.store.objects(bucket, options.prefix, from), options);

const listObjectsV2: Handler = (core, request) => {
  authorizeListing(core, request, 'ListBucket');
  const query = parseQuery(request);
  const token = request.query.get('continuation-token') ?? undefined;
  const startAfter = request.query.get('start-after') ?? '';
  const from = token === undefined ? { key: startAfter, sequence: 0 } : decodeCursor(token);
  const found = listCurrent(core, request.bucket, { ...query, from });
  const owner = request.query.get('fetch-owner') === 'true' ? { ID: ownerId(core) } : undefined;
  const truncated = found.next !== undefined && query.limit > 0;
  return xmlResponse(
    xml('ListBucketResult', {
      ...query.echo,
      MaxKeys: query.limit,
      KeyCount: found.items.length + found.prefixes.length,
      IsTruncated: truncated,
      ContinuationToken: token,
      NextContinuationToken: truncated ? encodeCursor(found.next) : undefined,
      StartAfter: startAfter === '' ? undefined : query.encode(startAfter),
      Contents: found.items.map((version) => contents(version, query, owner)),
      CommonPrefixes: commonPrefixes(found, query),
    }),
  );
};

const listObjectsV1: Handler = (core, request) => {
  authorizeListing(core, request, 'ListBucket');
  const query = parseQuery(request);
  const marker = request.query.get('marker') ?? '';
  const found = listCurrent(core, request.bucket, {
    ...query,
    from: afterMarker(marker, query.delimiter),
  });
  const truncated = found.next !== undefined && query.limit > 0;
  return xmlResponse(
    xml('ListBucketResult', {
      ...query.echo,
      Marker: query.encode(marker),
      MaxKeys: query.limit,
      IsTruncated: truncated,
      NextMarker:
        truncated && query.delimiter !== '' && found.last !== undefined
          ? query.encode(found.last)
          : undefined,
      Contents: found.items.map((version) => contents(version, query, { ID: ownerId(core) })),
      CommonPrefixes: commonPrefixes(found, query),
    }),
  );
};

const listVersions: Handler = (core, request) => {
  authorizeListing(core, request, 'ListBucketVersions');
  const query = parseQuery(request);
  const keyMarker = request.query.get('key-marker') ?? '';
  const idMarker = request.query.get('version-id-marker') ?? '';
  const marked = idMarker === '' ? undefined : core.store.version(request.bucket, keyMarker, idMarker);
  const from = marked
    ? { key: keyMarker, sequence: marked.sequence }
    : afterMarker(keyMarker, query.delimiter);
  const found = page((at) => core.store.versions(request.bucket, query.prefix, at), { ...query, from });
  const truncated = found.next !== undefined && query.limit > 0;
  const lastItem = found.items.at(-1);
  const describe = (version: (typeof found.items)[number]): XmlNode => ({
    ...(version.deleteMarker
      ? {
          Key: query.encode(version.key),
          LastModified: isoTime(version.modified),
          Owner: { ID: ownerId(core) },
        }
      : contents(version, query, { ID: ownerId(core) })),
    VersionId: version.versionId,
    IsLatest: version.latest,
  });
  return xmlResponse(
    xml('ListVersionsResult', {
      ...query.echo,
      KeyMarker: query.encode(keyMarker),
      VersionIdMarker: idMarker,
      MaxKeys: query.limit,
      IsTruncated: truncated,
      NextKeyMarker: truncated && found.last !== undefined ? query.encode(found.last) : undefined,
      NextVersionIdMarker:
        truncated && lastItem && lastItem.key === found.last ? lastItem.versionId : undefined,
      Version: found.items.filter((version) => !version.deleteMarker).map(describe),
      DeleteMarker: found.items.filter((version) => version.deleteMarker).map(describe),
      CommonPrefixes: commonPrefixes(found, query),
    }),
  );
};

const listUploads: Handler = (core, request) => {
  findBucket(core, request.bucket);
  authorize(core, request.caller, 'ListBucketMultipartUploads', { bucket: request.bucket });
  const query = parseQuery(request, 'max-uploads');
  const keyMarker = request.query.get('key-marker') ?? '';
  const idMarker = request.query.get('upload-id-marker') ?? '';
  // Numbered, so that uploads of the same key have an order for the cursor: `page` counts sequences down.
  const uploads = core.store
    .uploads(request.bucket, query.prefix)
    .map((upload, index) => ({ ...upload, sequence: -index - 1 }));
  const marked = uploads.find(({ key, id }) => key === keyMarker && id === idMarker);
  const from = marked ?? (keyMarker === '' ? BEGINNING : { key: keyMarker, sequence: -uploads.length });
  const found = page(
    (at) =>
      uploads.filter(
        ({ key, sequence }) => compareKeys(key, at.key) > 0 || (key === at.key && sequence < at.sequence),
      ),
    { ...query, from },
  );
  const truncated = found.next !== undefined && query.limit > 0;
  return xmlResponse(
    xml('ListMultipartUploadsResult', {
      Bucket: request.bucket,
      ...query.echo,
      KeyMarker: query.encode(keyMarker),
      UploadIdMarker: idMarker,
      NextKeyMarker: truncated && found.last !== undefined ? query.encode(found.last) : undefined,
      NextUploadIdMarker: truncated ? found.items.at(-1)?.id : undefined,
      MaxUploads: query.limit,
      IsTruncated: truncated,
      Upload: found.items.map((upload) => ({
        Key: query.encode(upload.key),
        UploadId: upload.id,
        Initiator: { ID: ownerId(core) },
        Owner: { ID: ownerId(core) },
        StorageClass: 'STANDARD',
        Initiated: isoTime(upload.initiated),
        ChecksumAlgorithm: upload.algorithm,
        ChecksumType: upload.checksumType,
      })),
      CommonPrefixes: commonPrefixes(found, query),
    }),
  );
};

/** By UTF-8 bytes, as S3 and SQLite order keys; JavaScript compares UTF-16. */
const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Requests that list a bucket, by method and subresource. */
export const LISTING_ROUTES: Readonly<Record<string, Handler>> = {
  GET: (core, request) =>
    request.query.get('list-type') === '2' ? listObjectsV2(core, request) : listObjectsV1(core, request),
  'GET versions': listVersions,
  'GET uploads': listUploads,
};
