import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudWatchClient, GetMetricDataCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { createCloudwatch } from '../../local/services/cloudwatch/index.ts';
import { compileExpression } from '../../local/services/cloudwatch/math.ts';
import { createLogs } from '../../local/services/logs/index.ts';
import type { Shape } from '../../local/services/service.ts';
import { ADMINISTRATOR, FakeContext, resource, serveJson } from './fake-context.ts';

const MINUTE = 60_000;
const METRIC = { namespace: 'Test', name: 'Errors', dimensions: { Queue: 'q' } };
const ALARM = {
  AlarmName: 'errors',
  Namespace: 'Test',
  MetricName: 'Errors',
  Dimensions: [{ Name: 'Queue', Value: 'q' }],
  Statistic: 'Sum',
  Period: 60,
  EvaluationPeriods: 3,
  DatapointsToAlarm: 2,
  Threshold: 1,
  ComparisonOperator: 'GreaterThanOrEqualToThreshold',
  AlarmActions: ['arn:aws:sns:eu-west-1:123456789012:ops'],
};

async function setUp(t: import('node:test').TestContext) {
  const context = new FakeContext();
  const cloudwatch = context.use(t, createCloudwatch(context));
  await cloudwatch.start?.();
  const alarm = (properties: object, type = 'AWS::CloudWatch::Alarm') =>
    cloudwatch.resources?.[type]?.(resource(type, { ...properties }));
  const states = () => context.events.map(({ detail }) => (detail.state as { value: string }).value);
  return { context, cloudwatch, alarm, states };
}

test('two of three breaching minutes raise an alarm, its event and its action; quiet minutes end it', async (t) => {
  const { context, cloudwatch, alarm, states } = await setUp(t);
  await alarm({ ...ALARM, TreatMissingData: 'notBreaching' });
  for (let i = 0; i < 2; i++) {
    cloudwatch.record({ ...METRIC, value: 1 });
    await context.manual.advance(MINUTE);
  }
  assert.deepEqual(states(), ['OK', 'ALARM']);
  assert.partialDeepStrictEqual(context.events[1], {
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    resources: ['arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors'],
    detail: { alarmName: 'errors', previousState: { value: 'OK' } },
  });
  assert.partialDeepStrictEqual(context.calls, [
    {
      service: 'sns',
      operation: 'Publish',
      caller: { kind: 'service', service: 'cloudwatch.amazonaws.com' },
    },
  ]);
  await context.manual.advance(3 * MINUTE);
  assert.deepEqual(states(), ['OK', 'ALARM', 'OK']);
});

test('missing data is treated as the alarm says', async (t) => {
  const { context, alarm } = await setUp(t);
  const expected = {
    breaching: 'ALARM',
    notBreaching: 'OK',
    missing: 'INSUFFICIENT_DATA',
    ignore: 'INSUFFICIENT_DATA',
  };
  for (const TreatMissingData of Object.keys(expected))
    await alarm({ ...ALARM, AlarmName: TreatMissingData, TreatMissingData });
  await context.manual.advance(MINUTE);
  const { MetricAlarms } = await context.call('monitoring', 'DescribeAlarms', {}, ADMINISTRATOR);
  const found = (MetricAlarms as { AlarmName: string; StateValue: string }[]).map((a) => [
    a.AlarmName,
    a.StateValue,
  ]);
  assert.deepEqual(Object.fromEntries(found), expected);
});

test('a composite alarm follows its rule', async (t) => {
  const { context, cloudwatch, alarm } = await setUp(t);
  await alarm({ ...ALARM, EvaluationPeriods: 1, DatapointsToAlarm: 1 });
  await alarm(
    { AlarmName: 'both', AlarmRule: 'ALARM("errors") AND NOT (OK(errors) OR FALSE)' },
    'AWS::CloudWatch::CompositeAlarm',
  );
  cloudwatch.record({ ...METRIC, value: 5 });
  await context.manual.advance(MINUTE);
  assert.deepEqual(
    context.events.map(({ detail }) => detail.alarmName),
    ['errors', 'both'],
  );
});

test('alarms are told page by page, and composite ones only to those who ask for them', async (t) => {
  const { context, alarm } = await setUp(t);
  for (const AlarmName of ['a', 'b', 'c']) await alarm({ ...ALARM, AlarmName });
  await alarm({ AlarmName: 'd', AlarmRule: 'ALARM(a)' }, 'AWS::CloudWatch::CompositeAlarm');
  const describe = (input: Shape) => context.call('monitoring', 'DescribeAlarms', input, ADMINISTRATOR);
  const names = (list: unknown) => (list as { AlarmName: string }[]).map(({ AlarmName }) => AlarmName);
  const first = await describe({ MaxRecords: 2 });
  assert.deepEqual(names(first.MetricAlarms), ['a', 'b']);
  const second = await describe({ MaxRecords: 2, NextToken: first.NextToken });
  assert.deepEqual([names(second.MetricAlarms), second.NextToken], [['c'], undefined]);
  assert.deepEqual((await describe({})).CompositeAlarms, []);
  assert.deepEqual(names((await describe({ AlarmTypes: ['CompositeAlarm'] })).CompositeAlarms), ['d']);
});

