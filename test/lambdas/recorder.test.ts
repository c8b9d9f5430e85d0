import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ConditionalCheckFailedException, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { admit } from '../../lambdas/intake/admit.ts';
import { changeOf, type StatusChange, StatusChangeEvent } from '../../lambdas/recorder/change.ts';
import { heldIncident } from '../../lambdas/recorder/held.ts';
import { measure } from '../../lambdas/recorder/measure.ts';
import { record } from '../../lambdas/recorder/record.ts';
import type { Meter } from '../../lambdas/shared/meter.ts';
import { parse } from '../../lambdas/shared/parse.ts';
import { FakeClient, seeded, startDynamo } from './support.ts';

const dynamo = await startDynamo({ audit: ['pk', 'sk'] });
after(() => dynamo.stop());

const START = Date.UTC(2026, 10, 21, 10);
const DONE = JSON.stringify({ outcome: 'SUCCEEDED', language: 'en', pages: 1 });

let files = 0;
const nextId = () => (++files).toString(16).padStart(64, '0');

function event(id: string, more: Partial<StatusChange['detail']>): StatusChange {
  const source = { fileId: id, bucket: 'landing', key: 'documents/a.txt', versionId: 'v1' };
  return parse(StatusChangeEvent, {
    source: 'aws.states',
    'detail-type': 'Step Functions Execution Status Change',
    time: new Date(START + 60_000).toISOString(),
    detail: {
      executionArn: `arn:execution:${more.name ?? id}`,
      stateMachineArn: 'arn:machine',
      name: id,
      status: 'RUNNING',
      startDate: START,
      stopDate: null,
      input: JSON.stringify(source),
      ...more,
    },
  });
}

const neverDescribe = () => Promise.reject(new Error('nothing was left out'));

async function take(change: StatusChange, pipeline = 'document-ingestion') {
  return record(await changeOf(change, pipeline, neverDescribe), dynamo.client, 'audit');
}

async function currentOf(id: string) {
  const { Item } = await dynamo.client.send(
    new GetItemCommand({ TableName: 'audit', Key: { pk: { S: id }, sk: { S: 'CURRENT' } } }),
  );
  return Item;
}

async function historyOf(id: string) {
  const { Items = [] } = await dynamo.client.send(
    new QueryCommand({
      TableName: 'audit',
      KeyConditionExpression: 'pk = :id AND sk < :current',
      ExpressionAttributeValues: { ':id': { S: id }, ':current': { S: 'CURRENT' } },
    }),
  );
  return Items;
}

test('a success keeps its result, and every item says what, whose and when', async () => {
  const id = nextId();
  await take(event(id, {}));
  await take(event(id, { status: 'SUCCEEDED', stopDate: START + 500, output: DONE }));
  const current = await currentOf(id);
  assert.equal(current?.Status?.S, 'SUCCEEDED');
  assert.deepEqual(current?.Result?.M, { language: { S: 'en' }, pages: { N: '1' } });
  assert.equal(current?.StatusShard?.S, 'SUCCEEDED#2026-11-21#0');
  assert.equal(current?.Attempt?.N, '1');
  const history = await historyOf(id);
  assert.deepEqual(
    history.map(({ Status }) => Status?.S),
    ['PROCESSING_INITIATED', 'SUCCEEDED'],
  );
  for (const item of [...history, current]) {
    for (const name of ['EventId', 'FileName', 'Status', 'Timestamp']) assert.ok(item?.[name]?.S, name);
  }
});

test('the same changes end in the same state, in every order and however often', async () => {
  const random = seeded(3);
  const changesOf = (id: string) => [
    event(id, {}),
    event(id, { status: 'FAILED', stopDate: START + 100, error: 'OcrFailed', cause: 'x' }),
    event(id, { status: 'RUNNING', redriveCount: 1, redriveDate: START + 200 }),
    event(id, {
      status: 'SUCCEEDED',
      stopDate: START + 300,
      redriveCount: 1,
      redriveDate: START + 200,
      output: DONE,
    }),
    event(id, { name: `${id}-r2`, status: 'RUNNING', startDate: START + 400 }),
    event(id, { name: `${id}-r2`, status: 'ABORTED', startDate: START + 400, stopDate: START + 500 }),
  ];
  for (let round = 0; round < 20; round++) {
    const id = nextId();
    const changes = [...changesOf(id), ...changesOf(id)]
      .map((change) => ({ change, order: random() }))
      .sort((a, b) => a.order - b.order);
    for (const { change } of changes) await take(change);
    const current = await currentOf(id);
    assert.equal(current?.Status?.S, 'SUCCEEDED');
    assert.equal(current?.Reason, undefined);
    assert.equal(current?.Timestamp?.S, new Date(START + 300).toISOString());
    assert.equal((await historyOf(id)).length, 6);
  }
});

