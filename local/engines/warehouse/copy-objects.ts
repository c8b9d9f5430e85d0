import { z } from 'zod';
import type { Copy } from './copy.ts';
import { SqlError } from './errors.ts';

/** Reads S3 with one role. */
export interface ObjectReader {
  /** @throws Error named `NoSuchKey`, `AccessDenied` and so on, as S3 answers */
  get(bucket: string, key: string): Promise<Uint8Array>;
  /** Keys that begin with the prefix, in order. */
  list(bucket: string, prefix: string): Promise<readonly string[]>;
}

export interface CopyObject {
  readonly uri: string;
  readonly body: Uint8Array;
}

/** A manifest of COPY. Source: Redshift guide, "Using a manifest to specify data files". */
const Manifest = z.object({
  entries: z.array(
    z.object({
      url: z.string(),
      mandatory: z.boolean().default(false),
      meta: z.object({ content_length: z.number().int().nonnegative() }).partial().optional(),
    }),
  ),
});

/** Fetches what a COPY loads, one object after the other. @throws SqlError naming the object that cannot be loaded */
export async function* copyObjects(copy: Copy, reader: ObjectReader): AsyncGenerator<CopyObject> {
  if (copy.manifest) yield* fromManifest(copy, reader);
  else yield* fromPrefix(copy, reader);
}

async function* fromPrefix({ bucket, key }: Copy, reader: ObjectReader): AsyncGenerator<CopyObject> {
  const uri = `s3://${bucket}/${key}`;
  const keys = await reader.list(bucket, key).catch((error: unknown) => Promise.reject(s3Error(uri, error)));
  if (keys.length === 0) throw new SqlError(`The specified S3 prefix '${key}' does not exist`);
  for (const each of keys) {
    const address = `s3://${bucket}/${each}`;
    yield { uri: address, body: await fetchObject(address, reader) };
  }
}

async function* fromManifest(
  { bucket, key, format }: Copy,
  reader: ObjectReader,
): AsyncGenerator<CopyObject> {
  const uri = `s3://${bucket}/${key}`;
  const entries = parseManifest(uri, await fetchObject(uri, reader));
  let found = 0;
  for (const { url, mandatory, meta } of entries) {
    const expected = meta?.content_length;
    if (format === 'PARQUET' && expected === undefined) {
      throw new SqlError(
        `Manifest ${uri}: the entry ${url} has no meta.content_length, which columnar files need`,
      );
    }
    const body = await fetchObject(url, reader).catch((error: unknown) => {
      const missing =
        error instanceof SqlError && error.cause instanceof Error && error.cause.name === 'NoSuchKey';
      if (missing && !mandatory) return undefined;
      throw error;
    });
    if (!body) continue;
    if (expected !== undefined && expected !== body.length) {
      throw new SqlError(
        `Spectrum Scan Error DETAIL: ${url}: the manifest says ${expected} bytes (content_length), the object has ${body.length}`,
      );
    }
    found++;
    yield { uri: url, body };
  }
  if (found === 0) throw new SqlError(`Manifest ${uri}: none of its files exists`);
}

function parseManifest(uri: string, body: Uint8Array): z.output<typeof Manifest>['entries'] {
  try {
    return Manifest.parse(JSON.parse(new TextDecoder().decode(body))).entries;
  } catch (error) {
    throw new SqlError(`Manifest ${uri} is invalid: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

async function fetchObject(uri: string, reader: ObjectReader): Promise<Uint8Array> {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  if (!bucket || !key) throw new SqlError(`${uri} is no address of an S3 object`);
  try {
    return await reader.get(bucket, key);
  } catch (error) {
    throw s3Error(uri, error);
  }
}

function s3Error(uri: string, error: unknown): SqlError {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return new SqlError(`S3ServiceException:${message},Error ${name}, ${uri}`, { cause: error });
}
