import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { picture } from '../support/picture.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const home = mkdtempSync(join(tmpdir(), 'millrace-drill-'));
after(() => rmSync(home, { recursive: true, force: true }));

/** `npm start -- --once` with options; answers its exit status and what it printed. */
async function start(name: string, ...options: string[]): Promise<{ status: number; said: string }> {
  const folder = join(home, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'thanks.txt'), 'Thank you, all is wonderful.');
  writeFileSync(join(folder, 'lamp.png'), picture('Thank you for the lamp'));
  const data = join(home, `${name}-data`);
  const args = ['--once', '--port', '0', '--data', data, '--input', folder, ...options];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(ROOT, 'local', 'main.ts'), ...args],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  after(() => child.kill('SIGKILL'));
  const said = text(child.stdout);
  const [status] = await once(child, 'exit');
  return { status, said: await said };
}

/** A break, and what its story has to tell, in this order. */
const DRILLS = {
  ocr: [
    /Broken on purpose, "ocr"/,
    /--seed \d+ brings the same again/,
    /failed +documents\/lamp\.png/,
    /1 execution failed, told by 1 ticket/,
    /The faults are lifted/,
    /npx millrace redrive --yes/,
    /Every file has its outcome, and 1 ticket opened and closed/,
  ],
  warehouse: [
    /Broken on purpose, "warehouse"/,
    /executions? failed, told by 1 ticket/,
    /The faults are lifted/,
    /npx millrace redrive --yes/,
    /Every file has its outcome, and 1 ticket opened and closed/,
  ],
};

/** What the desk tells while the story goes on. */
const TOLD = {
  ocr: /ticket opened .* document-ingestion fails/,
  warehouse: /ticket opened .* warehouse-load fails/,
};

describe('npm start -- --break', { timeout: 600_000 }, () => {
  for (const [name, story] of Object.entries(DRILLS)) {
    test(`${name}: what concerns it fails, a ticket opens, a redrive brings everything home, the ticket closes`, async () => {
      const { status, said } = await start(name, '--break', name);
      assert.match(said, TOLD[name as keyof typeof TOLD]);
      let from = 0;
      for (const line of story) {
        const at = said.slice(from).search(line);
        assert.ok(at >= 0, `${line} is missing, or out of order, in:\n${said}`);
        from += at;
      }
      assert.equal(status, 0, said);
    });
  }
});