test('a late failure of a stale duplicate does not undo a success', async () => {
  const id = nextId();
  await take(event(id, { status: 'SUCCEEDED', stopDate: START + 100, output: DONE }));
  const late = await take(event(id, { status: 'FAILED', stopDate: START + 9_000, error: 'E' }));
  assert.deepEqual([late.isNews, late.isCurrent], [true, false]);
  assert.equal((await currentOf(id))?.Status?.S, 'SUCCEEDED');
});

test('older news does not replace newer, and at one moment the end outranks the start', async () => {
  const id = nextId();
  await take(event(id, { status: 'TIMED_OUT', stopDate: START }));
  await take(event(id, { status: 'RUNNING' }));
  const current = await currentOf(id);
  assert.equal(current?.Status?.S, 'FAILED');
  assert.equal(current?.Reason?.M?.code?.S, 'States.Timeout');
});

test('a change is news once', async () => {
  const id = nextId();
  assert.equal((await take(event(id, {}))).isNews, true);
  assert.equal((await take(event(id, {}))).isNews, false);
});

test('a child writes history under the name of its file, and leaves the current state alone', async () => {
  const id = nextId();
  const input = JSON.stringify({
    fileId: id,
    source: { bucket: 'landing', key: 'documents/a.pdf', versionId: 'v1' },
  });
  const child = event(id, {
    name: `${id}-r2-ocr-0`,
    input,
    status: 'SUCCEEDED',
    stopDate: START + 5,
    output: '{}',
  });
  await take(child, 'ocr');
  assert.equal(await currentOf(id), undefined);
  const [row] = await historyOf(id);
  assert.equal(row?.FileName?.S, 'documents/a.pdf');
  assert.equal(row?.EventId?.S, `ocr:${id}-r2-ocr-0:SUCCEEDED:0`);
});

test('a load has a state of its own, named after its manifest', async () => {
  const id = nextId();
  const input = JSON.stringify({
    loadId: id,
    manifest: { bucket: 'lake', key: 'manifests/documents/x.json' },
  });
  await take(event(id, { input, status: 'SUCCEEDED', stopDate: START + 5, output: DONE }), 'warehouse-load');
  assert.equal((await currentOf(id))?.FileName?.S, 'manifests/documents/x.json');
});

test('a rejection keeps its reason, and a function’s error is told by its message', async () => {
  const id = nextId();
  const reason = { code: 'EMPTY_FILE', message: 'The file is empty.' };
  await take(
    event(id, {
      status: 'SUCCEEDED',
      stopDate: START + 1,
      output: JSON.stringify({ outcome: 'REJECTED', reason }),
    }),
  );
  assert.equal((await currentOf(id))?.Reason?.M?.code?.S, 'EMPTY_FILE');
  const other = nextId();
  const cause = JSON.stringify({ errorType: 'E', errorMessage: 'It broke.', trace: [] });
  await take(event(other, { status: 'FAILED', stopDate: START + 1, error: 'E', cause }));
  assert.deepEqual((await currentOf(other))?.Reason?.M, { code: { S: 'E' }, message: { S: 'It broke.' } });
});

test('a failure of a child, however deep, is told by the child’s own error', async () => {
  const id = nextId();
  const inner = { Error: 'OcrFailed', Cause: JSON.stringify({ errorMessage: 'Textract gave up.' }) };
  const middle = { ExecutionArn: 'arn:child:2', Status: 'FAILED', ...inner };
  const cause = JSON.stringify({
    ExecutionArn: 'arn:child:1',
    Status: 'FAILED',
    Error: 'States.TaskFailed',
    Cause: JSON.stringify(middle),
  });
  await take(event(id, { status: 'FAILED', stopDate: START + 1, error: 'States.TaskFailed', cause }));
  const expected = { code: { S: 'OcrFailed' }, message: { S: 'Textract gave up.' } };
  assert.deepEqual((await currentOf(id))?.Reason?.M, expected);
});

