import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { s3Quarantine } from '../../lambdas/document-ingestion/isolate.ts';
import { MAX_BYTES_IN_MEMORY, openInS3 } from '../../lambdas/document-ingestion/landed-object.ts';
import { sourceFile } from '../../lambdas/shared/file-id.ts';
import { startS3 } from '../local/support-s3.ts';

const KEY = 'documents/Grüße + 世界 100%.txt';

async function bucket(client: S3Client, Bucket: string, isVersioned: boolean): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket }));
  if (!isVersioned) return;
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
}

async function land(client: S3Client, Bucket: string, Body: string | Buffer) {
  const { VersionId } = await client.send(new PutObjectCommand({ Bucket, Key: KEY, Body }));
  return sourceFile(Bucket, KEY, VersionId);
}

test('each version is read as it landed, with its digest', async (t) => {
  const { client } = await startS3(t);
  await bucket(client, 'landing', true);
  const first = await land(client, 'landing', 'first');
  await land(client, 'landing', 'second');
  const object = await openInS3(client)(first);
  assert.equal(object?.bytes, 5);
  const { sha256, content } = (await object?.readAll()) ?? assert.fail();
  assert.equal(sha256, createHash('sha256').update('first').digest('hex'));
  assert.equal(String(await content.read(1, 3)), 'irs');
});

test('an object of a bucket without versioning is read too', async (t) => {
  const { client } = await startS3(t);
  await bucket(client, 'landing', false);
  const object = await openInS3(client)(await land(client, 'landing', ''));
  assert.equal(object?.bytes, 0);
  assert.equal((await object?.readHead(10))?.length, 0);
});

test('an object too large for memory is read by ranges after its digest', async (t) => {
  const { client } = await startS3(t);
  await bucket(client, 'landing', true);
  const whole = Buffer.alloc(MAX_BYTES_IN_MEMORY + 10, 'abcdefghij');
  const object = await openInS3(client)(await land(client, 'landing', whole));
  const { sha256, content } = (await object?.readAll()) ?? assert.fail();
  assert.equal(sha256, createHash('sha256').update(whole).digest('hex'));
  assert.ok((await content.read(whole.length - 5, 100)).equals(whole.subarray(-5)));
});

test('a deleted version is gone for reading and for quarantine', async (t) => {
  const { client } = await startS3(t);
  await bucket(client, 'landing', true);
  await bucket(client, 'lake', true);
  const source = await land(client, 'landing', 'x');
  await client.send(new DeleteObjectCommand({ Bucket: 'landing', Key: KEY, VersionId: source.versionId }));
  assert.equal(await openInS3(client)(source), undefined);
  assert.equal(await s3Quarantine(client, 'lake').copy(source, 'quarantine/x', 'text/plain'), false);
});

test('quarantine holds the very version, under any name', async (t) => {
  const { client } = await startS3(t);
  for (const isVersioned of [true, false]) {
    const landing = `landing-${isVersioned}`;
    await bucket(client, landing, isVersioned);
    if (isVersioned) await bucket(client, 'lake', true);
    const source = await land(client, landing, 'refused');
    if (isVersioned) await land(client, landing, 'newer');
    assert.equal(
      await s3Quarantine(client, 'lake').copy(source, `quarantine/${landing}`, 'text/plain'),
      true,
    );
    const copy = await client.send(new GetObjectCommand({ Bucket: 'lake', Key: `quarantine/${landing}` }));
    assert.equal(await copy.Body?.transformToString(), 'refused');
  }
});
