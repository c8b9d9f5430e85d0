import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from 'aws-lambda';
import { environment } from '../../lambdas/shared/environment.ts';
import { isThrottle } from '../../lambdas/shared/errors.ts';
import { lambda, sqsBatch, sqsGroup } from '../../lambdas/shared/handler.ts';
import { awsError, record } from './support.ts';

const CONTEXT = { awsRequestId: 'r', functionName: 'f', getRemainingTimeInMillis: () => 1_000 } as Context;

/** Lines of JSON that are written meanwhile; whatever else is written, by the test runner for example, goes its way. */
async function linesOf(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const lines: string[] = [];
  const restores = [process.stdout, process.stderr].map((stream) => {
    const { write } = stream;
    stream.write = (text: string | Uint8Array) => {
      if (typeof text !== 'string' || !text.startsWith('{"')) return write.call(stream, text);
      lines.push(...text.trimEnd().split('\n'));
      return true;
    };
    return () => {
      stream.write = write;
    };
  });
  try {
    await work();
  } finally {
    for (const restore of restores) restore();
  }
  return lines.map((line) => JSON.parse(line));
}

test('of a batch, only the records that failed come again, and nothing is thrown', async () => {
  const seen: string[] = [];
  const handler = sqsBatch(async ({ body }) => {
    seen.push(body);
    if (body.startsWith('bad')) throw awsError('Broken');
  });
  const records = ['good', 'bad 1', 'also good', 'bad 2'].map((body) => record(body, 1, `id of ${body}`));
  let answer: unknown;
  await linesOf(async () => {
    answer = await handler({ Records: records }, CONTEXT);
  });
  assert.equal(seen.length, 4);
  assert.deepEqual(answer, {
    batchItemFailures: [{ itemIdentifier: 'id of bad 1' }, { itemIdentifier: 'id of bad 2' }],
  });
});

test('what is no batch at all is thrown, before any record is worked on', async () => {
  const handler = sqsBatch(async () => {});
  await linesOf(() => assert.rejects(handler({ detail: 1 }, CONTEXT), { name: 'InvalidEvent' }));
});

test('a handler takes no callback: Node 24 refuses those of three parameters', () => {
  const handlers = [
    lambda(async () => {}),
    sqsBatch(async () => {}),
    sqsGroup({ parse: () => [], work: async () => {} }),
  ];
  assert.deepEqual(
    handlers.map(({ length }) => length),
    [2, 2, 2],
  );
});

test('an error of a direct invocation keeps its name', async () => {
  const handler = lambda(() => Promise.reject(awsError('ThrottlingException')));
  await linesOf(() => assert.rejects(handler({}, CONTEXT), { name: 'ThrottlingException' }));
});

test('every line names its own file, execution and pipeline, and metrics are written once', async () => {
  const handler = sqsBatch(async ({ body }, { log, meter, identify }) => {
    identify({ fileId: body, execution: `e-${body}`, pipeline: 'p' });
    await new Promise(setImmediate);
    log.info('worked');
    meter.add('Things', 2, { Pipeline: 'p' });
  });
  const lines = await linesOf(() =>
    handler({ Records: ['a', 'b'].map((body) => record(body, 1, body)) }, CONTEXT),
  );
  const logged = lines.filter(({ message }) => message === 'worked');
  assert.deepEqual(
    logged.map(({ fileId, execution, pipeline }) => [fileId, execution, pipeline]),
    [
      ['a', 'e-a', 'p'],
      ['b', 'e-b', 'p'],
    ],
  );
  const metrics = lines.filter((line) => '_aws' in line);
  assert.equal(metrics.length, 1);
  assert.deepEqual(metrics[0]?.Things, [2, 2]);
  assert.equal(metrics[0]?.Pipeline, 'p');
  assert.ok(!('service' in (metrics[0] ?? {})));
});

test('a wrong environment is told by the names of its variables', () => {
  const variables = { AUDIT_TABLE: 'audit', TRIGGERS: '{', LIMITS: '{"maxPages":"3"}' };
  assert.deepEqual(environment(['AUDIT_TABLE'], variables), { AUDIT_TABLE: 'audit' });
  assert.throws(
    () => environment(['AUDIT_TABLE', 'TRIGGERS', 'LIMITS', 'LAKE_BUCKET'], variables),
    (error: Error) =>
      error.name === 'InvalidEnvironment' &&
      ['TRIGGERS', 'LIMITS', 'maxPages', 'LAKE_BUCKET is not set'].every((part) =>
        error.message.includes(part),
      ),
  );
});

test('load is recognised by the names that AWS gives it', () => {
  assert.ok(isThrottle(awsError('ProvisionedThroughputExceededException')));
  assert.ok(!isThrottle(awsError('AccessDeniedException')));
});
