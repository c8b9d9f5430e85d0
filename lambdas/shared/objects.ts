import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ObjectRef } from './contract.ts';

/** Whole objects of the lake, read and written as text. */
export interface Objects {
  read(ref: ObjectRef): Promise<string>;
  write(ref: ObjectRef, body: string, contentType: string): Promise<void>;
}

export const TEXT = 'text/plain; charset=utf-8';
export const JSON_TYPE = 'application/json';

export function s3Objects(s3: S3Client): Objects {
  return {
    async read({ bucket, key }) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return (await Body?.transformToString('utf-8')) ?? '';
    },
    ...s3Writer(s3),
  };
}

/** For functions that only write: reading stays out of their bundle. */
export function s3Writer(s3: S3Client): Pick<Objects, 'write'> {
  return {
    async write({ bucket, key }, body, contentType) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType }));
    },
  };
}

/** `s3://bucket/key` */
export function uriOf({ bucket, key }: ObjectRef): string {
  return `s3://${bucket}/${key}`;
}
