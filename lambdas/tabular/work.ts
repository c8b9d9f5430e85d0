import { DeleteObjectsCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type * as z from 'zod/mini';
import { isNamed } from '../shared/errors.ts';
import { inLanes } from '../shared/lanes.ts';
import { JSON_TYPE } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import { type ChunkResult, TABULAR_PREFIX } from './contract.ts';
import { NotDeleted } from './errors.ts';
import { ChunkResultSchema } from './schemas.ts';

/** DeleteObjects takes a thousand keys (S3 API reference). */
const MOST_DELETED = 1_000;
/** Requests to S3 at once. */
const LANES = 10;

/** What a run keeps in the lake, between its steps and for good. */
export interface Shelf {
  readonly bucket: string;
  /** What one chunk came to; undefined when it was not read yet. */
  result(n: number): Promise<ChunkResult | undefined>;
  /** What every chunk came to, in their order. @throws InvalidEvent when one is missing */
  results(chunks: number): Promise<readonly ChunkResult[]>;
  /** Reads JSON of the run; undefined when there is none. */
  readJson<Schema extends z.ZodMiniType>(name: string, schema: Schema): Promise<z.output<Schema> | undefined>;
  writeJson(name: string, value: unknown): Promise<void>;
  /** Key of something of the run. */
  keyOf(name: string): string;
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** Reads bytes of an object; the whole of it when no range is given. Undefined when there is no such object. */
  read(
    key: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<Uint8Array | undefined>;
  /** Deletes objects; those that are not there are as good. @throws NotDeleted */
  remove(keys: readonly string[]): Promise<void>;
}

/** The shelf of one file of a dataset. */
export function shelfOf(
  s3: Pick<S3Client, 'send'>,
  bucket: string,
  { dataset, source }: { readonly dataset: string; readonly source: { readonly fileId: string } },
): Shelf {
  const keyOf = (name: string) => `${TABULAR_PREFIX.work}${dataset}/${source.fileId}/${name}`;
  const read: Shelf['read'] = async (Key, range) => {
    try {
      const { Body } = await s3.send(
        new GetObjectCommand({
          Bucket: bucket,
          Key,
          ...(range && { Range: `bytes=${range.start}-${range.end - 1}` }),
        }),
      );
      return await Body?.transformToByteArray();
    } catch (error) {
      if (isNamed(error, 'NoSuchKey', 'NotFound')) return undefined;
      throw error;
    }
  };
  const put = async (Key: string, Body: Uint8Array | string, ContentType: string) => {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType }));
  };
  const readJson: Shelf['readJson'] = async (name, schema) => {
    const bytes = await read(keyOf(name));
    return bytes && parseJson(schema, Buffer.from(bytes).toString(), name);
  };
  const result = (n: number) => readJson(`${n}.json`, ChunkResultSchema);
  return {
    bucket,
    keyOf,
    read,
    readJson,
    result,
    async results(chunks) {
      const found = await inLanes(
        LANES,
        Array.from({ length: chunks }, (_, n) => n),
        async (n) => (await result(n)) ?? n,
      );
      return found.map((one) => {
        if (typeof one === 'number') throw new Error(`${keyOf(`${one}.json`)} is gone: run the file again.`);
        return one;
      });
    },
    writeJson: (name, value) => put(keyOf(name), `${JSON.stringify(value)}\n`, JSON_TYPE),
    write: (key, bytes) => put(key, bytes, 'application/octet-stream'),
    async remove(keys) {
      for (let from = 0; from < keys.length; from += MOST_DELETED) {
        const Objects = keys.slice(from, from + MOST_DELETED).map((Key) => ({ Key }));
        const { Errors = [] } = await s3.send(
          new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
        );
        const [first] = Errors;
        if (first)
          throw new NotDeleted(
            `${first.Key} and ${Errors.length - 1} more were not deleted. ${first.Code}: ${first.Message}`,
          );
      }
    },
  };
}
