import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sales as dataset } from '../../datasets/sales.ts';
import { KeyRun } from '../../lambdas/tabular/keys.ts';
import { duplicatesOf, type Run } from '../../lambdas/tabular/merge.ts';

const row = (key: number) => [`A-${key}`, 1];

test('duplicates of keys are found within runs, across runs and across chunks, and the first line stays', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat({ max: 40 }), { maxLength: 60 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 20 }),
      async (chunks, keysOfRun) => {
        const seen = new Set<number>();
        const expected: number[] = [];
        const found: number[] = [];
        const runs: Run[] = [];
        let line = 1;
        for (const [chunk, keys] of chunks.entries()) {
          const run = new KeyRun(dataset, keysOfRun);
          const keep = () => {
            const bytes = run.take();
            runs.push({ chunk, bytes: bytes.byteLength, read: async (a, b) => bytes.subarray(a, b) });
          };
          for (const key of keys) {
            if (seen.has(key)) expected.push(line);
            seen.add(key);
            if (!run.add(row(key), line)) found.push(line);
            if (run.isFull) keep();
            line += 1;
          }
          if (run.size > 0) keep();
        }
        for (const lines of (await duplicatesOf(runs)).values()) found.push(...lines);
        assert.deepEqual(
          found.sort((a, b) => a - b),
          expected,
        );
      },
    ),
  );
});

test('a run grows, and is sorted by hash', () => {
  const run = new KeyRun(dataset, 10_000);
  for (let key = 0; key < 5_000; key++) assert(run.add(row(key), key + 1));
  assert(!run.add(row(17), 9_999));
  const bytes = Buffer.from(run.take());
  const entries = Array.from({ length: 5_000 }, (_, i) => bytes.subarray(i * 24, i * 24 + 16));
  assert(entries.every((entry, i) => i === 0 || Buffer.compare(entries[i - 1] ?? entry, entry) < 0));
  assert.equal(run.size, 0);
});
