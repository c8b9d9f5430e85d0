import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  CloudWatchClient,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  paginateDescribeAlarms,
} from '@aws-sdk/client-cloudwatch';
import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
} from '@aws-sdk/client-eventbridge';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { MovableClock } from '../../local/clock.ts';
import { Account } from '../support/account.ts';
import { startTestRuntime } from '../support/runtime.ts';

const MINUTE = 60_000;
const clock = new MovableClock();
const runtime = await startTestRuntime({ clock });
after(() => runtime.stop());
const account = new Account(runtime);
const events = new EventBridgeClient(runtime.client);
const cloudwatch = new CloudWatchClient(runtime.client);
const stateMachineArn = runtime.deployment.output('CanaryStateMachineArn');

let runs = 0;

/**
 * Runs a canary. The clock jumps only while the canary waits and its files have ended: a task that runs would be late.
 * @param ahead milliseconds of a jump
 */
async function fly(ahead = MINUTE) {
  const name = `run-${++runs}`;
  const { executionArn } = await account.sfn.send(
    new StartExecutionCommand({ stateMachineArn, name, input: '{}' }),
  );
  await account.until(`the files of the canary ${name}`, async () => {
    const ended = (await account.executions('document-ingestion')).filter(
      ({ status }) => status !== 'RUNNING',
    );
    return ended.length === 2 * runs;
  });
  return account.until(
    `the end of the canary ${name}`,
    async () => {
      const execution = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
      if (execution.status !== 'RUNNING') return { name, ...execution };
      const { events = [] } = await account.sfn.send(
        new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 1 }),
      );
      if (events[0]?.type === 'WaitStateEntered') clock.jump(ahead);
      return undefined;
    },
    120,
  );
}

/** Waits until the alarm of the last run is over. */
async function quiet() {
  await account.until('the end of the alarm', async () => {
    clock.jump(MINUTE);
    for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client: cloudwatch }, {})) {
      const alarm = MetricAlarms.find(({ AlarmName }) => AlarmName?.includes('CanaryFailsOnPurpose'));
      if (alarm) return alarm.StateValue === 'OK';
    }
    return false;
  });
}

/** What the second channel was told by an execution. */
async function toldBy(executionArn: string | undefined): Promise<string[]> {
  const history = await account.history(executionArn);
  const topic = runtime.deployment.output('SecondChannelTopicArn');
  return history.flatMap(({ taskScheduledEventDetails }) => {
    const { TopicArn, Message } = JSON.parse(taskScheduledEventDetails?.parameters ?? '{}');
    return TopicArn === topic ? [String(Message)] : [];
  });
}

async function rules(part: RegExp): Promise<string[]> {
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  const names = Rules.map(({ Name = '' }) => Name).filter((name) => part.test(name));
  assert.ok(names.length > 0, `no rule is named like ${part}`);
  return names;
}

/** Does something while the rules that are named like this deliver nothing. */
async function without<T>(part: RegExp, work: () => Promise<T>): Promise<T> {
  const names = await rules(part);
  for (const Name of names) await events.send(new DisableRuleCommand({ Name }));
  try {
    return await work();
  } finally {
    for (const Name of names) await events.send(new EnableRuleCommand({ Name }));
  }
}

async function passes(): Promise<(number | undefined)[]> {
  const { Datapoints = [] } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace: 'Millrace',
      MetricName: 'CanaryPassed',
      StartTime: new Date(clock.now() - 86_400_000),
      EndTime: new Date(clock.now() + 86_400_000),
      Period: 86_400,
      Statistics: ['Sum', 'SampleCount'],
    }),
  );
  const sum = (name: 'Sum' | 'SampleCount') =>
    Datapoints.reduce((total, datapoint) => total + (datapoint[name] ?? 0), 0);
  return [sum('Sum'), sum('SampleCount')];
}

describe('the canary', () => {
  test('passes when files are worked on and failures are told, and leaves no trace among the data', async () => {
    const { status, name, executionArn } = await fly(MINUTE / 4);
    assert.equal(status, 'SUCCEEDED');
    assert.deepEqual(await toldBy(executionArn), []);
    assert.deepEqual(await passes(), [1, 1]);

    const records = await account.keys(account.lake, 'canary/');
    assert.equal(records.length, 1);
    assert.match(await account.text(account.lake, records[0] ?? ''), new RegExp(`canary/succeed/${name}`));
    assert.deepEqual(await account.keys(account.lake, 'curated/'), []);
    assert.deepEqual(await account.executions('warehouse-load'), []);
    const { Metrics = [] } = await cloudwatch.send(new ListMetricsCommand({ Namespace: 'Millrace' }));
    const pipelines = Metrics.flatMap(({ Dimensions = [] }) => Dimensions)
      .filter(({ Name }) => Name === 'Pipeline')
      .map(({ Value }) => Value);
    assert.deepEqual([...new Set(pipelines)].sort(), ['canary', 'sentiment']);
  });

  test('tells people through the second channel when nothing is recorded', async () => {
    await quiet();
    const { status, error, cause, executionArn } = await without(/RecorderStatusChanged/, () => fly());
    assert.deepEqual([status, error], ['FAILED', 'CanaryMissed']);
    const [message = '', ...others] = await toldBy(executionArn);
    assert.equal(others.length, 0);
    for (const told of [message, cause ?? '']) {
      assert.match(told, /canary\/succeed\/run-2\.txt is RECEIVED of canary .* should be SUCCEEDED/);
      assert.match(told, /The alarm on the file that fails on purpose is OK\./);
    }
    assert.match(message, /#the-canary-did-not-pass/);
    assert.deepEqual(await passes(), [1, 2]);
  });

  test('tells people through the second channel when the help desk opens no ticket', async () => {
    const { status, executionArn } = await without(/HelpDesk/, () => fly());
    assert.equal(status, 'FAILED');
    const [message = ''] = await toldBy(executionArn);
    assert.match(
      message,
      /(No ticket was opened for|The ticket does not wait for) .*canary\/fail\/run-3\.txt/,
    );
    assert.doesNotMatch(message, /audit table/);
  });
});
