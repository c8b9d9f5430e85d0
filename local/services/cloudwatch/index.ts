import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../json-file.ts';
import { instant, numeric, operation } from '../operation.ts';
import {
  AwsError,
  type LocalService,
  type Operations,
  type ResourceRequest,
  type RuntimeContext,
  type Shape,
} from '../service.ts';
import { Alarm, type AlarmSettings, AlarmState, CompositeAlarm, MetricAlarm, StateValue } from './alarms.ts';
import { createDashboards } from './dashboards.ts';
import { type Datum, type MetricId, MetricStore, MINUTE_MS } from './metrics.ts';
import { compileQueries, Dimensions, MetricDataQuery, periodOf } from './query.ts';

const MetricDatum = z.object({
  MetricName: z.string(),
  Dimensions,
  Timestamp: instant.optional(),
  Value: numeric.optional(),
  Values: z.array(numeric).optional(),
  Counts: z.array(numeric).optional(),
  StatisticValues: z
    .object({ SampleCount: numeric, Sum: numeric, Minimum: numeric, Maximum: numeric })
    .optional(),
  Unit: z.string().optional(),
});

const SavedAlarms = z.array(
  z.object({ settings: z.union([MetricAlarm, CompositeAlarm]), state: AlarmState, template: z.boolean() }),
);

/** A datum of the API as the values it stands for. */
function dataOf(namespace: string, datum: z.infer<typeof MetricDatum>): Datum[] {
  const common = {
    namespace,
    name: datum.MetricName,
    dimensions: datum.Dimensions,
    ...(datum.Timestamp !== undefined && { at: datum.Timestamp }),
    ...(datum.Unit && { unit: datum.Unit }),
  };
  const set = datum.StatisticValues;
  if (set) {
    const bounds = { min: set.Minimum, max: set.Maximum };
    return [{ ...common, value: set.Sum / set.SampleCount, count: set.SampleCount, bounds }];
  }
  const values = datum.Values ?? (datum.Value === undefined ? [] : [datum.Value]);
  return values.map((value, i) => ({ ...common, value, count: datum.Counts?.[i] ?? 1 }));
}

const seconds = (ms: number) => ms / 1000;

function shownMetric({ namespace, name, dimensions }: MetricId): Shape {
  return {
    Namespace: namespace,
    MetricName: name,
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
  };
}

function shownAlarm({ settings, arn, state }: Alarm): Shape {
  return {
    ...settings,
    AlarmArn: arn,
    StateValue: state.value,
    StateReason: state.reason,
    StateReasonData: state.reasonData,
    StateUpdatedTimestamp: seconds(state.since),
    StateTransitionedTimestamp: seconds(state.since),
  };
}

