import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchItemFailures } from '../../local/services/lambda/event-source.ts';
import type { LocalService, Shape } from '../../local/services/service.ts';
import { lambdaHarness, ROLE, until } from './lambda-harness.ts';

const QUEUE = 'arn:aws:sqs:eu-west-1:123456789012:intake';

interface StubMessage {
  readonly MessageId: string;
  readonly Body: string;
}

/** A queue in memory: what is received is gone until it is deleted; nothing becomes visible again. */
function stubQueue() {
  const visible: StubMessage[] = [];
  const inFlight = new Map<string, StubMessage>();
  let wake = () => {};
  const service: LocalService = {
    signingNames: ['sqs'],
    iamPrefix: 'sqs',
    operations: {
      GetQueueUrl: { action: null, handle: () => ({ QueueUrl: 'http://queue/intake' }) },
      GetQueueAttributes: { handle: () => ({ Attributes: { VisibilityTimeout: '30' } }) },
      ReceiveMessage: {
        async handle({ MaxNumberOfMessages }, { signal }) {
          if (visible.length === 0) {
            await new Promise<void>((resolve) => {
              wake = resolve;
              signal?.addEventListener('abort', () => resolve(), { once: true });
              if (signal?.aborted) resolve();
            });
          }
          const taken = signal?.aborted ? [] : visible.splice(0, Number(MaxNumberOfMessages));
          for (const message of taken) inFlight.set(message.MessageId, message);
          return { Messages: taken.map(describe) };
        },
      },
      DeleteMessageBatch: {
        handle({ Entries }) {
          if (!Array.isArray(Entries) || Entries.length > 10) throw new Error('too many');
          for (const { ReceiptHandle } of Entries)
            inFlight.delete(String(ReceiptHandle).replace('receipt-', ''));
          return {};
        },
      },
    },
  };
  return {
    service,
    inFlight,
    visible,
    send(...bodies: string[]) {
      for (const Body of bodies) visible.push({ MessageId: `m${Body}`, Body });
      wake();
    },
  };
}

function describe({ MessageId, Body }: StubMessage): Shape {
  return {
    MessageId,
    Body,
    ReceiptHandle: `receipt-${MessageId}`,
    MD5OfBody: 'md5',
    Attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1', SenderId: 'me' },
    MessageAttributes: { kind: { DataType: 'String', StringValue: 'x' } },
  };
}

async function setUp(
  t: Parameters<typeof lambdaHarness>[0],
  source: string,
  mapping: Shape = {},
  fn: Shape = {},
) {
  const harness = lambdaHarness(t);
  const queue = stubQueue();
  harness.context.services.set('sqs', queue.service);
  await harness.define('worker', `export const handler = async ({ Records }) => { ${source} };`, fn);
  const { ref } = await harness.provision('AWS::Lambda::EventSourceMapping', {
    FunctionName: 'worker',
    EventSourceArn: QUEUE,
    ...mapping,
  });
  await harness.lambda.start?.();
  /** What the function logged with `console.log('saw', …)`. */
  const seen = () => harness.log('worker').flatMap((line) => line.split('\tsaw ')[1] ?? []);
  return { ...harness, queue, ref, seen };
}

const SAY = `console.log('saw', Records.map((r) => r.body).join());`;

test('a message becomes an event as Lambda documents it, and is deleted when the function succeeds', async (t) => {
  const { context, queue, seen } = await setUp(t, `console.log('saw', JSON.stringify(Records));`);
  queue.send('1');
  await until(() => seen().length === 1 && queue.inFlight.size === 0);
  assert.deepEqual(JSON.parse(seen()[0] ?? ''), [
    {
      messageId: 'm1',
      receiptHandle: 'receipt-m1',
      body: '1',
      attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1', SenderId: 'me' },
      messageAttributes: {
        kind: { stringValue: 'x', stringListValues: [], binaryListValues: [], dataType: 'String' },
      },
      md5OfBody: 'md5',
      eventSource: 'aws:sqs',
      eventSourceARN: QUEUE,
      awsRegion: 'eu-west-1',
    },
  ]);
  const role = { kind: 'role', roleArn: ROLE, sessionName: 'worker' };
  const actions = context.authorized.filter(({ action }) => action.startsWith('sqs:'));
  assert.ok(actions.length >= 2);
  for (const { caller } of actions) assert.deepEqual(caller, role);
});

test('without a window a batch is what one receive brings', async (t) => {
  const { queue, seen } = await setUp(t, SAY, { BatchSize: 3 });
  queue.send('1', '2', '3', '4');
  await until(() => seen().length === 2);
  assert.deepEqual(seen().toSorted(), ['1,2,3', '4']);
});

test('a window gathers a batch over several receives until it is full', async (t) => {
  const { queue, seen } = await setUp(t, SAY, { BatchSize: 25, MaximumBatchingWindowInSeconds: 5 });
  queue.send(...Array.from({ length: 25 }, (_, index) => String(index)));
  await until(() => seen().length === 1);
  assert.equal(seen()[0]?.split(',').length, 25);
});

