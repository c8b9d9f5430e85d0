import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Account } from '../support/account.ts';
import { assertOnce } from '../support/audit.ts';
import { MOMENTS } from '../support/moments.ts';
import { picture } from '../support/picture.ts';
import { startTestRuntime } from '../support/runtime.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const VICTIM = join(import.meta.dirname, '..', 'support', 'crash-victim.ts');

test('killed at any moment and started again, the runtime loses nothing and does nothing twice', {
  timeout: 600_000,
}, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'millrace-crash-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const dataDir = join(home, 'data');
  const folder = join(home, 'files');
  mkdirSync(folder);
  writeFileSync(join(folder, 'glad.txt'), 'Thank you, the new desk is wonderful.');
  writeFileSync(join(folder, 'cross.txt'), 'The delivery was late and the box was broken.');
  writeFileSync(join(folder, 'line.png'), picture('Thank you for the lamp'));
  writeFileSync(join(folder, 'invoice.pdf'), readFileSync(join(ROOT, 'samples', 'invoice.pdf')));

  for (const moment of Object.keys(MOMENTS)) {
    await t.test(`killed when ${moment}`, async () => {
      const victim = spawn(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', VICTIM, dataDir, folder, `documents/${moment}/`, moment],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      const said = text(victim.stderr);
      const [, signal] = await once(victim, 'exit');
      assert.equal(signal, 'SIGKILL', await said);
    });
  }

  await t.test('every file of every life reached its outcome once and is loaded once', async (t) => {
    const runtime = await startTestRuntime({ dataDir });
    t.after(() => runtime.stop());
    const account = new Account(runtime);
    const landed = await runtime.deployment.landed('documents/');
    assert.equal(landed.length, 4 * Object.keys(MOMENTS).length);
    const files = new Map(
      landed.map(({ key, versionId }) => [
        runtime.fileId(key, versionId),
        key.endsWith('.txt') ? ('text' as const) : ('picture' as const),
      ]),
    );
    const states = await runtime.settled([...files.keys()]);
    await account.drained();
    assert.deepEqual(
      new Set([...states.values()].map(({ status, loadStatus }) => `${status} ${loadStatus}`)),
      new Set(['SUCCEEDED LOADED']),
    );
    await assertOnce(account, files, { reloaded: true });
    const loads = await account.executions('warehouse-load');
    assert.deepEqual(
      loads.filter(({ status }) => status !== 'SUCCEEDED'),
      [],
    );
  });
});
