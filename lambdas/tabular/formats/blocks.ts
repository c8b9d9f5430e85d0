import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Detected, UnreadableFile } from './types.ts';

/** Bytes of a block: large enough that what a record carries over from the last one is cheap to copy. */
export const BLOCK_BYTES = 256 * 1024;

/**
 * The bytes of a file, decompressed, in blocks of `BLOCK_BYTES`; the last one may be smaller. One block is made at a
 * time, however far a gzip file unfolds.
 *
 * @throws UnreadableFile when the gzip is damaged, or more than `maxBytes` come out of it
 */
export async function* blocks(
  bytes: AsyncIterable<Uint8Array>,
  { compression }: Pick<Detected, 'compression'>,
  maxBytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
  let pending: Uint8Array[] = [];
  let size = 0;
  let total = 0;
  for await (const chunk of compression === 'gzip' ? gunzip(bytes) : bytes) {
    total += chunk.length;
    if (total > maxBytes) {
      throw new UnreadableFile(
        'TOO_LARGE',
        `More than ${maxBytes} bytes come out of the file. Split it, and send the parts.`,
      );
    }
    pending.push(chunk);
    size += chunk.length;
    if (size < BLOCK_BYTES) continue;
    const gathered = Buffer.concat(pending);
    let at = 0;
    for (; gathered.length - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
      yield gathered.subarray(at, at + BLOCK_BYTES);
    }
    pending = at < gathered.length ? [gathered.subarray(at)] : [];
    size = gathered.length - at;
  }
  if (size > 0) yield Buffer.concat(pending);
}

async function* gunzip(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip({ chunkSize: BLOCK_BYTES });
  // The iteration below tells of every failure; this promise would tell of it a second time.
  pipeline(Readable.from(bytes), unzip).catch(() => undefined);
  try {
    for await (const chunk of unzip) yield chunk;
  } catch (error) {
    throw isZlibError(error) ? damagedGzip(error) : error;
  }
}

/** Whether zlib found the data wrong, as opposed to the stream that brings it. */
function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}

function damagedGzip(cause: Error): UnreadableFile {
  return new UnreadableFile(
    'CORRUPT_FILE',
    `The gzip file is damaged or was cut off (${cause.message}). Compress it anew, and send it again.`,
    { cause },
  );
}