test('a dashboard of a template is listed and told', async (t) => {
  const { context, alarm } = await setUp(t);
  const DashboardBody = '{"widgets":[]}';
  const made = await alarm({ DashboardBody }, 'AWS::CloudWatch::Dashboard');
  const ask = (operation: string, input: Shape) =>
    context.call('monitoring', operation, input, ADMINISTRATOR);
  assert.partialDeepStrictEqual((await ask('ListDashboards', {})).DashboardEntries, [
    { DashboardName: made?.ref, Size: DashboardBody.length },
  ]);
  assert.equal((await ask('GetDashboard', { DashboardName: made?.ref })).DashboardBody, DashboardBody);
  await assert.rejects(ask('GetDashboard', { DashboardName: 'none' }), { code: 'ResourceNotFound' });
});

test('metric math works point by point and leaves out what it cannot compute', () => {
  const evaluate = (text: string, values: Record<string, number | undefined>) =>
    compileExpression(text)(new Map(Object.entries(values)));
  assert.equal(evaluate('(m1+m2)/2*100', { m1: 1, m2: 3 }), 200);
  assert.equal(evaluate('m1/m2', { m1: 1, m2: 0 }), undefined);
  assert.equal(evaluate('FILL(m1, 0) + m2', { m1: undefined, m2: 3 }), 3);
  assert.equal(evaluate('SUM(METRICS())', { a: 1, b: 2, c: undefined }), 3);
  assert.equal(evaluate('IF(m1 > 2 AND m2 < 1, 10, -1)', { m1: 3, m2: 0 }), 10);
  assert.equal(evaluate('MAX([m1, m2])', { m1: 3, m2: 7 }), 7);
  assert.throws(() => evaluate('ANOMALY_DETECTION_BAND(m1)', {}), { code: 'ValidationError' });
});

test('metrics put through the SDK are read back, percentiles included, and outlive a restart', async (t) => {
  const { context, cloudwatch } = await setUp(t);
  const client = new CloudWatchClient({
    endpoint: await serveJson(t, context, 'monitoring'),
    region: context.region,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  });
  t.after(() => client.destroy());
  const Timestamp = new Date(context.clock.now());
  const Values = Array.from({ length: 100 }, (_, i) => i + 1);
  await client.send(
    new PutMetricDataCommand({
      Namespace: 'App',
      MetricData: [{ MetricName: 'Latency', Timestamp, Values }],
    }),
  );
  await cloudwatch.stop?.();
  cloudwatch.stop = () => {};
  context.use(t, createCloudwatch(context));
  const stat = (Id: string, Stat: string) => ({
    Id,
    MetricStat: { Metric: { Namespace: 'App', MetricName: 'Latency' }, Period: 60, Stat },
  });
  const { MetricDataResults } = await client.send(
    new GetMetricDataCommand({
      MetricDataQueries: [stat('p', 'p95'), stat('s', 'Sum'), { Id: 'e', Expression: 's / 2' }],
      StartTime: Timestamp,
      EndTime: new Date(Timestamp.getTime() + MINUTE),
    }),
  );
  assert.deepEqual(
    MetricDataResults?.map(({ Values: v }) => v?.[0]),
    [95, 5050, 2525],
  );
  assert.deepEqual(MetricDataResults?.[0]?.Timestamps, [Timestamp]);
});

test('log lines are read back and filtered, and metrics embedded in them are recorded', async (t) => {
  const context = new FakeContext();
  const logs = context.use(t, createLogs(context));
  const group = await logs.resources?.['AWS::Logs::LogGroup']?.(
    resource('AWS::Logs::LogGroup', { LogGroupName: '/f' }),
  );
  assert.equal(group?.attributes.Arn, 'arn:aws:logs:eu-west-1:123456789012:log-group:/f:*');
  const directive = {
    Namespace: 'App',
    Dimensions: [['service']],
    Metrics: [{ Name: 'files', Unit: 'Count' }],
  };
  logs.append(
    '/f',
    's',
    JSON.stringify({ _aws: { Timestamp: 0, CloudWatchMetrics: [directive] }, service: 'ocr', files: [2, 3] }),
  );
  logs.append('/f', 's', '{"level":"ERROR","n":7}');
  logs.append('/f', 's', 'plain text');
  const common = { namespace: 'App', name: 'files', dimensions: { service: 'ocr' }, unit: 'Count' };
  assert.deepEqual(context.metrics, [
    { ...common, value: 2 },
    { ...common, value: 3 },
  ]);
  const messages = async (filterPattern: string) => {
    const { events } = await context.call(
      'logs',
      'FilterLogEvents',
      { logGroupName: '/f', filterPattern },
      ADMINISTRATOR,
    );
    return (events as { message: string }[]).map(({ message }) => message);
  };
  assert.deepEqual(await messages('{ $.level = "ERROR" && $.n > 6 }'), ['{"level":"ERROR","n":7}']);
  assert.deepEqual(await messages('plain -files'), ['plain text']);
  const page = { logGroupName: '/f', logStreamName: 's', startFromHead: true, limit: 2 };
  const first = await context.call('logs', 'GetLogEvents', page, ADMINISTRATOR);
  const second = await context.call(
    'logs',
    'GetLogEvents',
    { ...page, nextToken: first.nextForwardToken },
    ADMINISTRATOR,
  );
  assert.partialDeepStrictEqual(second.events, [{ message: 'plain text' }]);
});
