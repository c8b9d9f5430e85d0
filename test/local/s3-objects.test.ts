import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'node:test';
import {
  type ChecksumAlgorithm,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { ManualClock } from '../../local/clock.ts';
import { startS3 } from './support-s3.ts';

const Bucket = 'landing';

async function withBucket(client: S3Client, versioned = false): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket }));
  if (versioned)
    await client.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
}

const put = (client: S3Client, Key: string, Body = 'hello', more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

const read = async (client: S3Client, Key: string, more: object = {}) =>
  (await client.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body?.transformToString();

test('an object comes back with its bytes, headers, metadata and tags', async (t) => {
  const { client } = await startS3(t);
  await withBucket(client);
  await put(client, 'a.txt', 'grüezi', {
    ContentType: 'text/plain',
    CacheControl: 'no-store',
    Metadata: { origin: 'scanner' },
    Tagging: 'team=data&stage=raw',
  });
  const answer = await client.send(new GetObjectCommand({ Bucket, Key: 'a.txt' }));
  assert.equal(await answer.Body?.transformToString(), 'grüezi');
  assert.equal(answer.ContentType, 'text/plain');
  assert.equal(answer.CacheControl, 'no-store');
  assert.deepEqual(answer.Metadata, { origin: 'scanner' });
  assert.equal(answer.TagCount, 2);
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'a.txt' }));
  assert.deepEqual(TagSet, [
    { Key: 'team', Value: 'data' },
    { Key: 'stage', Value: 'raw' },
  ]);
});

test('odd keys are kept apart and listed as they were put', async (t) => {
  const { client } = await startS3(t);
  await withBucket(client);
  const keys = [
    'a b+c.txt',
    'a//b',
    'a/../b',
    'b',
    'dir/',
    '100%.txt',
    'ünï/日本😀',
    '<&>"\'',
    '/lead',
    'x\u0001y',
  ];
  for (const key of keys) await put(client, key, key);
  for (const key of keys) assert.equal(await read(client, key), key);
  const byBytes = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
  assert.deepEqual(
    Contents?.map(({ Key }) => Key),
    byBytes,
  );
  const { Deleted } = await client.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
  );
  assert.deepEqual(new Set(Deleted?.map(({ Key }) => Key)), new Set(keys));
  assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
});

test('ranges answer the part asked for, and 416 beyond the end', async (t) => {
  const { client } = await startS3(t);
  await withBucket(client);
  await put(client, 'digits', '0123456789');
  const ranges = { 'bytes=2-4': '234', 'bytes=7-': '789', 'bytes=-3': '789', 'bytes=8-99': '89' };
  for (const [Range, expected] of Object.entries(ranges)) {
    const answer = await client.send(new GetObjectCommand({ Bucket, Key: 'digits', Range }));
    assert.equal(answer.$metadata.httpStatusCode, 206);
    assert.equal(await answer.Body?.transformToString(), expected);
  }
  await assert.rejects(read(client, 'digits', { Range: 'bytes=10-' }), { name: 'InvalidRange' });
});

test('conditional writes and reads hold or refuse', async (t) => {
  const { client } = await startS3(t);
  await withBucket(client);
  const { ETag } = await put(client, 'once', 'first', { IfNoneMatch: '*' });
  await assert.rejects(put(client, 'once', 'second', { IfNoneMatch: '*' }), { name: 'PreconditionFailed' });
  await assert.rejects(put(client, 'once', 'second', { IfMatch: '"other"' }), { name: 'PreconditionFailed' });
  await assert.rejects(put(client, 'never', 'x', { IfMatch: ETag }), { name: 'NoSuchKey' });
  assert.equal(await read(client, 'once', { IfMatch: ETag }), 'first');
  await assert.rejects(read(client, 'once', { IfMatch: '"other"' }), { name: 'PreconditionFailed' });
  await assert.rejects(read(client, 'once', { IfNoneMatch: ETag }), (error: { $metadata: object }) => {
    assert.partialDeepStrictEqual(error.$metadata, { httpStatusCode: 304 });
    return true;
  });
  await put(client, 'once', 'second', { IfMatch: ETag });
  assert.equal(await read(client, 'once'), 'second');
});

