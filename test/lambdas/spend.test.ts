import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { OCR_SPEND } from '../../lambdas/ocr/contract.ts';
import { dynamoJobs } from '../../lambdas/ocr/jobs.ts';
import { read } from '../../lambdas/ocr/reading.ts';
import { dynamoSpend, waitSeconds } from '../../lambdas/ocr/spend.ts';
import type { Textract } from '../../lambdas/ocr/textract.ts';
import { awsError, MemoryLake, startDynamo } from './support.ts';

const dynamo = await startDynamo({ jobs: ['pk'] });
after(() => dynamo.stop());

const HOUR = 3_600_000;
let now = Date.UTC(2026, 10, 21, 10);

const nextDay = () => {
  now += 24 * HOUR;
};

const guard = (client: Parameters<typeof dynamoSpend>[0] = dynamo.client) =>
  dynamoSpend(client, { table: 'jobs', ceilingUsd: 1, usdPerPage: 0.01, now: () => now, random: () => 0 });

async function spentUsd(): Promise<number> {
  const pk = `spend#${new Date(now).toISOString().slice(0, 10)}`;
  const { Item } = await dynamo.client.send(
    new GetItemCommand({ TableName: 'jobs', Key: { pk: { S: pk } } }),
  );
  return Number(Item?.usd?.N ?? 0);
}

let files = 0;
function handing(pages: number) {
  const fileId = (++files).toString(16).padStart(64, '0');
  return { fileId, executionName: `${fileId}-ocr-0`, pages };
}

test('at the ceiling documents wait, and the next day (UTC) they go on', async () => {
  nextDay();
  await guard().admit(handing(60));
  await guard().admit(handing(60));
  assert.equal(await spentUsd(), 1.2);
  const late = handing(1);
  await assert.rejects(guard().admit(late), { name: 'SpendCeilingReached', metric: 'SpendCeilingReached' });
  assert.equal(await spentUsd(), 1.2);
  nextDay();
  await guard().admit(late);
  assert.equal(await spentUsd(), 0.01);
});

test('a document that costs more than a day’s ceiling is read on a day that has nothing spent', async () => {
  nextDay();
  await guard().admit(handing(3_000));
  await assert.rejects(guard().admit(handing(1)), { name: 'SpendCeilingReached' });
});

test('an execution is counted once, and a redrive again', async () => {
  nextDay();
  const one = handing(10);
  for (let i = 0; i < 3; i++) await guard().admit(one);
  assert.equal(await spentUsd(), 0.1);
  await guard().admit({ ...one, executionName: `${one.fileId}-ocr-1` });
  assert.equal(await spentUsd(), 0.2);
});

test('a document that was admitted is read though the ceiling was reached meanwhile', async () => {
  nextDay();
  const admitted = handing(10);
  await guard().admit(admitted);
  await guard().admit(handing(100));
  await guard().admit(admitted);
});

test('a crash between counting and noting counts twice, and never too little', async () => {
  nextDay();
  const one = handing(10);
  let writes = 0;
  const crashing = Object.create(dynamo.client, {
    send: {
      value: (command: Parameters<typeof dynamo.client.send>[0]) => {
        if (command.constructor.name === 'UpdateItemCommand' && ++writes === 2) throw new Error('killed');
        return dynamo.client.send(command);
      },
    },
  });
  await assert.rejects(guard(crashing).admit(one), /killed/);
  await guard().admit(one);
  assert.equal(await spentUsd(), 0.2);
});

test('nothing is handed to Textract before it is admitted, neither a picture nor a document', async () => {
  nextDay();
  await guard().admit(handing(100));
  const untouched = () => Promise.reject(awsError('Unexpected', 'Textract was asked'));
  const textract: Textract = { detect: untouched, start: untouched, get: untouched };
  for (const kind of ['image', 'pdf'] as const) {
    const { fileId, executionName, pages } = handing(1);
    const source = { fileId, bucket: 'landing', key: 'documents/a', versionId: 'v1' };
    const task = { taskToken: 't', executionName, fileId, source, kind, pages };
    const jobs = dynamoJobs(dynamo.client, 'jobs', () => now);
    const shelf = { lake: new MemoryLake(), bucket: 'lake' };
    await assert.rejects(read(task, { textract, jobs, shelf, spend: guard() }), {
      name: 'SpendCeilingReached',
    });
  }
});

test('who waits comes back soon after midnight, and shows in time that it is alive', () => {
  const at = (hour: number, minute = 0) => Date.UTC(2026, 10, 21, hour, minute);
  assert.equal(waitSeconds(at(23, 50), 0), 600);
  assert.equal(waitSeconds(at(23, 50), 0.5), 600 + OCR_SPEND.spreadSeconds / 2);
  assert.equal(waitSeconds(at(0), 0.99), OCR_SPEND.longestWaitSeconds);
  // SQS hides a message for 12 hours at most.
  assert.ok(OCR_SPEND.longestWaitSeconds <= 12 * 3600);
});
