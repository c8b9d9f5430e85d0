import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Account } from '../support/account.ts';
import { assertOnce } from '../support/audit.ts';
import { treeMemory } from '../support/memory.ts';
import { startTestRuntime } from '../support/runtime.ts';

const FILES = 500;

test('500 texts dropped at once all succeed and are loaded, with one execution each', {
  timeout: 600_000,
}, async (t) => {
  const runtime = await startTestRuntime();
  t.after(() => runtime.stop());
  const account = new Account(runtime);
  let peak = 0;
  const measuring = setInterval(() => {
    peak = Math.max(peak, treeMemory() ?? 0);
  }, 250);
  t.after(() => clearInterval(measuring));

  const began = performance.now();
  const ids = await Promise.all(
    Array.from({ length: FILES }, (_, i) =>
      runtime.drop(
        `documents/burst/${i}.txt`,
        `Order ${i} was delivered in time. Thank you for the good work.`,
      ),
    ),
  );
  const states = await runtime.settled(ids);
  const seconds = (performance.now() - began) / 1000;
  await account.drained();
  const told = `${FILES} texts in ${seconds.toFixed(1)} s, until the last was loaded`;
  t.diagnostic(peak === 0 ? told : `${told}; peak memory of all processes ${Math.round(peak / 1e6)} MB`);

  assert.equal(new Set(ids).size, FILES);
  const outcomes = Map.groupBy(states.values(), ({ status, loadStatus }) => `${status} ${loadStatus}`);
  assert.deepEqual([...outcomes.keys()], ['SUCCEEDED LOADED']);
  assert.equal((await account.executions('document-ingestion')).length, FILES);
  await assertOnce(account, new Map(ids.map((id) => [id, 'text'])));
});