/** CloudWatch metrics and alarms. `record` takes the metrics of the services themselves. */
export function createCloudwatch(context: RuntimeContext): LocalService & { record(datum: Datum): void } {
  const directory = join(context.dataDir, 'cloudwatch');
  const alarmFile = new JsonFile(join(directory, 'alarms.json'), SavedAlarms);
  const store = new MetricStore(directory);
  const dashboards = createDashboards(context);
  const alarms = new Map<string, Alarm>();
  const ofTemplate = new Set<string>();
  const saved = alarmFile.read() ?? [];
  let cancelTick: (() => void) | undefined;

  function saveAlarms(): void {
    const all = [...alarms.values()].map(({ settings, state }) => ({
      settings,
      state,
      template: ofTemplate.has(settings.AlarmName),
    }));
    alarmFile.write(all);
  }

  /** Creates or replaces an alarm; its state stays. */
  function putAlarm(settings: AlarmSettings): Alarm {
    const name = settings.AlarmName;
    const state = alarms.get(name)?.state ?? saved.find((each) => each.settings.AlarmName === name)?.state;
    const stateOf = (other: string): StateValue => alarms.get(other)?.state.value ?? 'INSUFFICIENT_DATA';
    const alarm = new Alarm(settings, state, context, { store, stateOf });
    alarms.set(name, alarm);
    return alarm;
  }

  function tick(): void {
    const { clock } = context;
    cancelTick = clock.after(MINUTE_MS - (clock.now() % MINUTE_MS), () => {
      // Composite alarms look at the others, so they come last.
      for (const alarm of [...alarms.values()].sort((a, b) => Number(a.composite) - Number(b.composite)))
        alarm.evaluate();
      store.save(clock.now());
      saveAlarms();
      tick();
    });
  }

  const range = { StartTime: instant, EndTime: instant };
  const periodsOf = (start: number, end: number, period: number) => {
    const first = Math.floor(start / (period * 1000)) * period * 1000;
    return Array.from(
      { length: Math.max(0, Math.ceil((end - first) / (period * 1000))) },
      (_, i) => first + i * period * 1000,
    );
  };

  const operations: Operations = {
    ...dashboards.operations,
    PutMetricData: operation(z.object({ Namespace: z.string(), MetricData: z.array(MetricDatum) }), {
      action: 'cloudwatch:PutMetricData',
      conditions: ({ Namespace }) => ({ 'cloudwatch:namespace': Namespace }),
      handle: ({ Namespace, MetricData }) => {
        for (const datum of MetricData.flatMap((each) => dataOf(Namespace, each)))
          store.record(datum, context.clock.now());
        return {};
      },
    }),
    GetMetricData: operation(
      z.object({
        MetricDataQueries: z.array(MetricDataQuery).min(1),
        ...range,
        ScanBy: z.string().default('TimestampDescending'),
      }),
      {
        handle: ({ MetricDataQueries, StartTime, EndTime, ScanBy }) => {
          const period = periodOf(MetricDataQueries);
          const evaluate = compileQueries(MetricDataQueries, store);
          const points = periodsOf(StartTime, EndTime, period).map((start) => ({
            start,
            values: evaluate(start, start + period * 1000),
          }));
          if (ScanBy === 'TimestampDescending') points.reverse();
          return {
            MetricDataResults: MetricDataQueries.filter(({ ReturnData }) => ReturnData).map(
              ({ Id, Label, MetricStat }) => {
                const present = points.filter(({ values }) => values.get(Id) !== undefined);
                return {
                  Id,
                  Label: Label ?? MetricStat?.Metric.name ?? Id,
                  Timestamps: present.map(({ start }) => seconds(start)),
                  Values: present.map(({ values }) => values.get(Id)),
                  StatusCode: 'Complete',
                };
              },
            ),
          };
        },
      },
    ),
    GetMetricStatistics: operation(
      z.object({
        Namespace: z.string(),
        MetricName: z.string(),
        Dimensions,
        ...range,
        Period: numeric,
        Statistics: z.array(z.string()).default([]),
        ExtendedStatistics: z.array(z.string()).default([]),
      }),
      {
        handle: (input) => {
          const metric = { namespace: input.Namespace, name: input.MetricName, dimensions: input.Dimensions };
          const statistic = (kind: string, start: number) =>
            store.statistic(metric, kind, start, start + input.Period * 1000);
          const Datapoints = periodsOf(input.StartTime, input.EndTime, input.Period)
            .filter((start) => statistic('SampleCount', start) !== undefined)
            .map((start) => ({
              Timestamp: seconds(start),
              ...Object.fromEntries(input.Statistics.map((name) => [name, statistic(name, start)])),
              ...(input.ExtendedStatistics.length > 0 && {
                ExtendedStatistics: Object.fromEntries(
                  input.ExtendedStatistics.map((name) => [name, statistic(name, start)]),
                ),
              }),
            }));
          return { Label: input.MetricName, Datapoints };
        },
      },
    ),
    ListMetrics: operation(
      z.object({
        Namespace: z.string().optional(),
        MetricName: z.string().optional(),
        Dimensions: z.array(z.object({ Name: z.string(), Value: z.string().optional() })).default([]),
      }),
      {
        handle: (filter) => ({
          Metrics: store
            .list()
            .filter(({ namespace }) => filter.Namespace === undefined || namespace === filter.Namespace)
            .filter(({ name }) => filter.MetricName === undefined || name === filter.MetricName)
            .filter(({ dimensions }) =>
              filter.Dimensions.every(
                ({ Name, Value }) =>
                  Name in dimensions && (Value === undefined || dimensions[Name] === Value),
              ),
            )
            .map(shownMetric),
        }),
      },
    ),
    PutMetricAlarm: operation(MetricAlarm, {
      handle: (settings) => {
        putAlarm(settings);
        saveAlarms();
        return {};
      },
    }),
    PutCompositeAlarm: operation(CompositeAlarm, {
      handle: (settings) => {
        putAlarm(settings);
        saveAlarms();
        return {};
      },
    }),
    DeleteAlarms: operation(z.object({ AlarmNames: z.array(z.string()) }), {
      handle: ({ AlarmNames }) => {
        for (const name of AlarmNames) alarms.delete(name);
        saveAlarms();
        return {};
      },
    }),
    DescribeAlarms: operation(
      z.object({
        AlarmNames: z.array(z.string()).optional(),
        AlarmNamePrefix: z.string().default(''),
        // Composite alarms are told only to those who ask for them.
        AlarmTypes: z.array(z.enum(['MetricAlarm', 'CompositeAlarm'])).default(['MetricAlarm']),
        StateValue: StateValue.optional(),
        MaxRecords: numeric.default(50),
        NextToken: numeric.default(0),
      }),
      {
        action: 'cloudwatch:DescribeAlarms',
        resources: () => [`arn:aws:cloudwatch:${context.region}:${context.account}:alarm:*`],
        handle: (filter) => {
          const { MaxRecords, NextToken: first } = filter;
          const all = [...alarms.values()]
            .filter(({ composite }) =>
              filter.AlarmTypes.includes(composite ? 'CompositeAlarm' : 'MetricAlarm'),
            )
            .filter(({ settings }) => filter.AlarmNames?.includes(settings.AlarmName) ?? true)
            .filter(({ settings }) => settings.AlarmName.startsWith(filter.AlarmNamePrefix))
            .filter(({ state }) => filter.StateValue === undefined || state.value === filter.StateValue);
          const found = all.slice(first, first + MaxRecords);
          return {
            ...(all.length > first + MaxRecords && { NextToken: `${first + MaxRecords}` }),
            MetricAlarms: found.filter(({ composite }) => !composite).map(shownAlarm),
            CompositeAlarms: found.filter(({ composite }) => composite).map(shownAlarm),
          };
        },
      },
    ),
    SetAlarmState: operation(
      z.object({
        AlarmName: z.string(),
        StateValue,
        StateReason: z.string(),
        StateReasonData: z.string().optional(),
      }),
      {
        handle: (input) => {
          const alarm = alarms.get(input.AlarmName);
          if (!alarm)
            throw new AwsError('ResourceNotFound', `Unknown alarm ${input.AlarmName}`, { status: 404 });
          alarm.change({
            value: input.StateValue,
            reason: input.StateReason,
            ...(input.StateReasonData && { reasonData: input.StateReasonData }),
          });
          saveAlarms();
          return {};
        },
      },
    ),
  };

  const provisionAlarm =
    (schema: typeof MetricAlarm | typeof CompositeAlarm) =>
    ({ properties, generatedName }: ResourceRequest) => {
      const { settings, arn } = putAlarm(schema.parse({ AlarmName: generatedName, ...properties }));
      ofTemplate.add(settings.AlarmName);
      return { ref: settings.AlarmName, attributes: { Arn: arn } };
    };

  return {
    signingNames: ['monitoring'],
    iamPrefix: 'cloudwatch',
    operations,
    resources: {
      'AWS::CloudWatch::Alarm': provisionAlarm(MetricAlarm),
      'AWS::CloudWatch::CompositeAlarm': provisionAlarm(CompositeAlarm),
      'AWS::CloudWatch::Dashboard': dashboards.provision,
    },
    record: (datum) => store.record(datum, context.clock.now()),
    start() {
      for (const { settings, template } of saved) {
        if (!template && !alarms.has(settings.AlarmName)) putAlarm(settings);
      }
      tick();
    },
    stop() {
      cancelTick?.();
      store.save(context.clock.now());
      saveAlarms();
      store.close();
    },
  };
}
