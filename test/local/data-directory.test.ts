import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { claimData, emptyData } from '../../local/data-directory.ts';

function directory(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'millrace-data-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test('a directory has one runtime at a time', (t) => {
  const data = directory(t);
  const release = claimData(data);
  assert.throws(() => claimData(data), { name: 'DataInUse', message: /uses .*--data DIR/ });
  assert.throws(() => emptyData(data), { name: 'DataInUse' });
  release();
  claimData(data)();
});

test('the claim of a process that was killed does not count', (t) => {
  const data = directory(t);
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(join(data, 'runtime.pid'), String(pid));
  claimData(data)();
});

test('emptying forgets everything of the runtime, and touches no other directory', (t) => {
  const own = directory(t);
  claimData(own)();
  writeFileSync(join(own, 'state.sqlite'), 'x');
  emptyData(own);
  assert.deepEqual(readdirSync(own), []);

  const foreign = directory(t);
  writeFileSync(join(foreign, 'thesis.txt'), 'x');
  assert.throws(() => emptyData(foreign), { name: 'ForeignDirectory' });
  assert.ok(existsSync(join(foreign, 'thesis.txt')));
});
