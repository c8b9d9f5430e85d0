import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { startS3 } from './support-s3.ts';

const Bucket = 'landing';

test('each request is authorised for its action, resource and conditions', async (t) => {
  const { client, runtime } = await startS3(t);
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'a/b', Body: 'x' }));
  await client.send(new GetObjectCommand({ Bucket, Key: 'a/b' }));
  await client.send(new GetObjectCommand({ Bucket, Key: 'a/b', VersionId: 'null' }));
  await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'a/' }));
  await client.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/a/b` }));
  assert.deepEqual(
    runtime.authorized.map(({ action, resource, conditions }) => [action, resource, conditions]),
    [
      ['s3:CreateBucket', 'arn:aws:s3:::landing', {}],
      ['s3:PutObject', 'arn:aws:s3:::landing/a/b', {}],
      ['s3:GetObject', 'arn:aws:s3:::landing/a/b', {}],
      ['s3:GetObjectVersion', 'arn:aws:s3:::landing/a/b', { 's3:VersionId': 'null' }],
      ['s3:ListBucket', 'arn:aws:s3:::landing', { 's3:prefix': 'a/' }],
      ['s3:PutObject', 'arn:aws:s3:::landing/c', {}],
      ['s3:GetObject', 'arn:aws:s3:::landing/a/b', {}],
    ],
  );
});

test('a missing key is told only to callers that may list', async (t) => {
  const { client, runtime, service } = await startS3(t);
  await client.send(new CreateBucketCommand({ Bucket }));
  const get = () => client.send(new GetObjectCommand({ Bucket, Key: 'none' }));
  const getInProcess = async () =>
    service.operations?.GetObject?.handle({ Bucket, Key: 'none' }, { caller: { kind: 'administrator' } });
  await assert.rejects(get(), { name: 'NoSuchKey' });
  await assert.rejects(getInProcess(), { name: 'NoSuchKey' });
  runtime.denied.add('s3:ListBucket');
  await assert.rejects(get(), { name: 'AccessDenied' });
  await assert.rejects(getInProcess(), { name: 'AccessDenied' });
});

test('deleting many tells which ones were refused', async (t) => {
  const { client, runtime } = await startS3(t);
  await client.send(new CreateBucketCommand({ Bucket }));
  runtime.denied.add('s3:DeleteObject');
  const { Errors } = await client.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'a' }, { Key: 'b' }] } }),
  );
  assert.deepEqual(
    Errors?.map(({ Key, Code }) => [Key, Code]),
    [
      ['a', 'AccessDenied'],
      ['b', 'AccessDenied'],
    ],
  );
});

test('operations in process answer as the API does', async (t) => {
  const { client, service } = await startS3(t);
  await client.send(new CreateBucketCommand({ Bucket }));
  const call = { caller: { kind: 'administrator' } } as const;
  await service.operations?.PutObject?.handle(
    { Bucket, Key: 'p/k', Body: Buffer.from('bytes'), ContentType: 'text/plain', Metadata: { a: 'b' } },
    call,
  );
  const got = await service.operations?.GetObject?.handle({ Bucket, Key: 'p/k' }, call);
  assert.partialDeepStrictEqual(got, {
    Body: Buffer.from('bytes'),
    ContentLength: 5,
    ContentType: 'text/plain',
    Metadata: { a: 'b' },
  });
  const listed = await service.operations?.ListObjectsV2?.handle({ Bucket, Delimiter: '/' }, call);
  assert.partialDeepStrictEqual(listed, { KeyCount: 1, CommonPrefixes: [{ Prefix: 'p/' }] });
});
