import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CloudWatchClient,
  type CompositeAlarm,
  type Metric,
  type MetricAlarm,
  paginateDescribeAlarms,
} from '@aws-sdk/client-cloudwatch';
import { GetQueueUrlCommand, PurgeQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ManualClock } from '../../local/clock.ts';
import type { BusEvent, Shape } from '../../local/services/service.ts';
import { synthesise } from '../cdk/synthesise.ts';
import { EVERY_ALARM, kindOf, STORIES } from '../support/alarm-stories.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

const MINUTE_MS = 60_000;
/** Longest that an alarm may take to fire or to end: two windows of the canary's or the reconciliation's hours. */
const MOST_MINUTES = 150;

/** Kinds that look at queues, which are emptied when bad times end: the clock outruns those who empty them. */
const ON_QUEUES = new Set(['DeadLetters', 'QueueAge']);

type Alarm = MetricAlarm & CompositeAlarm & { readonly AlarmName: string };

const clock = new ManualClock(Date.UTC(2026, 10, 21, 8));
const changes: { name: string; value: string }[] = [];
const published: string[] = [];
let runtime: TestRuntime;
let cloudwatch: CloudWatchClient;
let sqs: SQSClient;

before(async () => {
  const { assembly } = synthesise({ ...EVERY_ALARM, 'helpDesk.allowPrivateTargets': true });
  runtime = await startTestRuntime({
    clock,
    assembly: assembly.directory,
    onEvent: (event: BusEvent) => {
      if (event['detail-type'] !== 'CloudWatch Alarm State Change') return;
      const { alarmName, state } = Object(event.detail);
      changes.push({ name: alarmName, value: state.value });
    },
    onCall: ({ service, operation, input }) => {
      if (service === 'sns' && operation === 'Publish') published.push(String(Object(input).Message));
    },
  });
  await stopSchedules();
  cloudwatch = new CloudWatchClient(runtime.client);
  sqs = new SQSClient(runtime.client);
});
after(async () => {
  cloudwatch.destroy();
  sqs.destroy();
  await runtime.stop();
});

/** Nothing runs by itself: the canary and the reconciliation would tell of better times than a story wants. */
async function stopSchedules(): Promise<void> {
  const ask = (operation: string, input: Shape) =>
    runtime.runtime.context.call('scheduler', operation, input, { kind: 'administrator' });
  for (const { Name } of Object(await ask('ListSchedules', {})).Schedules) {
    await ask('UpdateSchedule', { ...(await ask('GetSchedule', { Name })), State: 'DISABLED' });
  }
}

/** Every alarm of the template, with its state. */
async function alarms(): Promise<Alarm[]> {
  const found: (MetricAlarm | CompositeAlarm)[] = [];
  const AlarmTypes = ['MetricAlarm', 'CompositeAlarm'] as const;
  for await (const page of paginateDescribeAlarms({ client: cloudwatch }, { AlarmTypes: [...AlarmTypes] }))
    found.push(...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? []));
  return found.map((alarm) => ({ ...alarm, AlarmName: alarm.AlarmName ?? '' }));
}

const metricsOf = (alarm: Alarm): Metric[] =>
  alarm.Metrics?.length
    ? alarm.Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])
    : [{ Namespace: alarm.Namespace, MetricName: alarm.MetricName, Dimensions: alarm.Dimensions }];

/** Lets metrics say what a story says, once each however many alarms look at them. */
function say(metrics: readonly Metric[], values: Readonly<Record<string, number>>): void {
  const once = new Map(metrics.map((metric) => [JSON.stringify(metric), metric]));
  for (const { Namespace = '', MetricName = '', Dimensions = [] } of once.values()) {
    const value = values[MetricName];
    if (value === undefined) continue;
    const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name ?? '', Value ?? '']));
    runtime.runtime.context.metric({ namespace: Namespace, name: MetricName, dimensions, value });
  }
}

/** Has every minute say the same until all alarms are in a state. */
async function until(
  state: string,
  names: ReadonlySet<string>,
  metrics: readonly Metric[],
  values: Readonly<Record<string, number>>,
  stepMinutes = 1,
): Promise<void> {
  for (let minute = 0; minute < MOST_MINUTES; minute++) {
    say(metrics, values);
    await clock.leap((stepMinutes - 1) * MINUTE_MS);
    await clock.advance(MINUTE_MS);
    const left = (await alarms()).filter(
      ({ AlarmName, StateValue }) => names.has(AlarmName) && StateValue !== state,
    );
    if (left.length === 0) return;
  }
  const left = (await alarms()).filter(
    ({ AlarmName, StateValue }) => names.has(AlarmName) && StateValue !== state,
  );
  assert.fail(
    `after ${MOST_MINUTES} minutes not ${state}: ${left.map((a) => `${a.AlarmName} ${a.StateReason}`).join('\n')}`,
  );
}

async function queueUrls(metrics: readonly Metric[]): Promise<string[]> {
  const names = metrics.flatMap(({ Dimensions = [] }) => Dimensions.map(({ Value }) => Value));
  return Promise.all(
    names.map(async (QueueName) => (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl ?? ''),
  );
}

for (const [kind, { bad, good, afterGood, stepMinutes }] of Object.entries(STORIES)) {
  test(`${kind}: every alarm of the kind fires, says so, and ends`, async () => {
    const ofKind = (await alarms()).filter(({ AlarmName }) => kindOf(AlarmName) === kind);
    const telling = ofKind.filter(({ AlarmName }) => !AlarmName.includes('-BurnRateWindows'));
    assert(telling.length > 0, 'the template has such an alarm');
    const names = new Set(telling.map(({ AlarmName }) => AlarmName));
    const metrics = ofKind.filter(({ AlarmRule }) => AlarmRule === undefined).flatMap(metricsOf);
    const [changesBefore, publishedBefore] = [changes.length, published.length];

    const queues = ON_QUEUES.has(kind) ? await queueUrls(metrics) : [];
    if (kind === 'DeadLetters') {
      for (const QueueUrl of queues) await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
    }
    if (afterGood) await until('OK', names, metrics, good, stepMinutes);
    await until('ALARM', names, metrics, bad, stepMinutes);
    for (const QueueUrl of queues) await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    await until('OK', names, metrics, good, stepMinutes);

    const told = changes.slice(changesBefore);
    const mails = published.slice(publishedBefore);
    for (const { AlarmName: name, AlarmActions = [] } of telling) {
      const values = changes.filter((change) => change.name === name).map(({ value }) => value);
      assert(values.includes('ALARM'), `${name}: ${values}`);
      assert.equal(told.filter((change) => change.name === name).at(-1)?.value, 'OK', name);
      if (AlarmActions.length > 0)
        assert(
          mails.some((message) => message.includes(`Over: ${name} is OK again.`)),
          name,
        );
    }
  });
}
