import { S3Error } from './errors.ts';
import type { Description } from './store.ts';
import { nodes, text, type XmlNode } from './xml.ts';

type Headers = Readonly<Record<string, string | undefined>>;

/** Headers of a PUT that its GET answers again. */
const KEPT_HEADERS = [
  'cache-control',
  'content-disposition',
  'content-language',
  'content-type',
  'expires',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
];

const METADATA_PREFIX = 'x-amz-meta-';
/** Bytes of all names and values ("User-defined object metadata", S3 User Guide). */
const MAX_METADATA_BYTES = 2048;
const MAX_TAGS = 10;

/** What the headers of a PUT, a copy or a new multipart upload say of the object. */
export function describe(headers: Headers): Description {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const name of KEPT_HEADERS) {
    const value = headers[name];
    if (value) kept[name] = value;
  }
  if (kept['x-amz-storage-class'] === 'STANDARD') delete kept['x-amz-storage-class'];
  const encodings = headers['content-encoding']?.split(',').map((one) => one.trim());
  const encoding = encodings?.filter((one) => one !== '' && one !== 'aws-chunked').join(',');
  if (encoding) kept['content-encoding'] = encoding;

  const metadata: Record<string, string> = {};
  let bytes = 0;
  for (const [name, value = ''] of Object.entries(headers)) {
    if (!name.startsWith(METADATA_PREFIX)) continue;
    metadata[name.slice(METADATA_PREFIX.length)] = value;
    bytes += Buffer.byteLength(name) - METADATA_PREFIX.length + Buffer.byteLength(value);
  }
  if (bytes > MAX_METADATA_BYTES)
    throw new S3Error('MetadataTooLarge', {
      members: { Size: bytes, MaxSizeAllowed: MAX_METADATA_BYTES },
    });
  const tags = checkTags([...new URLSearchParams(headers['x-amz-tagging'] ?? '')]);
  return { headers: kept, metadata, tags };
}

/** Response headers of a described object. */
export function descriptionHeaders({ headers, metadata, tags }: Description): Record<string, string> {
  const answer: Record<string, string> = { 'x-amz-server-side-encryption': 'AES256', ...headers };
  for (const [name, value] of Object.entries(metadata)) answer[METADATA_PREFIX + name] = value;
  const count = Object.keys(tags).length;
  if (count > 0) answer['x-amz-tagging-count'] = String(count);
  return answer;
}

/** @throws S3Error InvalidTag ("Object tagging", S3 User Guide: 10 tags, keys of 128, values of 256 characters) */
function checkTags(tags: readonly (readonly [key: string, value: string])[]): Record<string, string> {
  const unique = Object.fromEntries(tags);
  if (tags.length > MAX_TAGS)
    throw new S3Error('InvalidTag', { message: `Object tags cannot be greater than ${MAX_TAGS}` });
  if (Object.keys(unique).length < tags.length)
    throw new S3Error('InvalidTag', { message: 'Cannot provide multiple Tags with the same key' });
  if (tags.some(([key, value]) => key === '' || key.length > 128 || value.length > 256))
    throw new S3Error('InvalidTag');
  return unique;
}

/** The tags of a `Tagging` document. */
export const parseTags = (tagging: XmlNode): Record<string, string> =>
  checkTags(
    nodes(tagging, 'TagSet')
      .flatMap((set) => nodes(set, 'Tag'))
      .map((tag) => [text(tag.Key) ?? '', text(tag.Value) ?? ''] as const),
  );

export const tagSet = (tags: Readonly<Record<string, string>>): XmlNode => ({
  TagSet: { Tag: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
});
