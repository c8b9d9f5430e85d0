import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { isNamed } from '../shared/errors.ts';
import { JSON_TYPE } from '../shared/objects.ts';
import { SwapConflict } from './errors.ts';

/** An object of the lake, as a listing shows it. */
export interface Listed {
  readonly key: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/** DeleteObjects takes no more (S3 API reference). */
const MAX_DELETE = 1000;

/** What maintenance does with the lake's bucket. */
export class LakeFiles {
  readonly #s3: Pick<S3Client, 'send'>;
  readonly #bucket: string;

  constructor(s3: Pick<S3Client, 'send'>, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  /**
   * Pages of at most 1,000 objects below a prefix, by key.
   * @param after key to begin behind
   */
  async *pages(prefix: string, after?: string): AsyncGenerator<readonly Listed[]> {
    let token: string | undefined;
    do {
      const { Contents = [], NextContinuationToken } = await this.#s3.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: prefix,
          ...(token ? { ContinuationToken: token } : { StartAfter: after }),
        }),
      );
      yield Contents.map(({ Key = '', Size = 0, LastModified }) => ({
        key: Key,
        bytes: Size,
        modified: LastModified?.getTime() ?? 0,
      }));
      token = NextContinuationToken;
    } while (token);
  }

  /** The first page of them; empty where there are none. */
  async firstPage(prefix: string, after?: string): Promise<readonly Listed[]> {
    for await (const page of this.pages(prefix, after)) return page;
    return [];
  }

  /** Every object below a prefix. */
  async list(prefix: string): Promise<Listed[]> {
    const found: Listed[] = [];
    for await (const page of this.pages(prefix)) found.push(...page);
    return found;
  }

  /** An object's text and entity tag; undefined where there is none. */
  async text(key: string): Promise<{ readonly body: string; readonly eTag: string } | undefined> {
    try {
      const { Body, ETag = '' } = await this.#s3.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: key }),
      );
      return { body: (await Body?.transformToString('utf-8')) ?? '', eTag: ETag };
    } catch (error) {
      if (isNamed(error, 'NoSuchKey')) return undefined;
      throw error;
    }
  }

  /** @param range inclusive; all of it when left out */
  async bytes(key: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array> {
    const { Body } = await this.#s3.send(
      new GetObjectCommand({
        Bucket: this.#bucket,
        Key: key,
        ...(range && { Range: `bytes=${range.start}-${range.end}` }),
      }),
    );
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  }

  async write(key: string, body: string | Uint8Array, type = JSON_TYPE): Promise<void> {
    await this.#s3.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body, ContentType: type }),
    );
  }

  /**
   * Replaces an object only when it is still the one that was read.
   * @param eTag of what was read; undefined where there was nothing
   * @throws SwapConflict
   */
  async replace(key: string, body: string, eTag: string | undefined): Promise<void> {
    try {
      await this.#s3.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: body,
          ContentType: JSON_TYPE,
          ...(eTag === undefined ? { IfNoneMatch: '*' } : { IfMatch: eTag }),
        }),
      );
    } catch (error) {
      // 412 when somebody was faster, 409 when somebody is at it, 404 when it is gone (S3 user guide, "Conditional writes").
      if (!isNamed(error, 'PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchKey')) throw error;
      throw new SwapConflict(`Something else has written ${key} meanwhile.`, { cause: error });
    }
  }

  /** Deletes objects. The bucket keeps what they held for a while, as versions. */
  async delete(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += MAX_DELETE) {
      const { Errors = [] } = await this.#s3.send(
        new DeleteObjectsCommand({
          Bucket: this.#bucket,
          Delete: { Objects: keys.slice(from, from + MAX_DELETE).map((Key) => ({ Key })), Quiet: true },
        }),
      );
      const [first] = Errors;
      if (first) {
        throw Object.assign(
          new Error(
            `${Errors.length} objects could not be deleted, for example ${first.Key}: ${first.Message}`,
          ),
          { name: first.Code ?? 'NotDeleted' },
        );
      }
    }
  }
}
