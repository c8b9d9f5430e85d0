import { GetObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { AsyncBuffer } from 'hyparquet';
import type { SourceFile } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { SourceGone } from './errors.ts';

/** Bytes of one request: a connection that a slow reader holds open for minutes would be cut. */
const BLOCK_BYTES = 8 * 1024 * 1024;

/** A landed object, read by ranges; a version of an object never changes. */
export interface Source {
  /** @throws SourceGone */
  head(): Promise<{ readonly bytes: number; readonly landedAt: Date }>;
  /** Bytes from `start` until before `end`, one block ahead of its reader. @throws SourceGone */
  stream(start: number, end: number): AsyncGenerator<Uint8Array>;
  /** For readers of Parquet. */
  buffer(bytes: number): AsyncBuffer;
}

export function sourceIn(
  s3: Pick<S3Client, 'send'>,
  { bucket, key, versionId }: SourceFile,
  blockBytes = BLOCK_BYTES,
): Source {
  const target = { Bucket: bucket, Key: key, VersionId: versionId };
  const range = (start: number, end: number) =>
    unlessGone(async () => {
      const { Body } = await s3.send(new GetObjectCommand({ ...target, Range: `bytes=${start}-${end - 1}` }));
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    });
  return {
    head: () =>
      unlessGone(async () => {
        const { ContentLength = 0, LastModified = new Date(0) } = await s3.send(
          new HeadObjectCommand(target),
        );
        return { bytes: ContentLength, landedAt: LastModified };
      }),
    async *stream(start, end) {
      const block = (from: number) => {
        const bytes = range(from, Math.min(from + blockBytes, end));
        // It is awaited later, or never, when the reader has had enough.
        bytes.catch(() => {});
        return bytes;
      };
      let next = start < end ? block(start) : undefined;
      for (let at = start; next; at += blockBytes) {
        const bytes: Uint8Array = await next;
        next = at + blockBytes < end ? block(at + blockBytes) : undefined;
        yield bytes;
      }
    },
    buffer: (bytes) => ({
      byteLength: bytes,
      async slice(start, end = bytes) {
        const from = start < 0 ? bytes + start : start;
        const found = await range(from, end);
        return new Uint8Array(found).buffer;
      },
    }),
  };
}

/** A deleted version is not found; the marker of a deletion allows nothing but DELETE. */
async function unlessGone<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isNamed(error, 'NoSuchKey', 'NoSuchVersion', 'NotFound', 'MethodNotAllowed'))
      throw new SourceGone('The file was deleted.');
    throw error;
  }
}
