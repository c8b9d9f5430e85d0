import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { Account, type PipelineName } from '../support/account.ts';
import { assertOnce } from '../support/audit.ts';
import { picture } from '../support/picture.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

/** More refusals than the clients of the workers take in one go. */
const REFUSALS = 5;
const CHILDREN = ['document-ingestion', 'ocr', 'sentiment'] as const satisfies readonly PipelineName[];

describe('throttling costs no state transition and no file', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  before(async () => {
    runtime = await startTestRuntime();
    account = new Account(runtime);
  });
  after(() => runtime?.stop());

  const invoice = readFileSync(join(import.meta.dirname, '..', '..', 'samples', 'invoice.pdf'));
  const drop = async (folder: string) => ({
    text: await runtime.drop(`documents/${folder}/a.txt`, 'The help desk was friendly and quick.'),
    picture: await runtime.drop(`documents/${folder}/b.png`, picture('Friendly and quick')),
    pdf: await runtime.drop(`documents/${folder}/c.pdf`, invoice),
  });

  /** Types of the events of each execution of a file, in order. */
  const histories = async (id: string) =>
    Object.fromEntries(
      await Promise.all(
        CHILDREN.map(async (pipeline) => {
          const executions = await account.executions(pipeline, id);
          const events = await Promise.all(executions.map((one) => account.history(one.executionArn)));
          return [pipeline, events.map((list) => list.map(({ type }) => type))] as const;
        }),
      ),
    );

  /** Sum of the metric in which workers count the calls that were refused. */
  const throttled = async (): Promise<number> => {
    const now = Date.now();
    const { Datapoints = [] } = await new CloudWatchClient(runtime.client).send(
      new GetMetricStatisticsCommand({
        Namespace: 'Millrace',
        MetricName: 'Throttled',
        StartTime: new Date(now - 3_600_000),
        EndTime: new Date(now + 60_000),
        Period: 60,
        Statistics: ['Sum'],
      }),
    );
    return Datapoints.reduce((sum, { Sum = 0 }) => sum + Sum, 0);
  };

  test('throttled files have the same history as others, and all are loaded', async () => {
    const calm = await drop('calm');
    await runtime.settled(Object.values(calm));
    assert.equal(await throttled(), 0);

    runtime.runtime.faults.set(
      ['textract', 'comprehend'].map((service) => ({ fault: 'throttled', service, count: REFUSALS })),
    );
    const busy = await drop('busy');
    await runtime.settled(Object.values(busy));
    await account.drained();
    // Two attempts to a delivery: at least so many messages went back to their queue.
    assert.ok((await throttled()) >= 2 * Math.floor(REFUSALS / 2), 'messages went back to the queues');

    for (const kind of ['text', 'picture', 'pdf'] as const) {
      assert.deepEqual(await histories(busy[kind]), await histories(calm[kind]), kind);
    }
    await assertOnce(
      account,
      new Map(
        [calm, busy].flatMap(({ text, picture, pdf }) => [
          [text, 'text'],
          [picture, 'picture'],
          [pdf, 'picture'],
        ]),
      ),
    );
  });
});
