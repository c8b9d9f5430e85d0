import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { readRows } from '../../lambdas/tabular/formats/read-rows.ts';
import { type Detected, UnreadableFile } from '../../lambdas/tabular/formats/types.ts';
import { all, chunksOf, cuts, stream } from '../support/tables.ts';

const GZIP: Detected = {
  format: 'csv',
  compression: 'gzip',
  encoding: 'utf-8',
  lineEnd: 'lf',
  delimiter: ',',
  header: ['a', 'b'],
};

const text = `a,b\n${Array.from({ length: 3000 }, (_, i) => `${i},value ${i * 7919}`).join('\n')}\n`;
const rowsOf = (chunks: readonly Buffer[]) => all(readRows(stream(chunks), GZIP));

test('gzip is read in any chunks, and in several members', async () => {
  const expected = await rowsOf([gzipSync(text)]);
  assert.equal(expected.length, 3000);
  const members = Buffer.concat([gzipSync(text.slice(0, 5000)), gzipSync(text.slice(5000))]);
  await fc.assert(
    fc.asyncProperty(cuts(), async (at) => assert.deepEqual(await rowsOf(chunksOf(members, at)), expected)),
    { numRuns: 20 },
  );
});

test('gzip that is cut off or damaged is refused, or was damaged where nothing depends on it', async () => {
  const whole = gzipSync(text);
  const outcome = (chunks: readonly Buffer[]) =>
    rowsOf(chunks).then(
      (rows) => JSON.stringify(rows),
      (error: unknown) => (error instanceof UnreadableFile ? error.code : error),
    );
  const expected = await outcome([whole]);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: whole.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, mask) => {
        assert.equal(await outcome([whole.subarray(0, at)]), 'CORRUPT_FILE');
        const flipped = Buffer.from(whole);
        flipped[at] = (flipped[at] ?? 0) ^ mask;
        assert.ok([expected, 'CORRUPT_FILE'].includes(String(await outcome([flipped]))));
      },
    ),
    { numRuns: 60 },
  );
});

test('an error of the stream itself comes through as it is', async () => {
  const lost = new Error('connection lost');
  async function* broken() {
    yield gzipSync(text).subarray(0, 100);
    throw lost;
  }
  await assert.rejects(all(readRows(broken(), GZIP)), (error) => error === lost);
  await assert.rejects(all(readRows(broken(), { ...GZIP, compression: 'none' })), (error) => error === lost);
});

test('who stops reading stops the stream', async () => {
  let ended = false;
  async function* endless() {
    try {
      const bytes = gzipSync(text);
      for (;;) yield bytes;
    } finally {
      ended = true;
    }
  }
  for await (const batch of readRows(endless(), GZIP)) {
    assert.ok(batch.length > 0);
    break;
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(ended);
});

test('a gzip bomb fills no memory, and ends where it may not go on', async () => {
  const member = gzipSync(Buffer.alloc(16 * 1024 ** 2, 'x'));
  const chunks = Array.from({ length: 16 }, () => member);
  const before = process.memoryUsage().rss;
  assert.deepEqual(await rowsOf(chunks), []);
  assert.ok(process.memoryUsage().rss - before < 128 * 1024 ** 2);
  await assert.rejects(all(readRows(stream(chunks), GZIP, { maxBytes: 10_000_000 })), {
    name: 'UnreadableFile',
    code: 'TOO_LARGE',
  });
});
