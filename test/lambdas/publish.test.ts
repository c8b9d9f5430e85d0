import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documents } from '../../datasets/documents.ts';
import { isolate } from '../../lambdas/document-ingestion/isolate.ts';
import { customerOf, publish } from '../../lambdas/document-ingestion/record.ts';
import type { SourceFile } from '../../lambdas/shared/contract.ts';
import { FILE_ID, MemoryLake } from './support.ts';

const DOCUMENT = {
  fileId: FILE_ID,
  source: { fileId: FILE_ID, bucket: 'landing', key: 'documents/a b/brief.txt', versionId: 'v1' },
  verdict: 'ACCEPTED',
  kind: 'text',
  contentType: 'text/plain',
  bytes: 5,
  sha256: 'b'.repeat(64),
  pages: 1,
  estimatedCostUsd: 0.0012,
  receivedAt: '2026-11-21T23:59:59.000Z',
} as const;
const REDACTED = { bucket: 'lake', key: 'redacted/a.txt' };
const INPUT = {
  document: DOCUMENT,
  text: { bucket: 'lake', key: 'restricted/a.txt' },
  ocr: null,
  analysis: {
    language: 'en',
    sentiment: 'NEGATIVE' as const,
    scores: { positive: 0.1, negative: 0.8, neutral: 0.1, mixed: 0 },
    piiEntities: 1,
    redaction: 'DONE' as const,
    analysis: { bucket: 'lake', key: 'analysis/a.json' },
    redacted: REDACTED,
  },
};

function lakeWith(text: string, entities: unknown[] | null = [{ type: 'DATE', text: 'May', score: 1 }]) {
  const lake = new MemoryLake();
  lake.objects.set(REDACTED.key, text);
  lake.objects.set('analysis/a.json', JSON.stringify({ entities, keyPhrases: entities && ['a letter'] }));
  return lake;
}

const KEY = `curated/documents/year=2026/month=11/day=21/${FILE_ID}.json`;

test('a record has the columns of its dataset, in their order, on one line', async () => {
  const lake = lakeWith('Dear [NAME]');
  const published = await publish(INPUT, lake, 'lake');
  assert.deepEqual(published.record, { bucket: 'lake', key: KEY });
  assert.deepEqual(
    [published.outcome, published.sentimentScore, published.textUri],
    ['SUCCEEDED', 0.8, 's3://lake/restricted/a.txt'],
  );
  const body = lake.objects.get(KEY) ?? '';
  assert.equal(body.indexOf('\n'), body.length - 1);
  assert.deepEqual(
    Object.keys(JSON.parse(body)),
    documents.columns.map(({ name }) => name),
  );
});

test('what a canary sent is published beside the data, where nothing takes it in', async () => {
  const lake = lakeWith('Dear [NAME]');
  const source = { ...DOCUMENT.source, key: 'canary/succeed/run-1.txt' };
  const { record } = await publish({ ...INPUT, document: { ...DOCUMENT, source } }, lake, 'lake');
  assert.equal(record.key, KEY.replace(/^curated/, 'canary'));
});

test('publishing again writes the same bytes', async () => {
  const [first, second] = [lakeWith('Dear [NAME]'), lakeWith('Dear [NAME]')];
  await publish(INPUT, first, 'lake');
  await publish(INPUT, second, 'lake');
  assert.equal(first.objects.get(KEY), second.objects.get(KEY));
});

test('long texts and lists are cut to their columns and stay valid', async () => {
  const entities = Array.from({ length: 2_000 }, (_, i) => ({
    type: 'PERSON',
    text: `世界 ${i}`,
    score: 0.5,
  }));
  const lake = lakeWith('世'.repeat(50_000), entities);
  await publish(INPUT, lake, 'lake');
  const row = JSON.parse(lake.objects.get(KEY) ?? '');
  for (const { name, type, maxBytes = 256 } of documents.columns) {
    if (type === 'string' && row[name] !== null) assert.ok(Buffer.byteLength(row[name]) <= maxBytes, name);
  }
  assert.equal(row.text_truncated, true);
  assert.ok(JSON.parse(row.entities).length > 10);
});

test('of a language without redaction nothing of the text is in the record', async () => {
  const analysis = {
    ...INPUT.analysis,
    language: 'nl',
    sentiment: 'UNKNOWN' as const,
    scores: null,
    redaction: 'NOT_SUPPORTED' as const,
    redacted: null,
  };
  const lake = lakeWith('never read', null);
  const published = await publish({ ...INPUT, analysis }, lake, 'lake');
  const row = JSON.parse(lake.objects.get(KEY) ?? '');
  assert.deepEqual(
    [row.text, row.entities, row.key_phrases, row.redacted_uri, row.text_truncated],
    [null, null, null, null, false],
  );
  assert.equal(published.sentimentScore, null);
});

const REASON = { code: 'CORRUPT_FILE', message: 'Damaged.' };

function quarantine(exists = true) {
  const copies: string[] = [];
  const files = new Map<string, string>();
  return {
    copies,
    files,
    bucket: 'lake',
    async copy(_: SourceFile, key: string) {
      copies.push(key);
      return exists;
    },
    async write(key: string, body: string) {
      files.set(key, body);
    },
  };
}

test('a refused document lies in quarantine beside its reason', async () => {
  const target = quarantine();
  const { outcome, quarantine: copy } = await isolate(DOCUMENT, REASON, target);
  const prefix = `quarantine/documents/${FILE_ID}/`;
  assert.deepEqual([outcome, copy?.key], ['REJECTED', `${prefix}brief.txt`]);
  assert.deepEqual(JSON.parse(target.files.get(`${prefix}reason.json`) ?? '').reason, REASON);
});

test('a document that is gone leaves its reason only', async () => {
  const deleted = await isolate(DOCUMENT, { ...REASON, code: 'DELETED' }, quarantine());
  assert.equal(deleted.quarantine, undefined);
  assert.equal((await isolate(DOCUMENT, REASON, quarantine(false))).quarantine, undefined);
});

test('no name of a document can displace its reason or break the key', async () => {
  for (const key of ['documents/reason.json', `documents/${'ü'.repeat(500)}`, 'documents/folder/']) {
    const target = quarantine();
    await isolate({ ...DOCUMENT, source: { ...DOCUMENT.source, key } }, REASON, target);
    const [copy = ''] = target.copies;
    assert.ok(!target.files.has(copy) && !copy.endsWith('/') && Buffer.byteLength(copy) <= 1024, key);
  }
});

test('a document is of the customer that a folder of its key names', () => {
  const named: [string, string | null][] = [
    ['documents/customer=C-1001/letter.pdf', 'C-1001'],
    ['documents/2026/customer=Ä 1/mail/letter.txt', 'Ä 1'],
    ['documents/letter.pdf', null],
    ['documents/customer=C-1001', null],
    ['documents/customer=/letter.pdf', null],
    [`documents/customer=${'x'.repeat(65)}/letter.pdf`, null],
  ];
  for (const [key, customer] of named) assert.equal(customerOf(key), customer, key);
});
