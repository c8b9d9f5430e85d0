import { randomBytes } from 'node:crypto';

export const bucketArn = (bucket: string): string => `arn:aws:s3:::${bucket}`;

/** 32 characters that are safe in addresses and on command lines. */
export const newId = (): string => randomBytes(24).toString('base64').replace(/\+/g, '.').replace(/\//g, '_');

export const quoted = (etag: string): string => `"${etag}"`;

export const unquoted = (etag: string): string => etag.replace(/^"|"$/g, '');

/** A key in the encoding of listings (`encoding-type=url`) and event records: spaces as `+`, slashes kept. */
export const encodeKey = (key: string): string =>
  encodeURIComponent(key)
    .replace(/%20/g, '+')
    .replace(/%2F/g, '/')
    .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

export const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
