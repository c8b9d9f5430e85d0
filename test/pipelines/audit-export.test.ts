import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { Account } from '../support/account.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

const PREFIX = 'operations/audit-export/';

describe('the export of the audit table', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  before(async () => {
    runtime = await startTestRuntime();
    account = new Account(runtime);
  });
  after(() => runtime?.stop());

  const start = async (): Promise<string | undefined> => {
    const { executionArn } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: runtime.deployment.output('AuditExportStateMachineArn'),
      }),
    );
    return executionArn;
  };
  /** What an execution says of itself in the end. */
  const ended = async (
    executionArn: string | undefined,
  ): Promise<{ exportedTo: string; windows: number }> => {
    const { status, output, cause } = await account.until('the end of the export', async () => {
      const execution = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
      return execution.status !== 'RUNNING' && execution;
    });
    assert.equal(status, 'SUCCEEDED', cause);
    return JSON.parse(output ?? '');
  };
  const run = async () => ended(await start());
  const jump = async (seconds: number): Promise<void> => {
    const { clock } = runtime.runtime.context;
    const from = clock.now();
    runtime.runtime.faults.set({ rules: [{ fault: 'clock', seconds }] });
    await account.until('the jump', async () => clock.now() >= from + seconds * 1000);
  };
  /** Runs it while DynamoDB refuses, as it does for a table that was made a moment ago, and lets it wait that out. */
  const afterRefusal = async () => {
    const error = { code: 'InvalidExportTimeException' };
    const operations = ['ExportTableToPointInTime'];
    runtime.runtime.faults.set({ rules: [{ fault: 'failing', service: 'dynamodb', operations, error }] });
    const execution = await start();
    await account.until('the wait', async () =>
      (await account.history(execution)).some(({ stateEnteredEventDetails: at }) => at?.name === 'TooYoung'),
    );
    await jump(900);
    return ended(execution);
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
    const whole = await afterRefusal();
    assert.equal(whole.windows, 1);
    const data = (await exported()).find((key) => /AWSDynamoDB\/[^/]+\/data\/.+\.json\.gz$/.test(key));
    const items = await linesOf(data ?? '');
    assert.ok(items.some(({ Item }) => Item?.pk?.S === first));
    assert.equal((await run()).windows, 0, 'there is nothing new');

    await jump(36 * 3600);
    const second = await runtime.drop('documents/second.txt', 'The second lamp is lovely too.');
    await runtime.settled([second]);
    await account.rested();
    await jump(3600);
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
