import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSns } from '../../local/services/sns/index.ts';
import { createSqs } from '../../local/services/sqs/index.ts';
import { ADMINISTRATOR, FakeContext, resource } from './fake-context.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:done';
const QUEUE = 'arn:aws:sqs:eu-west-1:123456789012:inbox';

async function setUp(t: import('node:test').TestContext) {
  const context = new FakeContext();
  context.use(t, createSqs(context));
  const sns = context.use(t, createSns(context));
  const call = (service: string, operation: string, input: object) =>
    context.call(service, operation, { ...input }, ADMINISTRATOR);
  await call('sqs', 'CreateQueue', { QueueName: 'inbox' });
  const topic = await sns.resources?.['AWS::SNS::Topic']?.(
    resource('AWS::SNS::Topic', { TopicName: 'done' }),
  );
  assert.equal(topic?.ref, TOPIC);
  const subscribe = (properties: object) =>
    sns.resources?.['AWS::SNS::Subscription']?.(
      resource('AWS::SNS::Subscription', {
        TopicArn: TOPIC,
        Protocol: 'sqs',
        Endpoint: QUEUE,
        ...properties,
      }),
    );
  const bodies = async () => {
    const { Messages = [] } = await call('sqs', 'ReceiveMessage', {
      QueueUrl: 'inbox',
      MaxNumberOfMessages: 10,
    });
    return (Messages as { Body: string }[]).map(({ Body }) => Body);
  };
  return { context, sns, call, subscribe, bodies };
}

test('a publication reaches a queue in the envelope of SNS, sent by the service for the topic', async (t) => {
  const { context, call, subscribe, bodies } = await setUp(t);
  await subscribe({});
  await call('sns', 'Publish', { TopicArn: TOPIC, Message: 'hello', Subject: 'greeting' });
  const [body = ''] = await bodies();
  assert.partialDeepStrictEqual(JSON.parse(body), {
    Type: 'Notification',
    TopicArn: TOPIC,
    Message: 'hello',
    Subject: 'greeting',
  });
  assert.deepEqual(
    context.authorized.find(({ action }) => action === 'sqs:SendMessage'),
    {
      caller: { kind: 'service', service: 'sns.amazonaws.com', sourceArn: TOPIC },
      action: 'sqs:SendMessage',
      resource: QUEUE,
    },
  );
});

test('filter policies choose by attributes, and raw delivery leaves the envelope away', async (t) => {
  const { call, subscribe, bodies } = await setUp(t);
  await subscribe({ RawMessageDelivery: true, FilterPolicy: { kind: ['wanted'] } });
  for (const kind of ['wanted', 'other']) {
    const MessageAttributes = { kind: { DataType: 'String', StringValue: kind } };
    await call('sns', 'Publish', { TopicArn: TOPIC, Message: kind, MessageAttributes });
  }
  assert.deepEqual(await bodies(), ['wanted']);
});

test('a function is invoked with the record that Lambda documents', async (t) => {
  const { context, call, subscribe } = await setUp(t);
  await subscribe({ Protocol: 'lambda', Endpoint: 'arn:aws:lambda:eu-west-1:123456789012:function:f' });
  await call('sns', 'Publish', { TopicArn: TOPIC, Message: 'hello' });
  assert.partialDeepStrictEqual(JSON.parse(String(context.calls[0]?.input.Payload)), {
    Records: [{ EventSource: 'aws:sns', Sns: { Message: 'hello', TopicArn: TOPIC } }],
  });
});

test('a queue that refuses is told, and does not fail the publication', async (t) => {
  const { context, call, subscribe, bodies } = await setUp(t);
  await subscribe({});
  context.deny = ({ action, caller }) => action === 'sqs:SendMessage' && caller.kind === 'service';
  await call('sns', 'Publish', { TopicArn: TOPIC, Message: 'hello' });
  assert.deepEqual(await bodies(), []);
  assert.match(context.warnings[0] ?? '', /could not deliver/);
});

test('mail is kept and shown, and sent to nobody', async (t) => {
  const { call, subscribe, sns } = await setUp(t);
  await subscribe({ Protocol: 'email', Endpoint: 'on-call@example.com' });
  const seen: string[] = [];
  sns.onMail(({ subject }) => seen.push(subject));
  await call('sns', 'Publish', { TopicArn: TOPIC, Message: 'The desk is down', Subject: 'Help desk' });
  await call('sns', 'Publish', { TopicArn: TOPIC, Message: 'It is up' });
  assert.deepEqual(seen, ['Help desk', 'AWS Notification Message']);
  assert.deepEqual(
    sns.mails().map(({ to, text }) => [to, text]),
    [
      ['on-call@example.com', 'The desk is down'],
      ['on-call@example.com', 'It is up'],
    ],
  );
});
