import { createHash } from 'node:crypto';
import { S3Error } from './errors.ts';

export interface Payload {
  readonly body: Buffer;
  /** Trailers of an aws-chunked body, names in lower case. */
  readonly trailers: Readonly<Record<string, string>>;
}

type Headers = Readonly<Record<string, string | undefined>>;

const SHA256_HEX = /^[0-9a-f]{64}$/;

/**
 * The object's bytes out of a request's body: removes the aws-chunked framing of streaming uploads and checks length
 * and signed hash. Chunk signatures are not verified: the secret keys of callers are not known here.
 * @throws S3Error IncompleteBody or XAmzContentSHA256Mismatch
 */
export function readPayload(headers: Headers, raw: Buffer): Payload {
  const declared = headers['x-amz-content-sha256'] ?? '';
  const chunked = declared.startsWith('STREAMING-') || headers['content-encoding']?.includes('aws-chunked');
  if (!chunked) {
    if (SHA256_HEX.test(declared) && createHash('sha256').update(raw).digest('hex') !== declared)
      throw new S3Error('XAmzContentSHA256Mismatch');
    return { body: raw, trailers: {} };
  }
  const payload = decodeChunks(raw);
  const length = headers['x-amz-decoded-content-length'];
  if (length !== undefined && Number(length) !== payload.body.length) throw new S3Error('IncompleteBody');
  return payload;
}

/** `<hex length>[;chunk-signature=…]\r\n<bytes>\r\n` until length 0, then `name:value\r\n` trailers. */
function decodeChunks(raw: Buffer): Payload {
  const chunks: Buffer[] = [];
  let at = 0;
  const line = (): string => {
    const end = raw.indexOf('\r\n', at);
    const found = raw.toString('latin1', at, end < 0 ? raw.length : end);
    at = end < 0 ? raw.length : end + 2;
    return found;
  };
  for (;;) {
    const size = Number.parseInt(line(), 16);
    if (Number.isNaN(size) || at + size > raw.length) throw new S3Error('IncompleteBody');
    if (size === 0) break;
    chunks.push(raw.subarray(at, at + size));
    at += size + 2;
  }
  const trailers: Record<string, string> = {};
  while (at < raw.length) {
    const [, name, value] = /^([^:]+):\s*(.*?)\s*$/.exec(line()) ?? [];
    if (name !== undefined && value !== undefined) trailers[name.toLowerCase()] = value;
  }
  return { body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks), trailers };
}
