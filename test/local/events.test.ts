import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EventBridgeClient,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { createEvents } from '../../local/services/events/index.ts';
import { targetPayload } from '../../local/services/events/input.ts';
import { compilePattern } from '../../local/services/events/pattern.ts';
import { AwsError } from '../../local/services/service.ts';
import { createSqs } from '../../local/services/sqs/index.ts';
import { ADMINISTRATOR, FakeContext, resource, serveJson, stopped } from './fake-context.ts';

const EVENT = {
  source: 'aws.s3',
  'detail-type': 'Object Created',
  resources: ['arn:aws:s3:::landing', 'arn:aws:s3:::other'],
  detail: {
    key: 'documents/Letter.PDF',
    size: 42,
    ip: '10.1.2.3',
    empty: '',
    nothing: null,
    flag: true,
    tags: ['a', 'b'],
    parts: [
      { n: 1, ok: true },
      { n: 2, ok: false },
    ],
  },
};

const PATTERNS: [matches: boolean, pattern: object][] = [
  [true, { source: ['aws.s3', 'aws.states'] }],
  [false, { source: ['aws.states'] }],
  [true, { resources: ['arn:aws:s3:::other'] }],
  [true, { detail: { key: [{ prefix: 'documents/' }] } }],
  [true, { detail: { key: [{ prefix: { 'equals-ignore-case': 'DOCUMENTS/' } }] } }],
  [false, { detail: { key: [{ suffix: '.pdf' }] } }],
  [true, { detail: { key: [{ suffix: { 'equals-ignore-case': '.pdf' } }] } }],
  [true, { detail: { key: [{ 'equals-ignore-case': 'DOCUMENTS/letter.pdf' }] } }],
  [true, { detail: { key: [{ wildcard: 'doc*/*.PDF' }] } }],
  [false, { detail: { key: [{ wildcard: 'doc*/*.png' }] } }],
  [true, { detail: { key: [{ 'anything-but': ['x', 'y'] }] } }],
  [false, { detail: { key: [{ 'anything-but': { prefix: 'documents/' } }] } }],
  [false, { detail: { key: [{ 'anything-but': { prefix: ['x', 'documents/'] } }] } }],
  [false, { detail: { key: [{ 'anything-but': { wildcard: '*.PDF' } }] } }],
  [false, { detail: { key: [{ 'anything-but': { 'equals-ignore-case': ['documents/letter.pdf'] } }] } }],
  [false, { detail: { missing: [{ 'anything-but': 'x' }] } }],
  [true, { detail: { size: [{ numeric: ['>', 0, '<=', 42] }] } }],
  [false, { detail: { size: [{ numeric: ['=', 41] }] } }],
  [true, { detail: { size: [{ 'anything-but': 41 }] } }],
  [true, { detail: { ip: [{ cidr: '10.0.0.0/8' }] } }],
  [false, { detail: { ip: [{ cidr: '192.168.0.0/16' }] } }],
  [true, { detail: { nothing: [null], empty: [''], flag: [true] } }],
  [true, { detail: { missing: [{ exists: false }], key: [{ exists: true }] } }],
  [true, { other: { missing: [{ exists: false }] } }],
  [false, { detail: { key: [{ exists: false }] } }],
  [true, { detail: { tags: ['b'] } }],
  [true, { detail: { parts: { n: [2], ok: [false] } } }],
  [false, { detail: { parts: { n: [2], ok: [true] } } }],
  [true, { $or: [{ source: ['x'] }, { detail: { size: [42] } }] }],
  [false, { source: ['aws.s3'], $or: [{ detail: { size: [1] } }, { detail: { size: [2] } }] }],
];

test('event patterns match as EventBridge documents them', () => {
  for (const [matches, pattern] of PATTERNS) {
    assert.equal(compilePattern(pattern)(EVENT), matches, JSON.stringify(pattern));
  }
});

test('a pattern that EventBridge would not take is refused', () => {
  for (const pattern of [
    {},
    { source: 'aws.s3' },
    { source: [] },
    { a: [{ like: 'x' }] },
    { a: [{ prefix: 1 }] },
    { a: [['x']] },
  ]) {
    assert.throws(
      () => compilePattern(pattern),
      { code: 'InvalidEventPatternException' },
      JSON.stringify(pattern),
    );
  }
});

