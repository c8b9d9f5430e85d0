import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { synthesise } from '../cdk/synthesise.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { csv, keysOf, manySales, type SettledFile, sale, TabularFiles } from '../support/tabular-files.ts';

const { assembly } = synthesise({ 'tabular.splitBytes': 65_536, 'canary.enabled': 'false' });

/** Steps that a published file takes, and those of a refused one. */
const GOOD = ['Inspect', 'Validate', 'Compare', 'Check', 'Archive', 'Publish'];
const BAD = ['CleanUp', 'Quarantine'];

describe('files of sales that are read in parts, and steps that die', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let files: TabularFiles;
  before(async () => {
    runtime = await startTestRuntime({ assembly: assembly.directory, warn: () => {} });
    files = new TabularFiles(runtime);
  });
  after(() => runtime?.stop());

  /** Four parts and more, with rows that are wrong, and rows whose keys come again in another part. */
  const rows = manySales(2_400);
  rows[3] = sale(3, { quantity: 'many' });
  rows[2_000] = sale(700, { product: 'later' });
  rows[2_399] = sale(0, { product: 'later' });
  const large = csv(rows);
  const refused = csv(manySales(2_400).map((row, i) => (i % 2 === 0 ? { ...row, currency: 'gold' } : row)));

  /** What a file came to, without what says which file it was. */
  async function contents(fileId: string, file: SettledFile) {
    const { Status, Reason, Result } = file;
    const parts = (await files.parts(fileId)).map((key) => key.replace(fileId, '')).sort();
    const published = Status === 'SUCCEEDED' ? await files.published(file) : [];
    return {
      Status,
      code: Reason?.code,
      counts: [Result?.rowsRead, Result?.rows, Result?.quarantined, Result?.codes],
      parts,
      rows: published
        .map(({ source_file: _, file_id: __, landed_at: ___, ...row }) =>
          JSON.stringify(row, (_name, value) => (typeof value === 'bigint' ? String(value) : value)),
        )
        .sort(),
      lines: await files.quarantined(fileId),
    };
  }

  let undisturbed: Awaited<ReturnType<typeof contents>>;
  let undisturbedRefusal: Awaited<ReturnType<typeof contents>>;

  test('parts are read at the same time, and keys that come again in another part are found', async () => {
    const file = await files.send('undisturbed.csv', large);
    undisturbed = await contents(file.fileId, file);
    assert.equal(file.Status, 'SUCCEEDED', JSON.stringify(file));
    assert.deepEqual(undisturbed.counts, [2_400, 2_397, 3, { DUPLICATE_KEY: 2, WRONG_TYPE: 1 }]);
    assert.deepEqual(
      undisturbed.lines.map(({ line, code }) => [line, code]),
      [
        [5, 'WRONG_TYPE'],
        [2_002, 'DUPLICATE_KEY'],
        [2_401, 'DUPLICATE_KEY'],
      ],
    );
    const first = keysOf(manySales(2_400).filter((_, i) => ![3, 2_000, 2_399].includes(i)));
    assert.deepEqual(keysOf(await files.published(file)), first);
    assert(new Set(undisturbed.parts.map((key) => /\/-(\d+)-/.exec(key)?.[1])).size >= 4);
  });

  test('a refused file of several parts leaves none of them', async () => {
    const file = await files.send('refused.csv', refused);
    undisturbedRefusal = await contents(file.fileId, file);
    assert.deepEqual(undisturbedRefusal.counts.slice(0, 3), [2_400, 0, 2_400]);
    assert.deepEqual(undisturbedRefusal.parts, []);
    assert.equal(undisturbedRefusal.lines.length, 1_200);
  });

  for (const moment of ['during', 'after'] as const) {
    for (const step of [...GOOD, ...BAD]) {
      test(`${step}, killed ${moment} its work, comes to the same`, async () => {
        const isBad = BAD.includes(step);
        runtime.runtime.faults.set([{ fault: 'crashed', moment, function: `Tabular${step}`, count: 1 }]);
        const file = await files.send(`${step}-${moment}.csv`, isBad ? refused : large);
        runtime.runtime.faults.clear();
        assert.deepEqual(
          await contents(file.fileId, file),
          isBad ? undisturbedRefusal : undisturbed,
          JSON.stringify(file),
        );
      });
    }
  }

  test('killed until it fails, and redriven where it failed, it comes to the same', async () => {
    for (const step of ['Validate', 'Publish']) {
      // Its work is done each time and the answer lost, until all retries are used up; their waits take no time.
      runtime.runtime.faults.set([
        { fault: 'crashed', moment: 'after', function: `Tabular${step}` },
        { fault: 'clock', seconds: 20, every: 0.5, count: 200 },
      ]);
      const fileId = await runtime.drop(`sales/redriven-${step}.csv`, large);
      const failed = await files.outcome(fileId, 120);
      runtime.runtime.faults.clear();
      assert.equal(failed.Status, 'FAILED', JSON.stringify(failed));
      const { ExecutionArn } = await files.item(fileId);
      await files.account.sfn.send(new RedriveExecutionCommand({ executionArn: String(ExecutionArn) }));
      const file = await files.account.until('the end of the redrive', async () => {
        const now = await files.outcome(fileId);
        return now.Status !== 'FAILED' && now;
      });
      assert.deepEqual(await contents(fileId, file), undisturbed, JSON.stringify(file));
    }
  });

  test('the same file twice changes nothing but which version its rows are of', async () => {
    const first = await files.send('twice.csv', large);
    const second = await files.send('twice.csv', large);
    assert.notEqual(first.fileId, second.fileId);
    assert.deepEqual(await contents(second.fileId, second), await contents(first.fileId, first));
  });
});
