import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { InvalidEvent } from '../../lambdas/shared/errors.ts';
import { backOffSeconds, LATER, NotYet, taskWorker } from '../../lambdas/shared/task-worker.ts';
import { awsError, FakeClient, quietRun, record } from './support.ts';

const Message = z.object({ taskToken: z.string(), n: z.number() });

function worker(work: (n: number) => Promise<unknown>, sfn = new FakeClient(), sqs = new FakeClient()) {
  const run = taskWorker(
    Message,
    ({ n }) => work(n),
    () => ({ sfn, sqs, queueUrl: 'queue', random: () => 0.5 }),
  );
  const receive = (body: unknown, receives = 1) => run(record(body, receives), quietRun());
  return { sfn, sqs, receive };
}

test('success answers the token with the output', async () => {
  const { sfn, receive } = worker(async (n) => ({ doubled: n * 2 }));
  await receive({ taskToken: 't', n: 2 });
  assert.deepEqual(sfn.inputs('SendTaskSuccess'), [{ taskToken: 't', output: '{"doubled":4}' }]);
});

for (const name of [
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'LimitExceededException',
  'TooManyRequestsException',
  'SlowDown',
]) {
  test(`${name} goes back to the queue under its own name, however often it came`, async () => {
    const { sfn, sqs, receive } = worker(() => Promise.reject(awsError(name)));
    await assert.rejects(receive({ taskToken: 't', n: 1 }, 40), { name });
    assert.deepEqual(sfn.sent, []);
    assert.deepEqual(sqs.inputs('ChangeMessageVisibility'), [
      { QueueUrl: 'queue', ReceiptHandle: 'receipt-m-1', VisibilityTimeout: 150 },
    ]);
  });
}

test('another error comes again twice, then fails the task under its own name', async () => {
  const { sfn, receive } = worker(() => Promise.reject(awsError('AccessDeniedException', 'not allowed')));
  await assert.rejects(receive({ taskToken: 't', n: 1 }, 1), { name: 'AccessDeniedException' });
  await assert.rejects(receive({ taskToken: 't', n: 1 }, 2), { name: 'AccessDeniedException' });
  assert.deepEqual(sfn.sent, []);
  await receive({ taskToken: 't', n: 1 }, 3);
  assert.deepEqual(sfn.inputs('SendTaskFailure'), [
    { taskToken: 't', error: 'AccessDeniedException', cause: 'not allowed' },
  ]);
});

test('an error that cannot heal fails the task at once, within the limits of the API', async () => {
  const { sfn, receive } = worker(() => Promise.reject(new InvalidEvent('x'.repeat(100_000))));
  await receive({ taskToken: 't', n: 1 });
  const [failure] = sfn.inputs('SendTaskFailure');
  assert.equal(failure?.error, 'InvalidEvent');
  assert.equal(String(failure?.cause).length, 32_768);
});

test('a message of the wrong shape fails its task; without a token it fails alone', async () => {
  const { sfn, receive } = worker(async () => 1);
  await receive({ taskToken: 't', n: 'not a number' });
  assert.equal(sfn.inputs('SendTaskFailure')[0]?.error, 'InvalidEvent');
  await assert.rejects(receive('garbage'), { name: 'InvalidEvent' });
});

test('work that somebody else will answer for answers nothing', async () => {
  const { sfn, receive } = worker(async () => LATER);
  await receive({ taskToken: 't', n: 1 });
  assert.deepEqual(sfn.sent, []);
});

for (const name of ['TaskTimedOut', 'InvalidToken', 'TaskDoesNotExist']) {
  test(`${name} on the answer means that nobody waits: the message is done`, async () => {
    const sfn = new FakeClient({
      SendTaskSuccess: () => {
        throw awsError(name);
      },
    });
    await worker(async () => 1, sfn).receive({ taskToken: 't', n: 1 });
  });
}

test('an answer that Step Functions could not take is sent again with the message', async () => {
  const sfn = new FakeClient({
    SendTaskSuccess: () => {
      throw awsError('ThrottlingException');
    },
  });
  await assert.rejects(worker(async () => 1, sfn).receive({ taskToken: 't', n: 1 }), {
    name: 'ThrottlingException',
  });
  assert.deepEqual(sfn.inputs('SendTaskFailure'), []);
});

test('back-off grows with receives, is full jitter, and never over five minutes', () => {
  assert.equal(
    backOffSeconds(1, () => 0.999),
    2,
  );
  assert.equal(
    backOffSeconds(4, () => 0.5),
    8,
  );
  assert.equal(
    backOffSeconds(1000, () => 0.9999),
    300,
  );
  assert.equal(
    backOffSeconds(10, () => 0),
    0,
  );
});

test('work whose time has not come waits as long as it says, with a sign of life, however often it came', async () => {
  const { sfn, sqs, receive } = worker(() => Promise.reject(new NotYet('Tomorrow.', 7_200)));
  await assert.rejects(receive({ taskToken: 't', n: 1 }, 90), { name: 'NotYet' });
  assert.deepEqual(
    sfn.sent.map(({ name, input }) => [name, input]),
    [['SendTaskHeartbeat', { taskToken: 't' }]],
  );
  assert.deepEqual(
    sqs.inputs('ChangeMessageVisibility').map(({ VisibilityTimeout }) => VisibilityTimeout),
    [7_200],
  );
});

test('a message that waits for an execution that has ended is done', async () => {
  const ended = new FakeClient({ SendTaskHeartbeat: () => Promise.reject(awsError('TaskTimedOut')) });
  const { sqs, receive } = worker(() => Promise.reject(new NotYet('Tomorrow.', 7_200)), ended);
  await receive({ taskToken: 't', n: 1 });
  assert.deepEqual(sqs.sent, []);
});