test('an input transformer writes JSON outside quotes and text inside them', () => {
  const rule = { name: 'r', arn: 'arn:rule' };
  const transform = (InputTemplate: string) =>
    targetPayload(
      {
        InputTransformer: {
          InputPathsMap: {
            key: '$.detail.key',
            size: '$.detail.size',
            tags: '$.detail.tags',
            part: '$.detail.parts[1].n',
          },
          InputTemplate,
        },
      },
      EVENT,
      rule,
    );
  assert.equal(
    transform('{"k": <key>, "s": <size>, "t": <tags>}'),
    '{"k": "documents/Letter.PDF", "s": 42, "t": ["a","b"]}',
  );
  assert.equal(
    transform('"file <key> of <size> by <aws.events.rule-name>, part <part>"'),
    '"file documents/Letter.PDF of 42 by r, part 2"',
  );
  assert.equal(targetPayload({ InputPath: '$.detail.tags' }, EVENT, rule), '["a","b"]');
  assert.equal(targetPayload({ Input: '{"x":1}' }, EVENT, rule), '{"x":1}');
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('an event reaches each target of each rule it matches, as the service that sends it', async (t) => {
  const context = new FakeContext();
  const events = context.use(t, createEvents(context));
  await events.start?.();
  const provisioned = await events.resources?.['AWS::Events::Rule']?.(
    resource('AWS::Events::Rule', {
      EventPattern: { source: ['aws.s3'] },
      Targets: [
        { Id: 'q', Arn: 'arn:aws:sqs:eu-west-1:123456789012:work', InputPath: '$.detail.key' },
        {
          Id: 's',
          Arn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:m',
          RoleArn: 'arn:aws:iam::123456789012:role/r',
        },
      ],
    }),
  );
  events.deliver({ source: 'aws.other', 'detail-type': 'x', detail: {} });
  events.deliver({ source: 'aws.s3', 'detail-type': 'Object Created', detail: { key: 'a' } });
  await settled();
  assert.partialDeepStrictEqual(context.calls, [
    {
      service: 'sqs',
      input: { QueueUrl: 'http://127.0.0.1:4566/123456789012/work', MessageBody: '"a"' },
      caller: { kind: 'service', service: 'events.amazonaws.com', sourceArn: provisioned?.attributes.Arn },
    },
    {
      service: 'states',
      operation: 'StartExecution',
      caller: { kind: 'role', roleArn: 'arn:aws:iam::123456789012:role/r' },
    },
  ]);
  assert.equal(context.calls.length, 2);
  assert.equal(context.authorized.at(-1)?.action, 'sts:AssumeRole');
});

test('a delivery is tried again while its target is throttled, and survives a restart meanwhile', async (t) => {
  const context = new FakeContext();
  const start = async (service: ReturnType<typeof createEvents>) => {
    await service.resources?.['AWS::Events::Rule']?.(
      resource('AWS::Events::Rule', {
        EventPattern: { source: ['a'] },
        Targets: [{ Id: 'f', Arn: 'arn:aws:lambda:eu-west-1:123456789012:function:f' }],
      }),
    );
    await service.start?.();
    return service;
  };
  context.onCall = () => {
    throw new AwsError('TooManyRequestsException', 'slow down', { status: 429 });
  };
  const first = await start(createEvents(context));
  first.deliver({ source: 'a', 'detail-type': 'x', detail: {} });
  await context.manual.advance(3_000);
  assert.equal(context.calls.length, 3, 'at once, after 1 s and after 2 s more');
  await stopped(first);
  context.onCall = () => ({});
  const second = await start(createEvents(context));
  await settled();
  assert.equal(context.calls.length, 4);
  await stopped(second);
  const third = await start(createEvents(context));
  await settled();
  assert.equal(context.calls.length, 4, 'what was delivered is not sent again');

  await third.stop?.();
  third.deliver({ source: 'a', 'detail-type': 'x', detail: {} });
  await settled();
  assert.equal(context.calls.length, 4, 'what others tell while they stop waits for the next start');
  third.close?.();
  const fourth = await start(createEvents(context));
  t.after(() => stopped(fourth));
  await settled();
  assert.equal(context.calls.length, 5);
});

test('what is refused goes to the dead-letter queue with the reason', async (t) => {
  const context = new FakeContext();
  const sqs = context.use(t, createSqs(context));
  await sqs.operations?.CreateQueue?.handle({ QueueName: 'dead' }, { caller: ADMINISTRATOR });
  const events = context.use(t, createEvents(context));
  await events.start?.();
  await events.resources?.['AWS::Events::Rule']?.(
    resource('AWS::Events::Rule', {
      EventPattern: { source: ['a'] },
      Targets: [
        {
          Id: 'gone',
          Arn: 'arn:aws:sqs:eu-west-1:123456789012:gone',
          DeadLetterConfig: { Arn: 'arn:aws:sqs:eu-west-1:123456789012:dead' },
        },
      ],
    }),
  );
  events.deliver({ source: 'a', 'detail-type': 'x', detail: { n: 1 } });
  const { Messages } = await context.call(
    'sqs',
    'ReceiveMessage',
    { QueueUrl: 'dead', WaitTimeSeconds: 1, MessageAttributeNames: ['All'] },
    ADMINISTRATOR,
  );
  assert.partialDeepStrictEqual(Messages, [
    { MessageAttributes: { ERROR_CODE: { StringValue: 'QueueDoesNotExist' } } },
  ]);
});

test('rules made through the SDK match custom events, and scheduled rules fire on time', async (t) => {
  const context = new FakeContext();
  const events = context.use(t, createEvents(context));
  await events.start?.();
  const client = new EventBridgeClient({
    endpoint: await serveJson(t, context, 'events'),
    region: context.region,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  });
  t.after(() => client.destroy());
  const target = { Id: 'f', Arn: 'arn:aws:lambda:eu-west-1:123456789012:function:f' };
  await client.send(new PutRuleCommand({ Name: 'custom', EventPattern: '{"source":["shop"]}' }));
  await client.send(new PutTargetsCommand({ Rule: 'custom', Targets: [target] }));
  await client.send(new PutRuleCommand({ Name: 'tick', ScheduleExpression: 'cron(0 0/6 * * ? *)' }));
  await client.send(new PutTargetsCommand({ Rule: 'tick', Targets: [target] }));
  const { FailedEntryCount, Entries } = await client.send(
    new PutEventsCommand({
      Entries: [
        { Source: 'shop', DetailType: 'Order', Detail: '{"n":1}' },
        { Source: 'aws.s3', DetailType: 'x', Detail: '{}' },
      ],
    }),
  );
  assert.equal(FailedEntryCount, 1);
  assert.equal(Entries?.[1]?.ErrorCode, 'NotAuthorizedForSourceException');
  assert.equal(context.calls.length, 1);
  await context.manual.advance(12 * 3_600_000);
  assert.equal(context.calls.length, 3);
  assert.partialDeepStrictEqual(JSON.parse(String(context.calls[2]?.input.Payload)), {
    'detail-type': 'Scheduled Event',
    time: '2026-01-01T12:00:00Z',
  });
});