test('of ten writers of a new key with If-None-Match one wins', async (t) => {
  const { client } = await startS3(t);
  await withBucket(client);
  const writers = Array.from({ length: 10 }, (_, i) =>
    put(client, 'once', `writer ${i}`, { IfNoneMatch: '*' }),
  );
  const results = await Promise.allSettled(writers);
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('every checksum algorithm is verified and answered', async (t) => {
  const { client } = await startS3(t);
  await withBucket(client);
  /** Of `123456789`: the check values of the CRC catalogue, and the digests of node:crypto. */
  const expected: Record<ChecksumAlgorithm, string> = {
    CRC32: Buffer.from('cbf43926', 'hex').toString('base64'),
    CRC32C: Buffer.from('e3069283', 'hex').toString('base64'),
    CRC64NVME: Buffer.from('ae8b14860a799888', 'hex').toString('base64'),
    SHA1: createHash('sha1').update('123456789').digest('base64'),
    SHA256: createHash('sha256').update('123456789').digest('base64'),
  } as Record<ChecksumAlgorithm, string>;
  for (const [algorithm, value] of Object.entries(expected)) {
    const member = `Checksum${algorithm}`;
    const name = Object.keys(expected).find((one): one is ChecksumAlgorithm => one === algorithm);
    await put(client, algorithm, '123456789', { ChecksumAlgorithm: name });
    const head = await client.send(
      new HeadObjectCommand({ Bucket, Key: algorithm, ChecksumMode: 'ENABLED' }),
    );
    assert.partialDeepStrictEqual(head, { [member]: value, ChecksumType: 'FULL_OBJECT' });
    const wrong = Buffer.from(value, 'base64').fill(0).toString('base64');
    await assert.rejects(put(client, algorithm, '123456789', { [member]: wrong }), { name: 'BadDigest' });
  }
  await assert.rejects(put(client, 'md5', 'x', { ContentMD5: 'AAAA' }), { name: 'InvalidDigest' });
  const md5 = createHash('md5').update('y').digest('base64');
  await assert.rejects(put(client, 'md5', 'x', { ContentMD5: md5 }), { name: 'BadDigest' });
});

test('aws-chunked bodies are unframed and their trailer is verified', async (t) => {
  const { client, endpoint } = await startS3(t);
  await withBucket(client);
  const send = (trailer: string) =>
    fetch(`${endpoint}/${Bucket}/chunked`, {
      method: 'PUT',
      headers: {
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'content-encoding': 'aws-chunked,gzip',
        'x-amz-decoded-content-length': '9',
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
      body: `5\r\n12345\r\n4;chunk-signature=abc\r\n6789\r\n0\r\nx-amz-checksum-crc32:${trailer}\r\n\r\n`,
    });
  assert.equal((await send('AAAAAA==')).status, 400);
  assert.equal((await send('y/Q5Jg==')).status, 200);
  const answer = await client.send(new GetObjectCommand({ Bucket, Key: 'chunked' }));
  assert.equal(answer.ContentEncoding, 'gzip');
  assert.equal(await answer.Body?.transformToString(), '123456789');
});

test('versions stay readable behind newer ones and delete markers', async (t) => {
  const { client } = await startS3(t);
  await withBucket(client, true);
  const first = await put(client, 'k', 'one');
  const second = await put(client, 'k', 'two');
  assert.notEqual(first.VersionId, second.VersionId);
  const removal = await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
  assert.equal(removal.DeleteMarker, true);
  await assert.rejects(read(client, 'k'), { name: 'NoSuchKey' });
  await assert.rejects(read(client, 'k', { VersionId: removal.VersionId }), { name: 'MethodNotAllowed' });
  assert.equal(await read(client, 'k', { VersionId: first.VersionId }), 'one');
  const listing = await client.send(new ListObjectVersionsCommand({ Bucket }));
  assert.deepEqual(
    listing.Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest]),
    [
      [second.VersionId, false],
      [first.VersionId, false],
    ],
  );
  assert.equal(listing.DeleteMarkers?.[0]?.IsLatest, true);
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: removal.VersionId }));
  assert.equal(await read(client, 'k'), 'two');
  await assert.rejects(read(client, 'k', { VersionId: 'x'.repeat(32) }), { name: 'NoSuchVersion' });
});

test('objects written before versioning keep the version null', async (t) => {
  const { client } = await startS3(t);
  await withBucket(client);
  assert.equal((await put(client, 'k', 'old')).VersionId, undefined);
  await client.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  await put(client, 'k', 'new');
  assert.equal(await read(client, 'k', { VersionId: 'null' }), 'old');
  await client.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }),
  );
  assert.equal((await put(client, 'k', 'newest')).VersionId, 'null');
  const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket }));
  assert.equal(Versions?.length, 2);
  assert.equal(await read(client, 'k', { VersionId: 'null' }), 'newest');
});

test('listings roll up by delimiter and go on page by page', async (t) => {
  const { client } = await startS3(t);
  await withBucket(client);
  for (const key of ['a/1', 'a/2', 'b', 'c/1', 'c/2', 'd']) await put(client, key);
  const seen: (string | undefined)[] = [];
  let ContinuationToken: string | undefined;
  do {
    const answer = await client.send(
      new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 1, ContinuationToken }),
    );
    seen.push(answer.Contents?.[0]?.Key ?? answer.CommonPrefixes?.[0]?.Prefix);
    ContinuationToken = answer.NextContinuationToken;
  } while (ContinuationToken);
  assert.deepEqual(seen, ['a/', 'b', 'c/', 'd']);
  const below = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'c/', StartAfter: 'c/1' }));
  assert.deepEqual(
    below.Contents?.map(({ Key }) => Key),
    ['c/2'],
  );
  const old = await client.send(new ListObjectsCommand({ Bucket, Delimiter: '/', MaxKeys: 3 }));
  assert.equal(old.NextMarker, 'c/');
  const rest = await client.send(new ListObjectsCommand({ Bucket, Delimiter: '/', Marker: old.NextMarker }));
  assert.deepEqual(
    rest.Contents?.map(({ Key }) => Key),
    ['d'],
  );
});

