import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { admit } from '../../lambdas/intake/admit.ts';
import { arrivalsOf } from '../../lambdas/intake/arrivals.ts';
import { sourceFile } from '../../lambdas/shared/file-id.ts';
import { triggerOf } from '../../lambdas/shared/triggers.ts';
import { awsError, FakeClient, startDynamo } from './support.ts';

const dynamo = await startDynamo({ audit: ['pk', 'sk'] });
after(() => dynamo.stop());

const TRIGGER = { pipeline: 'document-ingestion', stateMachineArn: 'arn:machine' };

const s3Record = (key: string, more: Record<string, unknown> = {}, eventName = 'ObjectCreated:Put') => ({
  eventSource: 'aws:s3',
  eventName,
  eventTime: '2026-11-21T10:00:00.123Z',
  s3: { bucket: { name: 'landing' }, object: { key, size: 5, versionId: 'v1', sequencer: '1', ...more } },
});
const message = (...records: unknown[]) => JSON.stringify({ Records: records });

test('keys are decoded as S3 encodes them', () => {
  const [arrival] = arrivalsOf(
    message(s3Record('documents/Gr%C3%BC%C3%9Fe+%2B+%E4%B8%96%E7%95%8C+100%25.txt')),
  );
  assert.equal(arrival?.file.key, 'documents/Grüße + 世界 100%.txt');
  assert.equal(arrival?.time, '2026-11-21T10:00:00.123Z');
});

test('every record of a message counts', () => {
  const keys = arrivalsOf(message(s3Record('a'), s3Record('b'), s3Record('c'))).map(({ file }) => file.key);
  assert.deepEqual(keys, ['a', 'b', 'c']);
});

test('test events, deletions, other news and folders are no arrivals', () => {
  const testEvent = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2026', Bucket: 'landing' };
  assert.deepEqual(arrivalsOf(JSON.stringify(testEvent)), []);
  assert.deepEqual(arrivalsOf(message(s3Record('a', {}, 'ObjectRemoved:DeleteMarkerCreated'))), []);
  assert.deepEqual(arrivalsOf(message(s3Record('a', {}, 'ObjectRestore:Completed'))), []);
  assert.deepEqual(arrivalsOf(message(s3Record('documents/new/', { size: 0 }))), []);
  assert.equal(arrivalsOf(message(s3Record('documents/odd/', { size: 3 }))).length, 1);
});

test('an object without a version has the version null', () => {
  const [arrival] = arrivalsOf(message(s3Record('a', { versionId: undefined })));
  assert.deepEqual(arrival?.file, sourceFile('landing', 'a', 'null'));
});

test('messages that S3 did not send are refused with what is wrong', () => {
  for (const body of [
    '',
    'hello',
    '{}',
    '{"Records":[{}]}',
    message({ eventSource: 'aws:sns', eventName: 'x' }),
  ]) {
    assert.throws(() => arrivalsOf(body), { name: 'InvalidEvent' });
  }
  assert.throws(() => arrivalsOf(message(s3Record('%E0%A4%A'))), /URL-encoded/);
});

test('a new version of a key is another file', () => {
  assert.notEqual(sourceFile('b', 'k', 'v1').fileId, sourceFile('b', 'k', 'v2').fileId);
});

test('the longest prefix decides which pipeline a key starts', () => {
  const triggers = { 'documents/': TRIGGER, 'documents/legal/': { ...TRIGGER, pipeline: 'legal' } };
  assert.equal(triggerOf(triggers, 'documents/legal/a')?.pipeline, 'legal');
  assert.equal(triggerOf(triggers, 'documents/a')?.pipeline, 'document-ingestion');
  assert.equal(triggerOf(triggers, 'other/a'), undefined);
});

/** A Step Functions that knows names, as the real one does. */
function fakeStates() {
  const names = new Set<string>();
  return new FakeClient({
    StartExecution: ({ name }) => {
      if (names.has(String(name))) throw awsError('ExecutionAlreadyExists');
      names.add(String(name));
      return {};
    },
  });
}

async function rowsOf(fileId: string) {
  const { Items = [] } = await dynamo.client.send(
    new QueryCommand({
      TableName: 'audit',
      KeyConditionExpression: 'pk = :id',
      ExpressionAttributeValues: { ':id': { S: fileId } },
    }),
  );
  return Items;
}

const arrival = (key: string) => ({
  file: sourceFile('landing', key, 'v1'),
  bytes: 5,
  time: '2026-11-21T10:00:00.123Z',
});

test('an event delivered five times at once starts one execution and writes one history row', async () => {
  const sfn = fakeStates();
  const file = arrival('five');
  const admitted = await Promise.all(
    Array.from({ length: 5 }, () =>
      admit(file, TRIGGER, { dynamo: dynamo.client, sfn, auditTable: 'audit' }),
    ),
  );
  assert.equal(admitted.filter(Boolean).length, 1);
  const inputs = new Set(sfn.inputs('StartExecution').map((input) => JSON.stringify(input)));
  assert.equal(inputs.size, 1);
  const rows = await rowsOf(file.file.fileId);
  assert.deepEqual(
    rows.map(({ sk, Status, FileName }) => [sk?.S, Status?.S, FileName?.S]),
    [
      ['2026-11-21T10:00:00.123Z#received', 'RECEIVED', 'five'],
      ['CURRENT', 'RECEIVED', 'five'],
    ],
  );
});

test('a crash after any step is mended by the next delivery', async (t) => {
  for (const steps of [0, 1, 2, 3]) {
    await t.test(`after step ${steps}`, async () => {
      const sfn = fakeStates();
      const file = arrival(`crash-${steps}`);
      let left = steps;
      const crash = () => {
        if (left-- === 0) throw new Error('the function was killed');
      };
      const crashing = (send: (command: never) => Promise<unknown>) =>
        ({
          send: async (command: never) => {
            crash();
            return send(command);
          },
        }) as unknown as FakeClient;
      const broken = {
        dynamo: crashing((command) => dynamo.client.send(command)),
        sfn: crashing((command) => sfn.send(command)),
        auditTable: 'audit',
      };
      if (steps < 3) await assert.rejects(admit(file, TRIGGER, broken), /killed/);
      else await admit(file, TRIGGER, broken);
      await admit(file, TRIGGER, { dynamo: dynamo.client, sfn, auditTable: 'audit' });
      const started = new Set(sfn.inputs('StartExecution').map(({ name }) => name));
      assert.deepEqual([...started], [file.file.fileId]);
      assert.equal((await rowsOf(file.file.fileId)).length, 2);
    });
  }
});
