import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Block } from '@aws-sdk/client-textract';
import { attemptOf, dynamoJobs } from '../../lambdas/ocr/jobs.ts';
import { collect, lastLook, type ReadTask, read, requestToken } from '../../lambdas/ocr/reading.ts';
import type { Textract, TextractPage } from '../../lambdas/ocr/textract.ts';
import { LATER } from '../../lambdas/shared/task-worker.ts';
import { awsError, MemoryLake, startDynamo } from './support.ts';

const dynamo = await startDynamo({ jobs: ['pk'] });
after(() => dynamo.stop());

const line = (Text: string, Page = 1): Block => ({ BlockType: 'LINE', Text, Page, Confidence: 50 });
const word = (Text: string, Confidence: number, Page = 1): Block => ({
  BlockType: 'WORD',
  Text,
  Page,
  Confidence,
});
const page = (more: Partial<TextractPage>): TextractPage => ({
  status: 'SUCCEEDED',
  statusMessage: '',
  pages: 1,
  blocks: [],
  warnings: [],
  ...more,
});

/** A Textract whose jobs are told what to answer; equal tokens find the same job, as in AWS. */
class FakeTextract implements Textract {
  readonly jobs = new Map<string, TextractPage[]>();
  readonly tokens = new Map<string, string>();
  next: TextractPage[] = [page({ status: 'IN_PROGRESS' })];
  detected: TextractPage | Error = page({});

  async detect() {
    if (this.detected instanceof Error) throw this.detected;
    return this.detected;
  }

  async start(_: unknown, token: string) {
    const jobId = this.tokens.get(token) ?? `job-${this.tokens.size + 1}`;
    this.tokens.set(token, jobId);
    if (!this.jobs.has(jobId)) this.jobs.set(jobId, this.next);
    return jobId;
  }

  async get(jobId: string, next = '0') {
    const pages = this.jobs.get(jobId);
    const index = Number(next);
    const answer = pages?.[index];
    return answer && { ...answer, next: pages && index + 1 < pages.length ? String(index + 1) : undefined };
  }
}

let files = 0;
function setUp() {
  const fileId = (++files).toString(16).padStart(64, '0');
  const textract = new FakeTextract();
  const lake = new MemoryLake();
  const jobs = dynamoJobs(dynamo.client, 'jobs', () => 0);
  const dependencies = { textract, jobs, shelf: { lake, bucket: 'lake' } };
  const task = (more: Partial<ReadTask> = {}): ReadTask => ({
    taskToken: 'token-0',
    executionName: `${fileId}-ocr-0`,
    fileId,
    source: { fileId, bucket: 'landing', key: 'documents/a.pdf', versionId: 'v1' },
    kind: 'pdf',
    pages: 2,
    ...more,
  });
  return { fileId, textract, lake, jobs, dependencies, task };
}

test('a picture is read at once: lines in order, mean confidence of the words', async () => {
  const { dependencies, textract, lake, task, fileId } = setUp();
  textract.detected = page({ blocks: [line('Dear all,'), word('Dear', 90), word('all,', 80), line('bye')] });
  const result = await read(task({ kind: 'image' }), dependencies);
  assert.deepEqual(result, {
    outcome: 'SUCCEEDED',
    text: { bucket: 'lake', key: `restricted/documents/${fileId}/text.txt` },
    blocksPrefix: { bucket: 'lake', prefix: `restricted/documents/${fileId}/blocks/` },
    pages: 1,
    meanConfidence: 85,
    api: 'DetectDocumentText',
  });
  assert.equal(lake.objects.get(`restricted/documents/${fileId}/text.txt`), 'Dear all,\nbye\n');
});

test('a blank picture is a success without text', async () => {
  const { dependencies, lake, task, fileId } = setUp();
  const result = await read(task({ kind: 'image' }), dependencies);
  assert.ok(result !== LATER && result.outcome === 'SUCCEEDED' && result.meanConfidence === null);
  assert.equal(lake.objects.get(`restricted/documents/${fileId}/text.txt`), '');
});

