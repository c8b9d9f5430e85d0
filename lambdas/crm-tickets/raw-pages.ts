import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { isNamed } from '../shared/errors.ts';
import { JSON_TYPE } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import { type Mapping, type RawPage, SOURCES } from './contract.ts';

const Pointers = z.record(z.string(), z.string());

const MappingSchema: z.ZodMiniType<Mapping> = z.object({
  items: z.string(),
  ticket: Pointers,
  customer: z.optional(Pointers),
  openStatuses: z.optional(z.array(z.string())),
  priorities: z.optional(Pointers),
});

const RawPageSchema: z.ZodMiniType<RawPage> = z.object({
  format: z.enum([...SOURCES, 'records']),
  source: z.string(),
  sequence: z.number(),
  fetchedAt: z.iso.datetime(),
  position: z.string(),
  next: z.string(),
  end: z.boolean(),
  tickets: z.number(),
  mapping: z.optional(MappingSchema),
  body: z.string(),
});

/** Raw pages in the lake: each is written once. */
export class RawPages {
  readonly #s3: Pick<S3Client, 'send'>;
  readonly #bucket: string;

  constructor(s3: Pick<S3Client, 'send'>, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  async read(key: string): Promise<RawPage> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    return parseJson(RawPageSchema, (await Body?.transformToString('utf-8')) ?? '', 'raw page');
  }

  /** The page, or undefined where there is none. */
  async find(key: string): Promise<RawPage | undefined> {
    try {
      return await this.read(key);
    } catch (error) {
      if (isNamed(error, 'NoSuchKey')) return undefined;
      throw error;
    }
  }

  /** Writes a page unless there is one under its key already. Answers the one that is there now. */
  async create(key: string, page: RawPage): Promise<RawPage> {
    try {
      await this.#s3.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: JSON.stringify(page),
          ContentType: JSON_TYPE,
          IfNoneMatch: '*',
        }),
      );
      return page;
    } catch (error) {
      if (!isNamed(error, 'PreconditionFailed')) throw error;
      return this.read(key);
    }
  }
}
