import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { MovableClock } from '../../local/clock.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

const Answer = z.object({
  seed: z.number().default(0),
  rules: z.array(z.object({ fault: z.string(), service: z.string().optional() })).default([]),
  message: z.string().default(''),
});

describe('faults of a runtime that is up', () => {
  const clock = new MovableClock();
  let runtime: TestRuntime;
  before(async () => {
    runtime = await startTestRuntime({
      clock,
      crm: { port: 0, tickets: 1 },
      faults: { seed: 5, rules: [{ fault: 'lost', statuses: ['NONE'] }] },
    });
  });
  after(() => runtime?.stop());

  const ask = async (method: string, body?: unknown) => {
    const response = await fetch(`${runtime.client.endpoint}/_millrace/faults`, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, answer: Answer.parse(await response.json()) };
  };

  test('they are looked at, replaced and ended over HTTP', async () => {
    const { status, answer } = await ask('GET');
    assert.equal(status, 200);
    assert.equal(answer.seed, 5);
    assert.equal(answer.rules[0]?.fault, 'lost');
    const put = await ask('PUT', { seed: 9, breaks: ['ocr'] });
    assert.deepEqual([put.status, put.answer.seed, put.answer.rules[0]?.service], [200, 9, 'textract']);
    assert.deepEqual((await ask('DELETE')).answer.rules, []);
    assert.deepEqual((await ask('GET')).answer.rules, []);
  });

  test('they reach the CRM of this machine', async () => {
    const list = () => fetch(`${runtime.runtime.crm?.url}/api/v2/incremental/tickets/cursor.json`);
    await ask('PUT', [{ fault: 'crm', how: 'down' }]);
    await assert.rejects(list(), /fetch failed/);
    await ask('DELETE');
    assert.equal((await list()).status, 401);
  });

  test('a wrong plan is refused with what is wrong, and changes nothing', async () => {
    await ask('PUT', [{ fault: 'lost', statuses: ['NONE'] }]);
    for (const [body, message] of [
      ['{', /JSON/],
      [{ breaks: ['orc'] }, /There is no break "orc"/],
      [[{ fault: 'slow', seconds: -1 }], /rules\[0\]\.seconds/],
    ] as const) {
      const { status, answer } = await ask('PUT', body);
      assert.equal(status, 400);
      assert.match(answer.message, message);
    }
    assert.equal((await ask('GET')).answer.rules.length, 1);
    assert.equal((await ask('POST', {})).status, 405);
  });

  test('the SDK sees each protocol’s own errors, of the actions that are named only', async () => {
    const once = { ...runtime.client, maxAttempts: 1 };
    await ask('PUT', [
      { fault: 'throttled', service: 's3', operations: ['GetObject'], callers: ['administrator'] },
      { fault: 'failing', service: 'sqs', callers: ['administrator'] },
      { fault: 'throttled', service: 'states', callers: ['administrator'] },
    ]);
    const s3 = new S3Client(once);
    const Bucket = runtime.deployment.landingBucket;
    await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: 'x' })), { name: 'SlowDown' });
    await s3.send(new ListObjectsV2Command({ Bucket }));
    await assert.rejects(new SQSClient(once).send(new GetQueueUrlCommand({ QueueName: 'x' })), {
      name: 'InternalFailure',
    });
    await assert.rejects(new SFNClient(once).send(new ListStateMachinesCommand({})), {
      name: 'ThrottlingException',
    });
    await ask('DELETE');
    await new SFNClient(once).send(new ListStateMachinesCommand({}));
  });

  test('the clock can be made to jump', async () => {
    const before = clock.now();
    await ask('PUT', [{ fault: 'clock', seconds: 86_400 }]);
    assert.ok(clock.now() - before >= 86_400_000);
    await ask('DELETE');
  });
});