for (const [name, code] of [
  ['UnsupportedDocumentException', 'CORRUPT_FILE'],
  ['BadDocumentException', 'CORRUPT_FILE'],
  ['DocumentTooLargeException', 'TOO_LARGE'],
] as const) {
  test(`${name} refuses the document`, async () => {
    const { dependencies, textract, task } = setUp();
    textract.detected = awsError(name);
    const result = await read(task({ kind: 'image' }), dependencies);
    assert.ok(result !== LATER && result.outcome === 'REJECTED');
    assert.equal(result.reason.code, code);
  });
}

test('throttling is never taken for anything else', async () => {
  const { dependencies, textract, task } = setUp();
  textract.detected = awsError('ProvisionedThroughputExceededException');
  await assert.rejects(read(task({ kind: 'image' }), dependencies), {
    name: 'ProvisionedThroughputExceededException',
  });
});

test('a document of many answers is collected page after page', async () => {
  const { dependencies, textract, lake, task, fileId } = setUp();
  assert.equal(await read(task(), dependencies), LATER);
  textract.jobs.set('job-1', [
    page({ pages: 2, blocks: [line('one'), line('two')] }),
    page({ pages: 2, blocks: [line('three', 2)] }),
  ]);
  const found = await collect(fileId, 'job-1', dependencies);
  assert.equal(found?.job.taskToken, 'token-0');
  const result = await found?.work();
  assert.ok(result && result !== LATER && result.outcome === 'SUCCEEDED' && result.pages === 2);
  assert.equal(lake.objects.get(`restricted/documents/${fileId}/text.txt`), 'one\ntwo\n\nthree\n');
  const blocks = [...lake.objects.keys()].filter((key) => key.includes('/blocks/'));
  assert.deepEqual(
    blocks,
    ['00001', '00002'].map((n) => `restricted/documents/${fileId}/blocks/${n}.json`),
  );
});

test('a completion that arrives before the job’s id is stored finds who waits', async () => {
  const { dependencies, textract, jobs, task, fileId } = setUp();
  await jobs.claim(fileId, 'token-0', task().executionName);
  textract.jobs.set('job-1', [page({ blocks: [line('early')] })]);
  const found = await collect(fileId, 'job-1', dependencies);
  assert.equal(found?.job.taskToken, 'token-0');
});

test('a message that comes twice, and one after a crash, do not start a second job', async () => {
  const { dependencies, textract, jobs, task } = setUp();
  const broken = { ...jobs, started: () => Promise.reject(new Error('killed')) };
  await assert.rejects(read(task(), { ...dependencies, jobs: broken }), /killed/);
  assert.equal(await read(task(), dependencies), LATER);
  assert.equal(await read(task(), dependencies), LATER);
  assert.equal(textract.jobs.size, 1);
});

test('a redrive takes over the running job with its own token', async () => {
  const { dependencies, textract, task, fileId } = setUp();
  await read(task(), dependencies);
  await read(task({ executionName: `${fileId}-ocr-1`, taskToken: 'token-1' }), dependencies);
  assert.equal(textract.jobs.size, 1);
  assert.equal((await collect(fileId, 'job-1', dependencies))?.job.taskToken, 'token-1');
  await assert.rejects(read(task(), dependencies), { name: 'SupersededAttempt' });
});

test('a redrive of a finished job collects at once and pays nothing', async () => {
  const { dependencies, textract, task, fileId } = setUp();
  await read(task(), dependencies);
  textract.jobs.set('job-1', [page({ blocks: [line('done')] })]);
  const result = await read(task({ executionName: `${fileId}-ocr-1` }), dependencies);
  assert.ok(result !== LATER && result.outcome === 'SUCCEEDED');
  assert.equal(textract.jobs.size, 1);
});