test('what a large event left out is asked for', async () => {
  const id = nextId();
  const asked: string[] = [];
  const describe = async (arn: string) => {
    asked.push(arn);
    return { input: JSON.stringify({ key: 'documents/big.txt' }), output: DONE };
  };
  const change = event(id, { status: 'SUCCEEDED', stopDate: START + 1, input: null, output: null });
  const { status, fileName } = await changeOf(change, 'document-ingestion', describe);
  assert.deepEqual([status, fileName, asked.length], ['SUCCEEDED', 'documents/big.txt', 1]);
});

test('an execution that tells no outcome, or has a foreign name, is refused and not counted as a success', async () => {
  const id = nextId();
  await assert.rejects(take(event(id, { status: 'SUCCEEDED', stopDate: START, output: '{}' })), {
    name: 'InvalidEvent',
  });
  await assert.rejects(take(event(id, { name: 'by-hand' })), /named after a file/);
});

const OBJECTIVE = { seconds: 600 };

/** Lands a file at `START` and records its changes; answers the sums that were measured, as `<Metric>/<Pipeline>`. */
async function measured(
  key: string,
  changes: readonly (readonly [pipeline: string, more: Partial<StatusChange['detail']>])[],
): Promise<Record<string, number>> {
  const fileId = nextId();
  const file = { fileId, bucket: 'landing', key, versionId: 'v1' };
  const arrival = { file, bytes: 91, time: new Date(START).toISOString() };
  const trigger = { pipeline: 'document-ingestion', stateMachineArn: 'arn:machine' };
  await admit(arrival, trigger, { dynamo: dynamo.client, sfn: new FakeClient(), auditTable: 'audit' });
  const sums: Record<string, number> = {};
  const add: Meter['add'] = (name, value, { Pipeline, Outcome } = {}) => {
    const id = [name, Pipeline, Outcome].filter(Boolean).join('/');
    sums[id] = (sums[id] ?? 0) + value;
  };
  for (const [pipeline, more] of changes) {
    const name = (more.name ?? '<id>').replace('<id>', fileId);
    const input = JSON.stringify(pipeline === 'document-ingestion' ? file : { fileId, source: file });
    const change = await changeOf(event(fileId, { input, ...more, name }), pipeline, neverDescribe);
    measure(change, await record(change, dynamo.client, 'audit'), OBJECTIVE, { add } as Meter);
  }
  return sums;
}

const LATE = START + 601_000;
const failed = { status: 'FAILED', stopDate: START + 60_000, error: 'OcrFailed', cause: 'x' } as const;
const done = (more: Partial<StatusChange['detail']> = {}) =>
  ({
    status: 'SUCCEEDED',
    stopDate: START + 90_000,
    output: JSON.stringify({ outcome: 'SUCCEEDED', bytes: 91, estimatedCostUsd: 0.5 }),
    ...more,
  }) as const;
const own = (more: Partial<StatusChange['detail']>) => ['document-ingestion', more] as const;
const told = (outcome: string) => JSON.stringify({ outcome, reason: { code: 'C', message: 'm' } });
const ofObjective = ({
  'ObjectiveFiles/document-ingestion': files,
  'ObjectiveMet/document-ingestion': met,
}: Record<string, number>) => [files, met];

