import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { createSqs } from '../../local/services/sqs/index.ts';
import { ADMINISTRATOR, FakeContext, resource, serveJson } from './fake-context.ts';

const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };

async function setUp(t: import('node:test').TestContext) {
  const context = new FakeContext();
  const service = context.use(t, createSqs(context));
  const endpoint = await serveJson(t, context, 'sqs');
  const client = new SQSClient({ endpoint, region: context.region, credentials });
  t.after(() => client.destroy());
  const create = async (name: string, Attributes: Record<string, string> = {}) => {
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes }));
    return QueueUrl ?? '';
  };
  return { context, service, client, create };
}

test('a message comes back after its visibility time-out until it is deleted', async (t) => {
  const { context, client, create } = await setUp(t);
  const QueueUrl = await create('work', { VisibilityTimeout: '30' });
  await client.send(
    new SendMessageCommand({
      QueueUrl,
      MessageBody: 'hello',
      MessageAttributes: {
        colour: { DataType: 'String', StringValue: 'blue' },
        bytes: { DataType: 'Binary', BinaryValue: Buffer.from([1, 2, 3]) },
      },
    }),
  );
  const receive = () =>
    client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    );
  const [first] = (await receive()).Messages ?? [];
  assert.equal(first?.Body, 'hello');
  assert.deepEqual([...(first?.MessageAttributes?.bytes?.BinaryValue ?? [])], [1, 2, 3]);
  assert.equal((await receive()).Messages, undefined);
  await context.manual.advance(30_000);
  const [second] = (await receive()).Messages ?? [];
  assert.equal(second?.MessageId, first?.MessageId);
  assert.equal(second?.Attributes?.ApproximateReceiveCount, '2');
  await client.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl,
      ReceiptHandle: second?.ReceiptHandle,
      VisibilityTimeout: 0,
    }),
  );
  const [third] = (await receive()).Messages ?? [];
  assert.equal(third?.MessageId, first?.MessageId, 'a visibility of 0 gives the message back at once');
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: third?.ReceiptHandle }));
  await context.manual.advance(60_000);
  assert.equal((await receive()).Messages, undefined);
});

test('a message of 1 MiB is taken and one byte more is refused', async (t) => {
  const { client, create } = await setUp(t);
  const QueueUrl = await create('big');
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(2 ** 20) }));
  await assert.rejects(
    client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(2 ** 20 + 1) })),
    {
      name: 'InvalidParameterValue',
    },
  );
});

test('a waiting consumer gets a message the moment it is sent, and a delayed one when it is due', async (t) => {
  const { context, create } = await setUp(t);
  const QueueUrl = await create('poll');
  const receive = () =>
    context.call('sqs', 'ReceiveMessage', { QueueUrl, WaitTimeSeconds: 20 }, ADMINISTRATOR);
  const send = (extra: object) =>
    context.call('sqs', 'SendMessage', { QueueUrl, MessageBody: 'm', ...extra }, ADMINISTRATOR);
  const waiting = receive();
  await send({});
  assert.ok((await waiting).Messages);
  const delayed = receive();
  await send({ DelaySeconds: 10 });
  await context.manual.advance(9_000);
  const { Attributes } = await context.call(
    'sqs',
    'GetQueueAttributes',
    { QueueUrl, AttributeNames: ['All'] },
    ADMINISTRATOR,
  );
  assert.equal((Attributes as Record<string, string>).ApproximateNumberOfMessagesDelayed, '1');
  await context.manual.advance(1_000);
  assert.ok((await delayed).Messages);
  const nothing = receive();
  await context.manual.advance(20_000);
  assert.deepEqual(await nothing, {});
});

test('an aborted poll ends at once and takes no message', async (t) => {
  const { context, create } = await setUp(t);
  const QueueUrl = await create('aborted');
  const abort = new AbortController();
  const waiting = context.call(
    'sqs',
    'ReceiveMessage',
    { QueueUrl, WaitTimeSeconds: 20 },
    ADMINISTRATOR,
    abort.signal,
  );
  abort.abort();
  assert.deepEqual(await waiting, {});
  await context.call('sqs', 'SendMessage', { QueueUrl, MessageBody: 'kept' }, ADMINISTRATOR);
  assert.ok((await context.call('sqs', 'ReceiveMessage', { QueueUrl }, ADMINISTRATOR)).Messages);
});