test('a job that Textract gave up is replaced, and its old completion means nothing', async () => {
  const { dependencies, textract, task, fileId } = setUp();
  await read(task(), dependencies);
  textract.jobs.set('job-1', [page({ status: 'FAILED', statusMessage: 'Internal error' })]);
  await assert.rejects(async () => (await collect(fileId, 'job-1', dependencies))?.work(), {
    name: 'OcrFailed',
  });
  assert.equal(await read(task({ executionName: `${fileId}-ocr-1` }), dependencies), LATER);
  assert.equal(textract.jobs.size, 2);
  assert.equal(await collect(fileId, 'job-1', dependencies), undefined);
  assert.ok(await collect(fileId, 'job-2', dependencies));
});

test('a job that Textract has forgotten is replaced', async () => {
  const { dependencies, textract, task } = setUp();
  await read(task(), dependencies);
  textract.jobs.delete('job-1');
  assert.equal(await read(task(), dependencies), LATER);
  assert.equal(textract.tokens.size, 2);
});

test('a failed job that is the document’s fault refuses it', async () => {
  const { dependencies, textract, task, fileId } = setUp();
  await read(task(), dependencies);
  for (const [message, code] of [
    ['INVALID_IMAGE_TYPE', 'CORRUPT_FILE'],
    ['The PDF is password protected', 'ENCRYPTED'],
  ] as const) {
    textract.jobs.set('job-1', [page({ status: 'FAILED', statusMessage: message })]);
    const result = await (await collect(fileId, 'job-1', dependencies))?.work();
    assert.ok(result && result !== LATER && result.outcome === 'REJECTED');
    assert.equal(result.reason.code, code);
  }
});

test('a document with unreadable pages is not published as if it were whole', async () => {
  const { dependencies, textract, task, fileId } = setUp();
  await read(task(), dependencies);
  const partial = { status: 'PARTIAL_SUCCESS', pages: 5, blocks: [line('one')] } as const;
  textract.jobs.set('job-1', [page({ ...partial, warnings: [{ code: 'BAD_PAGE', pages: [4, 2] }] })]);
  const result = await (await collect(fileId, 'job-1', dependencies))?.work();
  assert.ok(result && result !== LATER && result.outcome === 'REJECTED');
  assert.match(result.reason.message, /pages 2, 4 /);
  textract.jobs.set('job-1', [page({ ...partial, warnings: [{ code: 'INTERNAL_ERROR', pages: [2] }] })]);
  await assert.rejects(async () => (await collect(fileId, 'job-1', dependencies))?.work(), {
    name: 'OcrFailed',
  });
});

test('the last look finds a result whose completion was lost, and gives up on a job that runs', async () => {
  const { dependencies, textract, task, fileId } = setUp();
  await assert.rejects(lastLook(fileId, dependencies), { name: 'OcrTimedOut' });
  await read(task(), dependencies);
  await assert.rejects(lastLook(fileId, dependencies), { name: 'OcrTimedOut' });
  textract.jobs.set('job-1', [page({ blocks: [line('found')] })]);
  assert.equal((await lastLook(fileId, dependencies)).outcome, 'SUCCEEDED');
});

test('request tokens fit Textract, and are the file id at first', () => {
  const id = 'f'.repeat(64);
  assert.equal(requestToken(id, `${id}-ocr-0`), id);
  const tokens = [`${id}-ocr-1`, `${id}-r2-ocr-0`].map((name) => requestToken(id, name));
  for (const token of tokens) assert.match(token, /^[0-9a-f]{64}$/);
  assert.equal(new Set([...tokens, id, requestToken(id, `${id}-ocr-0`, 'job-1')]).size, 4);
});

test('reruns come after redrives', () => {
  const id = 'f'.repeat(64);
  const names = [`${id}-ocr-0`, `${id}-ocr-1`, `${id}-r2-ocr-0`, `${id}-r10-ocr-0`];
  const attempts = names.map(attemptOf);
  assert.deepEqual(
    attempts,
    [...attempts].sort((a, b) => a - b),
  );
});
