import { createHash } from 'node:crypto';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SourceFile } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { type ByteSource, byRanges, inMemory } from './bytes.ts';

/** Objects up to this size are kept in memory whole; of larger ones only what is looked at is read again. */
export const MAX_BYTES_IN_MEMORY = 32 * 1024 * 1024;

/** A landed object that exists. */
export interface LandedObject {
  readonly bytes: number;
  /** When S3 stored it. */
  readonly storedAt: Date;
  /** Reads all of it once. */
  readAll(): Promise<{ readonly sha256: string; readonly content: ByteSource }>;
  /** Its first bytes, without reading the rest. */
  readHead(length: number): Promise<Buffer>;
  /** Lets go of it unread. */
  close(): void;
}

/** Opens a version of an object; undefined when it has been deleted. */
export type OpenObject = (source: SourceFile) => Promise<LandedObject | undefined>;

export function openInS3(s3: S3Client): OpenObject {
  return async (source) => {
    const target = { Bucket: source.bucket, Key: source.key, VersionId: source.versionId };
    const fetch = async (start: number, end: number): Promise<Buffer> => {
      const range = await s3.send(new GetObjectCommand({ ...target, Range: `bytes=${start}-${end}` }));
      return Buffer.from((await range.Body?.transformToByteArray()) ?? []);
    };
    const answer = await s3.send(new GetObjectCommand(target)).catch((error: unknown) => {
      if (isNamed(error, 'NoSuchKey', 'NoSuchVersion', 'NotFound', 'MethodNotAllowed')) return undefined;
      throw error;
    });
    if (!answer) return undefined;
    const bytes = answer.ContentLength ?? 0;
    const body = answer.Body as AsyncIterable<Uint8Array> & { destroy(): void };
    return {
      bytes,
      storedAt: answer.LastModified ?? new Date(0),
      close: () => body.destroy(),
      async readHead(length) {
        body.destroy();
        return bytes === 0 ? Buffer.alloc(0) : fetch(0, Math.min(bytes, length) - 1);
      },
      async readAll() {
        const digest = createHash('sha256');
        const kept: Uint8Array[] = [];
        for await (const chunk of body) {
          digest.update(chunk);
          if (bytes <= MAX_BYTES_IN_MEMORY) kept.push(chunk);
        }
        const content = bytes <= MAX_BYTES_IN_MEMORY ? inMemory(Buffer.concat(kept)) : byRanges(bytes, fetch);
        return { sha256: digest.digest('hex'), content };
      },
    };
  };
}
