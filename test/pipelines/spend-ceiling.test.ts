import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { MovableClock } from '../../local/clock.ts';
import { synthesise } from '../cdk/synthesise.ts';
import { Account } from '../support/account.ts';
import { startTestRuntime } from '../support/runtime.ts';

const HOUR = 3_600_000;
const clock = new MovableClock();
// A page costs more: each day admits the first document.
const { assembly } = synthesise({ 'spend.dailyOcrUsd': 0.001 });
const runtime = await startTestRuntime({ clock, assembly: assembly.directory });
after(() => runtime.stop());
const account = new Account(runtime);
const cloudwatch = new CloudWatchClient(runtime.client);
const picture = readFileSync(new URL('../../samples/two-columns.png', import.meta.url));

const becomes = (fileId: string, status: string) =>
  account.until(`${fileId} to be ${status}`, async () => (await account.status(fileId)) === status);

/** Waits until documents have been made to wait so often in all. */
const waits = (times: number) =>
  account.until(`${times} documents that wait`, async () => {
    const { Datapoints = [] } = await cloudwatch.send(
      new GetMetricStatisticsCommand({
        Namespace: 'Millrace',
        MetricName: 'SpendCeilingReached',
        StartTime: new Date(clock.now() - 48 * HOUR),
        EndTime: new Date(clock.now() + 48 * HOUR),
        Period: 86_400,
        Statistics: ['Sum'],
      }),
    );
    return Datapoints.reduce((sum, { Sum = 0 }) => sum + Sum, 0) >= times;
  });

test('at the ceiling documents wait, past the time-out of OCR, while all else goes on; then they are read', async () => {
  // Soon after midnight (UTC), so that all looks but the last are on one day.
  clock.jump(24 * HOUR - (clock.now() % (24 * HOUR)) + HOUR / 2);
  const first = await runtime.drop('documents/first.png', picture);
  await becomes(first, 'SUCCEEDED');
  const second = await runtime.drop('documents/second.png', picture);
  await waits(1);
  const letter = await runtime.drop('documents/letter.txt', 'The delivery was quick. Thank you!');
  await becomes(letter, 'SUCCEEDED');

  // Each look is within the six hours that OCR waits for a sign of life, and all together are not.
  for (const looks of [2, 3, 4, 5]) {
    clock.jump(4.5 * HOUR);
    await waits(looks);
  }
  assert.equal(await account.status(second), 'PROCESSING_INITIATED');

  // Past midnight.
  clock.jump(5.6 * HOUR);
  await becomes(second, 'SUCCEEDED');
  const executions = await account.executions('ocr', second);
  assert.deepEqual(
    executions.map(({ status }) => status),
    ['SUCCEEDED'],
  );
});