test('after maxReceiveCount a message is a dead letter, and a redrive takes it back to where it came from', async (t) => {
  const { context, client, create } = await setUp(t);
  const dead = await create('dead');
  const deadArn = 'arn:aws:sqs:eu-west-1:123456789012:dead';
  const QueueUrl = await create('alive', {
    VisibilityTimeout: '1',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount: 2 }),
  });
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'poison' }));
  const received = async (url: string) =>
    (await client.send(new ReceiveMessageCommand({ QueueUrl: url, VisibilityTimeout: 1 }))).Messages
      ?.length ?? 0;
  const counts = [];
  for (let i = 0; i < 3; i++) {
    counts.push(await received(QueueUrl));
    await context.manual.advance(1_000);
  }
  assert.deepEqual(counts, [1, 1, 0]);
  await context.call('sqs', 'StartMessageMoveTask', { SourceArn: deadArn }, ADMINISTRATOR);
  assert.equal(await received(dead), 0);
  assert.equal(await received(QueueUrl), 1);
  const { Results } = await context.call(
    'sqs',
    'ListMessageMoveTasks',
    { SourceArn: deadArn },
    ADMINISTRATOR,
  );
  assert.partialDeepStrictEqual(Results, [{ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 1 }]);
});

test('a batch tells which entries failed, and an eleventh entry is refused', async (t) => {
  const { client, create } = await setUp(t);
  const QueueUrl = await create('batch', { MaximumMessageSize: '1024' });
  const { Successful, Failed } = await client.send(
    new SendMessageBatchCommand({
      QueueUrl,
      Entries: [
        { Id: 'good', MessageBody: 'x' },
        { Id: 'bad', MessageBody: 'x'.repeat(2000) },
      ],
    }),
  );
  assert.deepEqual([Successful?.[0]?.Id, Failed?.[0]?.Id], ['good', 'bad']);
  const Entries = Array.from({ length: 11 }, (_, i) => ({ Id: String(i), MessageBody: 'x' }));
  await assert.rejects(client.send(new SendMessageBatchCommand({ QueueUrl, Entries })), {
    name: 'TooManyEntriesInBatchRequest',
  });
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  assert.equal(Attributes?.ApproximateNumberOfMessages, '1');
});

test('messages outlive the process, and those in flight are visible again without counting as received', async (t) => {
  const context = new FakeContext();
  const before = createSqs(context);
  context.services.set('sqs', before);
  const queue = resource('AWS::SQS::Queue', {
    RedrivePolicy: { deadLetterTargetArn: 'arn:aws:sqs:eu-west-1:123456789012:none', maxReceiveCount: 1 },
  });
  const provisioned = await before.resources?.['AWS::SQS::Queue']?.(queue);
  const QueueUrl = provisioned?.ref;
  for (const MessageBody of ['held', 'waiting']) {
    await context.call('sqs', 'SendMessage', { QueueUrl, MessageBody }, ADMINISTRATOR);
  }
  await context.call('sqs', 'ReceiveMessage', { QueueUrl }, ADMINISTRATOR);
  await before.stop?.();

  context.endpoint = 'http://127.0.0.1:9999';
  const after = context.use(t, createSqs(context));
  const again = await after.resources?.['AWS::SQS::Queue']?.(queue);
  assert.equal(again?.ref, 'http://127.0.0.1:9999/123456789012/Stack-Thing-0123456789AB');
  const { Messages } = await context.call(
    'sqs',
    'ReceiveMessage',
    { QueueUrl, MaxNumberOfMessages: 10, AttributeNames: ['All'] },
    ADMINISTRATOR,
  );
  assert.partialDeepStrictEqual(Messages, [
    { Body: 'held', Attributes: { ApproximateReceiveCount: '1' } },
    { Body: 'waiting' },
  ]);
});

test('a queue policy is registered for the queue, and calls are authorised on its ARN', async (t) => {
  const { context, service, create } = await setUp(t);
  const QueueUrl = await create('guarded');
  const PolicyDocument = { Version: '2012-10-17', Statement: [] };
  await service.resources?.['AWS::SQS::QueuePolicy']?.(
    resource('AWS::SQS::QueuePolicy', { Queues: [QueueUrl], PolicyDocument }),
  );
  const arn = 'arn:aws:sqs:eu-west-1:123456789012:guarded';
  assert.deepEqual(context.resourcePolicies.get(arn), PolicyDocument);
  context.deny = ({ resource, action }) => resource === arn && action === 'sqs:SendMessage';
  await assert.rejects(
    context.call(
      'sqs',
      'SendMessageBatch',
      { QueueUrl, Entries: [{ Id: 'a', MessageBody: 'x' }] },
      ADMINISTRATOR,
    ),
    {
      name: 'AccessDenied',
    },
  );
});

test('each minute a queue publishes what it did and what it holds', async (t) => {
  const { context, service, create } = await setUp(t);
  const QueueUrl = await create('measured');
  await service.start?.();
  await context.call('sqs', 'SendMessage', { QueueUrl, MessageBody: 'x' }, ADMINISTRATOR);
  await context.manual.advance(60_000);
  const values = Object.fromEntries(context.metrics.map(({ name, value }) => [name, value]));
  assert.partialDeepStrictEqual(values, {
    NumberOfMessagesSent: 1,
    ApproximateNumberOfMessagesVisible: 1,
    ApproximateAgeOfOldestMessage: 60,
  });
});
