import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ManualClock } from '../../local/clock.ts';
import type { ResourceRequest, Shape } from '../../local/services/service.ts';
import { type RecordedCall, startS3 } from './support-s3.ts';

const Bucket = 'landing';
const QueueArn = 'arn:aws:sqs:eu-west-1:123456789012:intake';

const bodyOf = (call: RecordedCall) => JSON.parse(String(call.input.MessageBody));
const recordsOf = (calls: RecordedCall[]) => calls.flatMap((call) => bodyOf(call).Records ?? []);

async function notify(client: S3Client, rules: { Name: 'prefix' | 'suffix'; Value: string }[] = []) {
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  await client.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            Id: 'to-intake',
            QueueArn,
            Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'],
            Filter: { Key: { FilterRules: rules } },
          },
        ],
      },
    }),
  );
}

test('an upload is told to its queue in the shape of S3', async (t) => {
  const { client, runtime } = await startS3(t);
  await notify(client);
  const { VersionId, ETag } = await client.send(
    new PutObjectCommand({ Bucket, Key: 'documents/a b+ü(1).txt', Body: 'hello' }),
  );
  await runtime.until(() => runtime.calls.length === 2);
  const [testCall, call] = runtime.calls;
  assert.ok(testCall && call);
  assert.equal(bodyOf(testCall).Event, 's3:TestEvent');
  assert.equal(call.input.QueueUrl, 'http://127.0.0.1:4566/123456789012/intake');
  assert.deepEqual(call.caller, {
    kind: 'service',
    service: 's3.amazonaws.com',
    sourceArn: 'arn:aws:s3:::landing',
  });
  const [record] = recordsOf([call]);
  assert.partialDeepStrictEqual(record, {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'eu-west-1',
    eventName: 'ObjectCreated:Put',
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'to-intake',
      bucket: { name: Bucket, arn: 'arn:aws:s3:::landing' },
      object: {
        key: 'documents/a+b%2B%C3%BC%281%29.txt',
        size: 5,
        eTag: ETag?.replaceAll('"', ''),
        versionId: VersionId,
      },
    },
  });
});

test('filters choose what is told, and sequencers order changes of a key', async (t) => {
  const { client, runtime } = await startS3(t);
  await notify(client, [
    { Name: 'prefix', Value: 'in/' },
    { Name: 'suffix', Value: '.txt' },
  ]);
  for (const Key of ['in/a.csv', 'out/a.txt', 'in/a.txt'])
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  await client.send(new CopyObjectCommand({ Bucket, Key: 'in/a.txt', CopySource: `${Bucket}/out/a.txt` }));
  const { VersionId } = await client.send(new DeleteObjectCommand({ Bucket, Key: 'in/a.txt' }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'in/a.txt', VersionId }));
  await runtime.until(() => runtime.calls.length === 5);
  const records = recordsOf(runtime.calls);
  assert.deepEqual(
    records.map(({ eventName }) => eventName),
    ['ObjectCreated:Put', 'ObjectCreated:Copy', 'ObjectRemoved:DeleteMarkerCreated', 'ObjectRemoved:Delete'],
  );
  const sequencers: string[] = records.map(({ s3 }) => s3.object.sequencer);
  assert.deepEqual(sequencers, [...sequencers].sort());
  assert.equal(new Set(sequencers).size, 4);
});

test('a queue that refuses is tried again until it takes the message', async (t) => {
  const clock = new ManualClock();
  const { client, runtime } = await startS3(t, { clock });
  await notify(client);
  let refusals = 0;
  runtime.onCall = () => {
    if (refusals++ < 3) throw new Error('queue is down');
  };
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
  for (let i = 0; i < 10; i++) await clock.advance(1000);
  assert.equal(recordsOf(runtime.calls).length, 1);
  assert.equal(runtime.warnings.length, 1);
});

test('what a crash left undelivered is delivered after the next start', async (t) => {
  const first = await startS3(t);
  await notify(first.client);
  first.runtime.onCall = () => new Promise(() => {});
  for (const Key of ['a', 'b', 'c'])
    await first.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  const second = await startS3(t, { dataDir: first.dataDir });
  await second.runtime.until(() => second.runtime.calls.length === 3);
  const keys = recordsOf(second.runtime.calls).map(({ s3 }) => s3.object.key);
  assert.deepEqual(keys, ['a', 'b', 'c']);
});

test('a configuration is refused when its destination refuses the test event', async (t) => {
  const { client, runtime } = await startS3(t);
  runtime.onCall = () => {
    throw new Error('no such queue');
  };
  await assert.rejects(notify(client), { name: 'InvalidArgument' });
});

const resource = (type: string, properties: Shape): ResourceRequest => ({
  type,
  logicalId: 'Landing',
  constructPath: 'Data/Landing/Resource',
  stackName: 'Data',
  generatedName: 'Data-Landing-0123456789ab',
  properties,
});

test('a template makes a bucket, its policy and its notifications', async (t) => {
  const { client, runtime, service } = await startS3(t);
  const provision = (type: string, properties: Shape) =>
    service.resources?.[type]?.(resource(type, properties));
  const bucket = await provision('AWS::S3::Bucket', {
    VersioningConfiguration: { Status: 'Enabled' },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
    },
    LifecycleConfiguration: {
      Rules: [
        {
          Id: 'tier',
          Status: 'Enabled',
          Transitions: [{ StorageClass: 'STANDARD_IA', TransitionInDays: 30 }],
        },
      ],
    },
  });
  assert.ok(bucket);
  assert.equal(bucket.ref, 'data-landing-0123456789ab');
  assert.equal(bucket.attributes.Arn, 'arn:aws:s3:::data-landing-0123456789ab');
  const Bucket = bucket.ref;
  const document = { Version: '2012-10-17', Statement: [] };
  await provision('AWS::S3::BucketPolicy', { Bucket, PolicyDocument: document });
  assert.deepEqual(runtime.policies.get(`arn:aws:s3:::${Bucket}`), document);
  const notifications = {
    BucketName: Bucket,
    Managed: true,
    NotificationConfiguration: {
      EventBridgeConfiguration: {},
      QueueConfigurations: [
        {
          Events: ['s3:ObjectCreated:*'],
          Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'documents/' }] } },
          QueueArn,
        },
      ],
    },
  };
  await provision('Custom::S3BucketNotifications', notifications);
  await provision('Custom::S3BucketNotifications', notifications);
  const { QueueConfigurations } = await client.send(
    new GetBucketNotificationConfigurationCommand({ Bucket }),
  );
  assert.equal(QueueConfigurations?.[0]?.QueueArn, QueueArn);
  const { Rules } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
  assert.deepEqual(Rules?.[0]?.Transitions, [{ Days: 30, StorageClass: 'STANDARD_IA' }]);
  await client.send(new PutObjectCommand({ Bucket, Key: 'documents/a', Body: 'x' }));
  await runtime.until(() => runtime.calls.length === 2 && runtime.events.length === 1);
  assert.equal(runtime.calls.filter((call) => bodyOf(call).Event === 's3:TestEvent').length, 1);
  assert.partialDeepStrictEqual(runtime.events[0], {
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: { bucket: { name: Bucket }, object: { key: 'documents/a', size: 1 }, reason: 'PutObject' },
  });
});

test('a property that S3 here does not know stops the start, naming the construct', async (t) => {
  const { service } = await startS3(t);
  const provision = service.resources?.['AWS::S3::Bucket'];
  const bucket = resource('AWS::S3::Bucket', { ReplicationConfiguration: {} });
  assert.throws(() => provision?.(bucket), /Data\/Landing\/Resource.*ReplicationConfiguration/);
});
