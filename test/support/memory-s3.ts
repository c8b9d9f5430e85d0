import { createHash } from 'node:crypto';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

interface Stored {
  readonly body: Buffer;
  readonly modified: Date;
}

/** The little of S3 that reading, writing and deleting whole objects takes, in memory: for logic that is given its client. */
export class MemoryS3 {
  readonly objects = new Map<string, Stored>();
  /** Time at which objects are written from now on. */
  now = new Date();
  /** What becomes of the bytes of an object when it is written. */
  onPut: (key: string, body: Buffer) => Buffer = (_key, body) => body;

  /** As the handlers are given it. */
  get client(): Pick<S3Client, 'send'> {
    const send = async (command: unknown): Promise<unknown> => {
      if (command instanceof PutObjectCommand) return this.#put(command.input);
      if (command instanceof GetObjectCommand) return this.#get(command.input);
      if (command instanceof ListObjectsV2Command) return this.#list(command.input);
      if (command instanceof DeleteObjectsCommand) {
        for (const { Key = '' } of command.input.Delete?.Objects ?? []) this.objects.delete(Key);
        return {};
      }
      throw new Error('Not a request that this S3 knows.');
    };
    return { send: send as S3Client['send'] };
  }

  json(key: string): unknown {
    return JSON.parse(this.objects.get(key)?.body.toString() ?? 'null');
  }

  keys(prefix = ''): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  #put({ Key = '', Body, IfMatch, IfNoneMatch }: PutObjectCommand['input']): { ETag: string } {
    const known = this.objects.get(Key);
    if ((IfNoneMatch && known) || (IfMatch && (!known || tagOf(known.body) !== IfMatch))) {
      throw named('PreconditionFailed');
    }
    const given = Body instanceof Uint8Array ? Buffer.from(Body) : Buffer.from(String(Body));
    const body = this.onPut(Key, given);
    this.objects.set(Key, { body, modified: this.now });
    return { ETag: tagOf(body) };
  }

  #get({ Key = '', Range }: GetObjectCommand['input']) {
    const known = this.objects.get(Key);
    if (!known) throw named('NoSuchKey');
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(Range ?? '') ?? [];
    const body = from === undefined ? known.body : known.body.subarray(Number(from), Number(to) + 1);
    return {
      ETag: tagOf(known.body),
      Body: {
        transformToString: async () => body.toString(),
        transformToByteArray: async () => new Uint8Array(body),
      },
    };
  }

  #list({ Prefix = '', StartAfter = '', ContinuationToken = '' }: ListObjectsV2Command['input']) {
    const after = ContinuationToken || StartAfter;
    const keys = this.keys(Prefix).filter((key) => key > after);
    const page = keys.slice(0, 1000);
    return {
      Contents: page.map((Key) => ({
        Key,
        Size: this.objects.get(Key)?.body.byteLength,
        LastModified: this.objects.get(Key)?.modified,
      })),
      ...(keys.length > 1000 && { NextContinuationToken: page.at(-1) }),
    };
  }
}

function tagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}
