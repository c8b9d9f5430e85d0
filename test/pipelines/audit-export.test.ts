import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { Account } from '../support/account.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

const PREFIX = 'operations/audit-export/';

describe('the export of the audit table', { timeout: 120_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  before(async () => {
    runtime = await startTestRuntime();
    account = new Account(runtime);
  });
  after(() => runtime?.stop());

  /** Runs it, and answers what it says of itself. */
  const run = async (): Promise<{ exportedTo: string; windows: number }> => {
    const { executionArn } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: runtime.deployment.output('AuditExportStateMachineArn'),
      }),
    );
    const { status, output, cause } = await account.until('the end of the export', async () => {
      const execution = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
      return execution.status !== 'RUNNING' && execution;
    });
    assert.equal(status, 'SUCCEEDED', cause);
    return JSON.parse(output ?? '');
  };
  const exported = () => account.keys(account.lake, PREFIX);
  const linesOf = async (key: string): Promise<Record<string, { pk?: { S: string } }>[]> =>
    gunzipSync(await account.bytes(account.lake, key))
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));

  test('everything first, then what changed since, window after window, and nothing twice', async () => {
    const first = await runtime.drop('documents/first.txt', 'The first lamp is lovely.');
    await runtime.settled([first]);
    await account.rested();
    const whole = await run();
    assert.equal(whole.windows, 1);
    const data = (await exported()).find((key) => /AWSDynamoDB\/[^/]+\/data\/.+\.json\.gz$/.test(key));
    const items = await linesOf(data ?? '');
    assert.ok(items.some(({ Item }) => Item?.pk?.S === first));
    assert.equal((await run()).windows, 0, 'there is nothing new');

    runtime.runtime.faults.set({ rules: [{ fault: 'clock', seconds: 36 * 3600 }] });
    await account.until('the jump', async () => runtime.runtime.context.clock.now() > Date.now() + 3_600_000);
    const second = await runtime.drop('documents/second.txt', 'The second lamp is lovely too.');
    await runtime.settled([second]);
    await account.rested();
    runtime.runtime.faults.set({ rules: [{ fault: 'clock', seconds: 3600 }] });
    await account.until(
      'the jump',
      async () => runtime.runtime.context.clock.now() > Date.now() + 36.5 * 3_600_000,
    );
    const changes = await run();
    assert.ok(changes.exportedTo > whole.exportedTo);
    const windows = (await exported()).filter((key) => key.startsWith(`${PREFIX}AWSDynamoDB/data/`));
    // A day and what is left of the second; the schedule has done some of it by itself.
    assert.ok(windows.length >= 2, `${windows.length} windows`);
    const lines = (await Promise.all(windows.map(linesOf))).flat();
    const ofSecond = lines
      .filter(({ Keys }) => Keys?.pk?.S === second)
      .map((line) => JSON.stringify(line.Keys));
    assert.ok(ofSecond.length > 3);
    assert.equal(new Set(ofSecond).size, ofSecond.length);
  });
});
