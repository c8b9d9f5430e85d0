import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lambdaHarness, ROLE, until } from './lambda-harness.ts';

const MINUTE = 60_000;
const QUEUE = 'arn:aws:sqs:eu-west-1:123456789012:dead';
const FAILING = `export const handler = async () => { throw new Error('no') };`;

type Harness = ReturnType<typeof lambdaHarness>;

const send = (h: Harness, name: string, event: unknown) => h.invoke(name, event, { InvocationType: 'Event' });
const invocations = (h: Harness) => h.context.metrics.filter(({ name }) => name === 'Invocations').length;
const deliveries = (h: Harness) => h.context.calls.filter(({ operation }) => operation !== 'GetQueueUrl');

test('an event is accepted at once and handled later', async (t) => {
  const h = lambdaHarness(t);
  await h.define('echo', `export const handler = async (event) => { console.log('got', event.a) };`);
  assert.equal((await send(h, 'echo', { a: 1 })).StatusCode, 202);
  await until(() => h.log('echo').some((line) => line.endsWith('got 1')));
});

test('an event that fails is tried again after one and after two minutes, then goes to the DLQ', async (t) => {
  const h = lambdaHarness(t);
  h.context.onCall = ({ operation }) => (operation === 'GetQueueUrl' ? { QueueUrl: 'http://queue' } : {});
  await h.define('bad', FAILING, { DeadLetterConfig: { TargetArn: QUEUE } });
  await send(h, 'bad', { a: 1 });
  await until(() => h.context.warnings.length === 1);
  await h.context.manual.advance(MINUTE - 1);
  assert.equal(invocations(h), 1);
  await h.context.manual.advance(1);
  await until(() => h.context.warnings.length === 2);
  await h.context.manual.advance(2 * MINUTE);
  await until(() => deliveries(h).length === 1);
  assert.equal(invocations(h), 3);
  const [delivery] = deliveries(h);
  assert.equal(delivery?.operation, 'SendMessage');
  assert.deepEqual(delivery?.caller, { kind: 'role', roleArn: ROLE, sessionName: 'bad' });
  assert.equal(delivery?.input.QueueUrl, 'http://queue');
  assert.equal(delivery?.input.MessageBody, '{"a":1}');
  const { ErrorMessage } = Object(delivery?.input.MessageAttributes);
  assert.deepEqual(ErrorMessage, { DataType: 'String', StringValue: 'no' });
});

test('outcomes are reported to the destinations of the function', async (t) => {
  const h = lambdaHarness(t);
  const topic = (name: string) => `arn:aws:sns:eu-west-1:123456789012:${name}`;
  await h.define(
    'sometimes',
    `export const handler = async ({ bad }) => { if (bad) throw new Error('no'); return 7 };`,
  );
  await h.provision('AWS::Lambda::EventInvokeConfig', {
    FunctionName: 'sometimes',
    Qualifier: '$LATEST',
    MaximumRetryAttempts: 0,
    DestinationConfig: {
      OnSuccess: { Destination: topic('good') },
      OnFailure: { Destination: topic('bad') },
    },
  });
  await send(h, 'sometimes', {});
  await until(() => deliveries(h).length === 1);
  await send(h, 'sometimes', { bad: true });
  await until(() => deliveries(h).length === 2);
  const [success, failure] = deliveries(h).map(({ input }) => ({
    topic: input.TopicArn,
    record: JSON.parse(String(input.Message)),
  }));
  assert.equal(success?.topic, topic('good'));
  assert.equal(success?.record.requestContext.condition, 'Success');
  assert.equal(success?.record.responsePayload, 7);
  assert.equal(failure?.topic, topic('bad'));
  assert.equal(failure?.record.requestContext.condition, 'RetriesExhausted');
  assert.equal(failure?.record.requestContext.approximateInvokeCount, 1);
  assert.deepEqual(failure?.record.requestPayload, { bad: true });
  assert.equal(failure?.record.responsePayload.errorMessage, 'no');
  assert.deepEqual(failure?.record.responseContext, {
    statusCode: 200,
    executedVersion: '$LATEST',
    functionError: 'Unhandled',
  });
});

test('an event that grows too old is given up', async (t) => {
  const h = lambdaHarness(t);
  await h.define('bad', FAILING);
  await h.provision('AWS::Lambda::EventInvokeConfig', { FunctionName: 'bad', MaximumEventAgeInSeconds: 90 });
  await send(h, 'bad', {});
  await until(() => h.context.warnings.length === 1);
  await h.context.manual.advance(MINUTE);
  await until(() => h.context.warnings.length === 2);
  await h.context.manual.advance(30_000);
  assert.match(h.context.warnings.at(-1) ?? '', /EventAgeExceeded/);
  assert.equal(invocations(h), 2);
});

test('a throttled event waits and is not lost', async (t) => {
  const h = lambdaHarness(t);
  await h.define('one', `export const handler = async () => {};`, { ReservedConcurrentExecutions: 0 });
  await send(h, 'one', {});
  await h.context.manual.advance(1000);
  await h.call('PutFunctionConcurrency', { FunctionName: 'one', ReservedConcurrentExecutions: 1 });
  await h.context.manual.advance(2000);
  await until(() => invocations(h) === 1);
});

test('an accepted event outlives the runtime', async (t) => {
  const before = lambdaHarness(t);
  await before.define('one', `export const handler = async () => {};`, { ReservedConcurrentExecutions: 0 });
  await send(before, 'one', { a: 1 });
  await before.lambda.stop?.();

  const after = lambdaHarness(t, { dataDir: before.context.dataDir });
  await after.define('one', `export const handler = async (event) => { console.log('got', event.a) };`);
  await after.lambda.start?.();
  await until(() => after.log('one').some((line) => line.startsWith('REPORT')));
  assert.ok(after.log('one').some((line) => line.endsWith('got 1')));
  await after.lambda.stop?.();

  const later = lambdaHarness(t, { dataDir: before.context.dataDir });
  await later.define('one', `export const handler = async () => {};`);
  await later.lambda.start?.();
  await later.context.manual.advance(0);
  assert.equal(invocations(later), 0);
});
