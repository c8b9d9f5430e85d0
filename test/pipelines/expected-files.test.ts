import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { MovableClock } from '../../local/clock.ts';
import { Account } from '../support/account.ts';
import { startTestRuntime } from '../support/runtime.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const good = readFileSync(new URL('../../samples/sales/sales-2026-11-20.csv', import.meta.url));

const BERLIN = new Intl.DateTimeFormat('en', {
  hour: 'numeric',
  hourCycle: 'h23',
  timeZone: 'Europe/Berlin',
});

/** The next six o'clock in Berlin on a working day: until when the file has to be there. */
function nextDue(now: number): number {
  for (let hour = Math.ceil(now / HOUR) * HOUR; ; hour += HOUR) {
    const at = new Date(hour);
    if (Number(BERLIN.format(at)) === 6 && ![0, 6].includes(at.getUTCDay())) return hour;
  }
}

describe('a file that is expected every working day', { timeout: 600_000 }, async () => {
  const clock = new MovableClock();
  const runtime = await startTestRuntime({ clock });
  after(() => runtime.stop());
  const account = new Account(runtime);
  const tickets = () =>
    (runtime.runtime.helpDesk?.tickets() ?? []).filter(
      ({ title }) => /sales/.test(title) && /file/i.test(title),
    );

  test('is a ticket when it is late, which is over when it has come', async () => {
    // One day is late, whatever day it is today.
    if (nextDue(clock.now()) - clock.now() < 10 * MINUTE) clock.jump(20 * MINUTE);
    const due = nextDue(clock.now());
    // Since when the prefix is watched, the reconciliation says.
    await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: runtime.deployment.output('ReconciliationStateMachineArn'),
        input: '{}',
      }),
    );
    await account.until('the first reconciliation', async () => {
      const Key = { pk: { S: 'RECONCILIATION' }, sk: { S: 'CURRENT' } };
      const { Item } = await account.dynamo.send(
        new GetItemCommand({ TableName: runtime.deployment.auditTable, Key }),
      );
      return Item !== undefined;
    });
    clock.jump(due + 100 * MINUTE - clock.now());
    const [late] = await account.until(
      'a ticket about the late file',
      async () => tickets().length > 0 && tickets(),
      90,
    );
    assert.equal(late?.state, 'open');

    await runtime.settled([await runtime.drop('sales/late.csv', good)]);
    const isOver = async () => tickets().every(({ state }) => state === 'resolved');
    // Each quarter of an hour is looked; a jump within a look would be its time-out.
    for (let looks = 0; looks < 4 && !(await isOver()); looks++) {
      clock.jump(16 * MINUTE);
      await account.until('the end of the ticket', isOver, 25).catch(() => {});
    }
    assert.deepEqual(
      tickets().map(({ state }) => state),
      ['resolved'],
    );
  });
});
