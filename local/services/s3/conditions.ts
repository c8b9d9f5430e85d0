import { S3Error } from './errors.ts';
import { unquoted } from './names.ts';
import type { Version } from './store.ts';

type Headers = Readonly<Record<string, string | undefined>>;

/** Whether a list of entity tags (or `*`) names this one. */
const names = (tags: string, etag: string): boolean =>
  tags.split(',').some((tag) => tag.trim() === '*' || unquoted(tag.trim().replace(/^W\//, '')) === etag);

const failed = (condition: string): S3Error =>
  new S3Error('PreconditionFailed', { members: { Condition: condition } });

/** HTTP dates have whole seconds. */
const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);

const dateOf = (header: string | undefined): number | undefined => {
  const time = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(time) ? undefined : seconds(time);
};

/**
 * Conditional reads (RFC 9110, section 13.2.2: entity tags win over dates).
 * @param prefix of the headers, `x-amz-copy-source-` for the source of a copy
 * @returns whether the client's copy is still good (304)
 * @throws S3Error PreconditionFailed
 */
export function isUnchanged(headers: Headers, version: Version, prefix = ''): boolean {
  const match = headers[`${prefix}if-match`];
  const noneMatch = headers[`${prefix}if-none-match`];
  const unmodifiedSince = dateOf(headers[`${prefix}if-unmodified-since`]);
  const modifiedSince = dateOf(headers[`${prefix}if-modified-since`]);
  const modified = seconds(version.modified);
  if (match !== undefined && !names(match, version.etag)) throw failed('If-Match');
  if (match === undefined && unmodifiedSince !== undefined && modified > unmodifiedSince)
    throw failed('If-Unmodified-Since');
  if (noneMatch !== undefined) return names(noneMatch, version.etag);
  return modifiedSince !== undefined && modified <= modifiedSince;
}

/**
 * Conditional writes; call in the transaction of the write.
 * @param current the current version; a delete marker counts as no object
 * @throws S3Error PreconditionFailed, NoSuchKey (If-Match on nothing), NotImplemented (If-None-Match with a tag)
 */
export function checkWrite(headers: Headers, key: string, current: Version | undefined): void {
  const exists = current !== undefined && !current.deleteMarker;
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined && noneMatch !== '*')
    throw new S3Error('NotImplemented', { members: { Header: 'If-None-Match' } });
  if (noneMatch === '*' && exists) throw failed('If-None-Match');
  const match = headers['if-match'];
  if (match === undefined) return;
  if (!exists) throw new S3Error('NoSuchKey', { members: { Key: key } });
  if (!names(match, current.etag)) throw failed('If-Match');
}

/** Bytes `start` to `end`, both inclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * `bytes=a-b`, `bytes=a-` and `bytes=-n`; anything else is ignored, as S3 does.
 * @throws S3Error InvalidRange when nothing of it lies within `size`
 */
export function parseRange(header: string | undefined, size: number): Range | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || (first === '' && Number(last) === 0))
    throw new S3Error('InvalidRange', {
      members: { RangeRequested: header, ActualObjectSize: size },
      headers: { 'content-range': `bytes */${size}` },
    });
  return { start, end };
}