test('a window that ends sends what has come', async (t) => {
  const { context, queue, seen } = await setUp(t, SAY, { BatchSize: 25, MaximumBatchingWindowInSeconds: 5 });
  queue.send('1');
  await context.manual.advance(4999);
  queue.send('2');
  await context.manual.advance(0);
  assert.deepEqual(seen(), []);
  await context.manual.advance(1);
  await until(() => seen().length === 1);
  assert.deepEqual(seen(), ['1,2']);
});

test('a function that fails keeps its whole batch in the queue', async (t) => {
  const { queue, seen } = await setUp(t, `${SAY} if (Records[0].body === '1') throw new Error('no');`, {
    BatchSize: 2,
  });
  queue.send('1', '2');
  await until(() => seen().length === 1);
  queue.send('3');
  await until(() => seen().length === 2 && !queue.inFlight.has('m3'));
  assert.deepEqual([...queue.inFlight.keys()], ['m1', 'm2']);
});

test('a function that reports failures keeps only those', async (t) => {
  const { queue } = await setUp(t, `return { batchItemFailures: [{ itemIdentifier: 'm2' }] };`, {
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
  queue.send('1', '2', '3');
  await until(() => queue.visible.length === 0 && queue.inFlight.size === 1);
  assert.deepEqual([...queue.inFlight.keys()], ['m2']);
});

test('a report of failures is read as AWS documents', () => {
  const read = (response: unknown) => batchItemFailures(JSON.stringify(response), new Set(['a', 'b']));
  for (const success of [null, {}, { batchItemFailures: null }, { batchItemFailures: [] }]) {
    assert.deepEqual(read(success), new Set(), JSON.stringify(success));
  }
  assert.deepEqual(read({ batchItemFailures: [{ itemIdentifier: 'a' }] }), new Set(['a']));
  for (const invalid of ['', null, 'unknown', 1]) {
    assert.equal(read({ batchItemFailures: [{ itemIdentifier: 'a' }, { itemIdentifier: invalid }] }), 'all');
  }
  assert.equal(read({ batchItemFailures: [{ messageId: 'a' }] }), 'all');
  assert.equal(read({ batchItemFailures: ['a'] }), 'all');
  assert.equal(read('done'), 'all');
});

test('batches run side by side, up to the maximum concurrency', async (t) => {
  const source = `console.log('began'); await new Promise((r) => setTimeout(r, 150)); ${SAY}`;
  const { context, queue, seen } = await setUp(t, source, {
    BatchSize: 1,
    ScalingConfig: { MaximumConcurrency: 2 },
  });
  queue.send('1', '2', '3', '4', '5', '6');
  await until(() => seen().length === 6 && queue.inFlight.size === 0);
  const concurrent = context.metrics
    .filter(({ name }) => name === 'ConcurrentExecutions')
    .map(({ value }) => value);
  assert.equal(Math.max(...concurrent), 2);
});

test('what no filter lets through is deleted unseen', async (t) => {
  const { queue, seen } = await setUp(t, SAY, {
    FilterCriteria: { Filters: [{ Pattern: JSON.stringify({ body: { kind: ['sale'] } }) }] },
  });
  queue.send('{"kind":"visit"}', '{"kind":"sale"}', 'text');
  await until(() => seen().length === 1 && queue.inFlight.size === 0);
  assert.deepEqual(seen(), ['{"kind":"sale"}']);
});

test('a role that may not receive is said once, and polling goes on when it may', async (t) => {
  const { context, queue, seen } = await setUp(t, SAY);
  context.deny = ({ action }) => action === 'sqs:ReceiveMessage';
  // Ends a receive that may already be waiting; the next one is refused.
  queue.send('1');
  await until(() => context.warnings.length === 1);
  for (let second = 0; second < 3; second++) await context.manual.advance(1000);
  assert.equal(context.warnings.length, 1);
  assert.match(context.warnings[0] ?? '', /sqs:ReceiveMessage/);
  context.deny = () => false;
  await context.manual.advance(1000);
  queue.send('2');
  await until(() => seen().join().includes('2'));
});

test('a mapping can be stopped, changed and read', async (t) => {
  const { call, queue, ref, seen } = await setUp(t, SAY, { BatchSize: 3 });
  const { EventSourceMappings } = await call('ListEventSourceMappings', { FunctionName: 'worker' });
  assert.ok(Array.isArray(EventSourceMappings));
  assert.deepEqual([EventSourceMappings[0].UUID, EventSourceMappings[0].BatchSize], [ref, 3]);
  assert.equal((await call('UpdateEventSourceMapping', { UUID: ref, Enabled: false })).State, 'Disabled');
  queue.send('1');
  await call('UpdateEventSourceMapping', { UUID: ref, Enabled: true, BatchSize: 1 });
  await until(() => seen().length === 1);
  await assert.rejects(call('UpdateEventSourceMapping', { UUID: ref, BatchSize: 11 }), {
    code: 'InvalidParameterValueException',
    message: /batch window in seconds must be greater than 0/,
  });
  await call('DeleteEventSourceMapping', { UUID: ref });
  await assert.rejects(call('GetEventSourceMapping', { UUID: ref }), { code: 'ResourceNotFoundException' });
});