test('a large upload in parts comes back whole, as a copy too', async (t) => {
  const { client } = await startS3(t);
  await withBucket(client);
  const Body = Buffer.alloc(11 * 1024 * 1024, 'millrace');
  const upload = new Upload({ client, params: { Bucket, Key: 'big', Body } });
  const done = await upload.done();
  assert.match(done.ETag ?? '', /-3"$/);
  const attributes = await client.send(
    new GetObjectAttributesCommand({ Bucket, Key: 'big', ObjectAttributes: ['ObjectParts', 'ObjectSize'] }),
  );
  assert.partialDeepStrictEqual(attributes, { ObjectSize: Body.length, ObjectParts: { TotalPartsCount: 3 } });
  await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/big` }));
  for (const Key of ['big', 'copy']) {
    const answer = await client.send(new GetObjectCommand({ Bucket, Key }));
    assert.ok(Body.equals((await answer.Body?.transformToByteArray()) ?? Buffer.alloc(0)));
  }
});

test('a presigned address works until it expires', async (t) => {
  const clock = new ManualClock(Date.now());
  const { client } = await startS3(t, { clock });
  await withBucket(client);
  await put(client, 'a b.txt');
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'a b.txt' }), { expiresIn: 60 });
  assert.equal(await (await fetch(url)).text(), 'hello');
  await clock.advance(120_000);
  const late = await fetch(url);
  assert.equal(late.status, 403);
  assert.match(await late.text(), /<Code>AccessDenied<\/Code><Message>Request has expired/);
});

test('the host may name the bucket', async (t) => {
  const { client, endpoint } = await startS3(t);
  await withBucket(client);
  await put(client, 'a/b');
  const { port } = new URL(endpoint);
  const hosts = [
    'landing.s3.eu-west-1.amazonaws.com',
    `landing.s3.localhost:${port}`,
    `landing.localhost:${port}`,
  ];
  for (const host of hosts) assert.equal(await getWithHost(`${endpoint}/a/b`, host), 'hello');
  for (const host of ['localhost', 's3.localhost', 's3.eu-west-1.amazonaws.com'])
    assert.equal(await getWithHost(`${endpoint}/landing/a/b`, host), 'hello');
});

/** `fetch` does not let the host be chosen. */
const getWithHost = async (url: string, host: string): Promise<string> => {
  const [answer] = await once(request(url, { headers: { host } }).end(), 'response');
  return Buffer.concat(await answer.toArray()).toString();
};

test('what is not implemented is named', async (t) => {
  const { client, endpoint } = await startS3(t);
  await withBucket(client);
  const answer = await fetch(`${endpoint}/${Bucket}?replication`);
  assert.equal(answer.status, 501);
  assert.match(await answer.text(), /<Code>NotImplemented<\/Code>.*replication/s);
});

test('noncurrent versions and unfinished uploads expire by their lifecycle rule', async (t) => {
  const clock = new ManualClock();
  const { client } = await startS3(t, { clock });
  await withBucket(client, true);
  const old = await put(client, 'k', 'old');
  await put(client, 'k', 'current');
  await put(client, 'kept', 'only');
  await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'unfinished' }));
  const rule = {
    Status: 'Enabled',
    Filter: { Prefix: '' },
    NoncurrentVersionExpiration: { NoncurrentDays: 30 },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
  } as const;
  await client.send(
    new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [rule] } }),
  );
  const day = 24 * 60 * 60 * 1000;
  const uploads = async () =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads?.length;
  await clock.advance(6 * day);
  assert.equal(await uploads(), 1);
  await clock.advance(2 * day);
  assert.equal(await uploads(), undefined);
  assert.equal(await read(client, 'k', { VersionId: old.VersionId }), 'old');
  await clock.advance(23 * day);
  await assert.rejects(read(client, 'k', { VersionId: old.VersionId }), { name: 'NoSuchVersion' });
  assert.equal(await read(client, 'k'), 'current');
  assert.equal(await read(client, 'kept'), 'only');
});

test('acknowledged objects are there after a restart without a stop', async (t) => {
  const first = await startS3(t);
  await withBucket(first.client, true);
  const { VersionId } = await put(first.client, 'k', 'kept');
  const second = await startS3(t, { dataDir: first.dataDir });
  assert.equal(await read(second.client, 'k', { VersionId }), 'kept');
});
