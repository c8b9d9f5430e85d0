import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..', '..');

const Report = z.object({
  files: z.array(
    z.object({
      fileName: z.string(),
      status: z.string(),
      rows: z.number().nullable(),
      quarantined: z.number().nullable(),
      executions: z.number(),
      loaded: z.boolean(),
    }),
  ),
  warehouse: z.record(z.string(), z.number()),
  tickets: z.array(z.unknown()),
});

describe('npm start without anything else', { timeout: 600_000 }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-start-'));
  let report: z.output<typeof Report>;
  let said: string;

  before(async () => {
    const args = ['--once', '--json', '--fresh', '--port', '0', '--data', dataDir];
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(ROOT, 'local', 'main.ts'), ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const [status] = await once(child, 'close');
    const [stdout, stderr] = await output;
    said = stderr;
    assert.equal(status, 0, said);
    report = Report.parse(JSON.parse(stdout));
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  test('takes in the sales files, the wrong rows of one into quarantine', () => {
    const sales = report.files.filter(({ fileName }) => fileName.startsWith('sales/'));
    assert.deepEqual(sales, [
      {
        fileName: 'sales/sales-2026-11-20.csv',
        status: 'SUCCEEDED',
        rows: 400,
        quarantined: 0,
        executions: 1,
        loaded: true,
      },
      {
        fileName: 'sales/sales-2026-11-21.csv',
        status: 'SUCCEEDED',
        rows: 116,
        quarantined: 4,
        executions: 1,
        loaded: true,
      },
    ]);
    assert.equal(report.warehouse.sales, 516);
  });

  test('fetches the tickets and their customers from the CRM', () => {
    assert.match(said, /Fetching the tickets of the CRM at http:\/\/127\.0\.0\.1:\d+/);
    assert.ok((report.warehouse.tickets ?? 0) > 100, JSON.stringify(report.warehouse));
    assert.ok((report.warehouse.customers ?? 0) > 10, JSON.stringify(report.warehouse));
  });

  test('nothing broke, and nothing is told to the help desk but what the files are', () => {
    assert.deepEqual(report.tickets, []);
  });

  test('ends with one question over documents, tickets and sales', () => {
    const answer = said.slice(said.indexOf('SELECT s.customer_id'));
    assert.match(answer, /FROM millrace\.sales/);
    assert.match(answer, /JOIN .*FROM millrace\.tickets/s);
    assert.match(answer, /JOIN .*FROM millrace\.documents/s);
    // The customer who complained has bought something and written.
    assert.match(answer, /^C-1002 +[1-9]\d* +[1-9][\d.]* +[1-9]\d* +\d+ +-?[\d.]* +1 +NEGATIVE$/m);
  });
});
