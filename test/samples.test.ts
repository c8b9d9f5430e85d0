import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { analyseSentiment, detectLanguages } from '../local/engines/language.ts';
import { OcrEngine, UnreadableDocument } from '../local/engines/ocr.ts';
import { accuracy } from './support/text.ts';

const ROOT = new URL('../', import.meta.url);
const SAMPLES = new URL('samples/', ROOT);
const MAX_BYTES = 300_000;

const Expected = z.record(
  z.string(),
  z.object({
    status: z.enum(['SUCCEEDED', 'REJECTED']),
    reason: z.string().optional(),
    kind: z.enum(['text', 'image', 'pdf', 'tiff']).optional(),
    pages: z.number().optional(),
    language: z.string().optional(),
    sentiment: z.string().optional(),
    text: z.string().optional(),
  }),
);
const file = (base: URL, path: string) => new URL(path.split('/').map(encodeURIComponent).join('/'), base);
const expected = Expected.parse(JSON.parse(readFileSync(new URL('expected.json', SAMPLES), 'utf8')));
const samples = Object.entries(expected);

test('every sample is small and has an expectation', () => {
  const names = readdirSync(SAMPLES, { recursive: true, encoding: 'utf8' })
    .filter(
      (name) => !['expected.json', 'README.md'].includes(name) && statSync(file(SAMPLES, name)).isFile(),
    )
    .map((name) => name.normalize('NFC'));
  const documents = names.filter((name) => !name.startsWith('sales/'));
  assert.deepEqual(documents.sort(), Object.keys(expected).sort());
  for (const name of names) assert.ok(statSync(file(SAMPLES, name)).size <= MAX_BYTES, name);
});

describe('the true text of every sample', () => {
  for (const [name, { text, language, sentiment }] of samples) {
    if (text === undefined) continue;
    test(`${name} is ${language}${sentiment ? ` and ${sentiment.toLowerCase()}` : ''}`, () => {
      const truth = readFileSync(file(ROOT, text), 'utf8');
      const code = detectLanguages(truth)[0]?.code;
      assert.equal(code, language);
      if (sentiment !== undefined) assert.equal(analyseSentiment(truth, code ?? '')?.label, sentiment);
    });
  }
});

describe('recognition', () => {
  const engine = new OcrEngine();
  before(() => engine.warmUp());
  after(() => engine.stop());

  for (const [name, { kind, pages: pageCount, text }] of samples) {
    if (text === undefined || kind === 'text') continue;
    test(`${name} is read to 99 % of its characters, in reading order`, async () => {
      const pages = await engine.read(readFileSync(file(SAMPLES, name)));
      assert.equal(pages.length, pageCount);
      const found = pages.flatMap((page) => page.lines.map((line) => line.text)).join('\n');
      const share = accuracy(readFileSync(file(ROOT, text), 'utf8'), found);
      assert.ok(share >= 0.99, `${(share * 100).toFixed(2)} %:\n${found}`);
    });
  }

  const refusals = {
    'corrupt.pdf': 'CORRUPT_FILE',
    'encrypted.pdf': 'ENCRYPTED',
    'setup.png': 'UNSUPPORTED_TYPE',
  } as const;
  for (const [name, code] of Object.entries(refusals)) {
    test(`${name} is refused as ${code}`, async () => {
      assert.equal(expected[name]?.reason, code);
      const reading = engine.read(readFileSync(file(SAMPLES, name)));
      await assert.rejects(reading, (error) => error instanceof UnreadableDocument && error.code === code);
    });
  }
});