test('a file counts once for the objective, by its first outcome and from its landing', async () => {
  const cases: Record<string, [Parameters<typeof measured>[1], unknown[]]> = {
    'in time': [[own(done())], [1, 1]],
    'told twice': [
      [own(done()), own(done())],
      [1, 1],
    ],
    late: [[own(done({ stopDate: LATE }))], [1, 0]],
    refused: [[own(done({ output: told('REJECTED') }))], [1, 1]],
    failed: [[own(failed)], [1, 0]],
    'failed and mended': [
      [own(failed), own(done({ redriveCount: 1, redriveDate: START + 70_000 }))],
      [1, 0],
    ],
    'run again': [
      [own(done()), own(done({ name: '<id>-r2', stopDate: LATE }))],
      [1, 1],
    ],
    held: [[own(done({ output: told('HELD') }))], [undefined, undefined]],
    'held and released': [
      [own(done({ output: told('HELD') })), own(done({ name: '<id>-r2', stopDate: LATE }))],
      [undefined, undefined],
    ],
    'on its way': [
      [own({ status: 'RUNNING' }), ['ocr', { ...done(), name: '<id>-ocr-0' }]],
      [undefined, undefined],
    ],
  };
  for (const [name, [changes, expected]] of Object.entries(cases)) {
    assert.deepEqual(ofObjective(await measured('documents/a.txt', changes)), expected, name);
  }
});

test('cost and bytes count for each execution that came to an outcome', async () => {
  const sums = await measured('documents/a.txt', [
    own(failed),
    own(done({ redriveCount: 1, redriveDate: START + 70_000 })),
    own(done({ name: '<id>-r2', stopDate: LATE })),
  ]);
  assert.equal(sums['EstimatedCostUsd/document-ingestion'], 1);
  assert.equal(sums['BytesFinished/document-ingestion'], 182);
});

test('a canary’s file has a pipeline of its own, and only its outcome is counted', async () => {
  const sums = await measured('canary/fail/run-1.txt', [
    own({ status: 'RUNNING' }),
    ['sentiment', { ...done(), name: '<id>-sentiment-0' }],
    own(failed),
  ]);
  assert.deepEqual(sums, { 'Outcomes/canary/FAILED': 1 });
});

test('a file that is held opens an incident with all that wait for the same reason, and its next outcome ends it', async () => {
  const id = nextId();
  const reason = { code: 'COST_OVER_LIMIT', message: 'It would cost about $4.00.' };
  const held = event(id, {
    status: 'SUCCEEDED',
    stopDate: START + 1,
    output: JSON.stringify({ outcome: 'HELD', reason }),
  });
  const rerun = (more: Partial<StatusChange['detail']>) =>
    event(id, { name: `${id}-r2`, startDate: START + 9, ...more });
  const told = async (change: StatusChange) => {
    const read = await changeOf(change, 'document-ingestion', neverDescribe);
    return heldIncident(read, await record(read, dynamo.client, 'audit'));
  };
  const opened = await told(held);
  assert.deepEqual(
    [opened?.state, opened?.key, opened?.members, opened?.eventId, opened?.summary],
    [
      'OPEN',
      'document-ingestion:HELD:COST_OVER_LIMIT',
      [id],
      `document-ingestion:${id}:SUCCEEDED:0`,
      reason.message,
    ],
  );
  assert.equal(await told(rerun({})), undefined);
  const over = await told(rerun({ status: 'FAILED', stopDate: START + 20, error: 'E' }));
  assert.deepEqual([over?.state, over?.key, over?.members], ['RESOLVED', opened?.key, [id]]);
  assert.equal(await told(held), undefined);
});

test('a file that never waited has no such incident', async () => {
  const id = nextId();
  const change = await changeOf(
    event(id, { status: 'SUCCEEDED', stopDate: START + 1, output: DONE }),
    'document-ingestion',
    neverDescribe,
  );
  assert.equal(heldIncident(change, await record(change, dynamo.client, 'audit')), undefined);
});

test('a change that a crash left half told is current still, unless something has come after it', async () => {
  const id = nextId();
  const output = told('HELD');
  const change = await changeOf(
    event(id, { status: 'SUCCEEDED', stopDate: START + 1, output }),
    'document-ingestion',
    neverDescribe,
  );
  const recordedAt = (EventId: string) =>
    record(
      change,
      new FakeClient({
        UpdateItem: () => {
          throw new ConditionalCheckFailedException({
            message: 'The conditional request failed',
            $metadata: {},
            Item: { EventId: { S: EventId }, FirstOutcome: { S: change.eventId } },
          });
        },
      }),
      'audit',
    );
  assert.equal((await recordedAt(change.eventId)).isCurrent, true);
  assert.equal((await recordedAt('the rerun that released it')).isCurrent, false);
});
