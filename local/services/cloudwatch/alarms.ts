import { z } from 'zod';
import { flag, numeric } from '../operation.ts';
import { AwsError, type Caller, type RuntimeContext, type Shape } from '../service.ts';
import { type MetricStore, MINUTE_MS } from './metrics.ts';
import { compileQueries, Dimensions, MetricDataQuery, periodOf } from './query.ts';

const COMPARISONS = {
  GreaterThanOrEqualToThreshold: (value: number, threshold: number) => value >= threshold,
  GreaterThanThreshold: (value: number, threshold: number) => value > threshold,
  LessThanThreshold: (value: number, threshold: number) => value < threshold,
  LessThanOrEqualToThreshold: (value: number, threshold: number) => value <= threshold,
} as const;

const arns = z.array(z.string()).default([]);
const Common = z.object({
  AlarmName: z.string(),
  AlarmDescription: z.string().optional(),
  ActionsEnabled: flag.default(true),
  AlarmActions: arns,
  OKActions: arns,
  InsufficientDataActions: arns,
});

export const MetricAlarm = Common.extend({
  Namespace: z.string().optional(),
  MetricName: z.string().optional(),
  Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
  Statistic: z.string().optional(),
  ExtendedStatistic: z.string().optional(),
  Period: numeric.optional(),
  Unit: z.string().optional(),
  Metrics: z.array(z.unknown()).default([]),
  EvaluationPeriods: numeric,
  DatapointsToAlarm: numeric.optional(),
  Threshold: numeric,
  ComparisonOperator: z.enum(Object.keys(COMPARISONS) as [keyof typeof COMPARISONS]),
  /** Only told again: locally every percentile is evaluated. */
  EvaluateLowSampleCountPercentile: z.enum(['evaluate', 'ignore']).optional(),
  TreatMissingData: z.enum(['breaching', 'notBreaching', 'ignore', 'missing']).default('missing'),
});
export const CompositeAlarm = Common.extend({ AlarmRule: z.string() });
export type AlarmSettings = z.infer<typeof MetricAlarm> | z.infer<typeof CompositeAlarm>;

export const StateValue = z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']);
export type StateValue = z.infer<typeof StateValue>;

export const AlarmState = z.object({
  value: StateValue,
  reason: z.string(),
  reasonData: z.string().optional(),
  /** Milliseconds since the epoch. */
  since: z.number(),
});
export type AlarmState = z.infer<typeof AlarmState>;

type Verdict = Omit<AlarmState, 'since'> | undefined;
type Judge = (now: number) => Verdict;

const ACTIONS = {
  ALARM: 'AlarmActions',
  OK: 'OKActions',
  INSUFFICIENT_DATA: 'InsufficientDataActions',
} as const;

function queriesOf(settings: z.infer<typeof MetricAlarm>): MetricDataQuery[] {
  if (settings.Metrics.length > 0) return z.array(MetricDataQuery).parse(settings.Metrics);
  const { Namespace, MetricName, Period } = settings;
  const Stat = settings.Statistic ?? settings.ExtendedStatistic;
  const MetricStat = { Metric: { Namespace, MetricName, Dimensions: settings.Dimensions }, Period, Stat };
  return [MetricDataQuery.parse({ Id: 'm1', MetricStat })];
}

/** Periods before those that count in which CloudWatch looks for data too: "a few" (user guide, on missing data). */
const LOOK_BACK_PERIODS = 3;

/** M of N: the newest N periods that are over, of which M must breach. Undefined keeps the state. */
function metricJudge(settings: z.infer<typeof MetricAlarm>, store: MetricStore): Judge {
  const queries = queriesOf(settings);
  const evaluate = compileQueries(queries, store);
  const shown = queries.find(({ ReturnData }) => ReturnData)?.Id ?? '';
  const periodMs = periodOf(queries) * 1000;
  const breaches = COMPARISONS[settings.ComparisonOperator];
  const {
    EvaluationPeriods: n,
    DatapointsToAlarm: m = n,
    Threshold: threshold,
    TreatMissingData: missing,
  } = settings;
  const metrics = queries.flatMap(({ MetricStat }) => MetricStat ?? []);
  return (now) => {
    const end = Math.floor(now / MINUTE_MS) * MINUTE_MS;
    const rangeStart = end - (n + LOOK_BACK_PERIODS) * periodMs;
    // Where no metric says anything, there is nothing that an expression could fill.
    const isSilent = metrics.every(
      ({ Metric, Stat }) => store.statistic(Metric, Stat, rangeStart, end) === undefined,
    );
    const points = Array.from({ length: n }, (_, i) =>
      isSilent ? undefined : evaluate(end - (i + 1) * periodMs, end - i * periodMs).get(shown),
    );
    const present = points.filter((point) => point !== undefined);
    if (present.length === 0 && missing === 'ignore') return undefined;
    if (present.length === 0 && missing === 'missing') {
      return { value: 'INSUFFICIENT_DATA', reason: `Insufficient Data: ${n} datapoints were unknown.` };
    }
    const breaching = points.filter((point) =>
      point === undefined ? missing === 'breaching' : breaches(point, threshold),
    );
    const value = breaching.length >= m ? 'ALARM' : 'OK';
    const word = value === 'ALARM' ? 'were' : 'were not all';
    return {
      value,
      reason: `Threshold Crossed: ${breaching.length} out of the last ${n} datapoints [${present.join(', ')}] ${word} ${settings.ComparisonOperator} the threshold (${threshold}); ${m} make an alarm.`,
      reasonData: JSON.stringify({
        version: '1.0',
        period: periodMs / 1000,
        recentDatapoints: present,
        threshold,
      }),
    };
  };
}

/** Reads `ALARM("a") AND (OK(b) OR NOT ALARM(c))`. */
function compositeJudge(
  { AlarmRule }: z.infer<typeof CompositeAlarm>,
  stateOf: (name: string) => StateValue,
): Judge {
  const tokens = AlarmRule.match(/"[^"]*"|[()]|[^\s()"]+/g) ?? [];
  const fail = (): never => {
    throw new AwsError('ValidationError', `AlarmRule must not contain syntax errors: ${AlarmRule}`);
  };
  return () => {
    let next = 0;
    const take = () => tokens[next++] ?? fail();
    const expect = (token: string) => take() === token || fail();
    const primary = (): boolean => {
      const token = take();
      if (token === 'TRUE' || token === 'FALSE') return token === 'TRUE';
      if (token === 'NOT') return !primary();
      if (token === '(') {
        const inner = either();
        expect(')');
        return inner;
      }
      const wanted = StateValue.safeParse(token);
      if (!wanted.success) return fail();
      expect('(');
      const reference = take().replaceAll('"', '');
      expect(')');
      return stateOf(reference.split(':alarm:').at(-1) ?? reference) === wanted.data;
    };
    // Both sides are always read: skipping one would leave its tokens.
    const chain = (
      operator: string,
      operand: () => boolean,
      join: (a: boolean, b: boolean) => boolean,
    ): boolean => {
      let result = operand();
      while (tokens[next] === operator) {
        next++;
        result = join(operand(), result);
      }
      return result;
    };
    const both = () => chain('AND', primary, (a, b) => a && b);
    const either = (): boolean => chain('OR', both, (a, b) => a || b);
    const holds = either();
    if (next < tokens.length) fail();
    return { value: holds ? 'ALARM' : 'OK', reason: `${AlarmRule} is ${holds ? 'TRUE' : 'FALSE'}` };
  };
}

/** One alarm: judges its metrics each minute and tells of changes. */
export class Alarm {
  readonly settings: AlarmSettings;
  readonly arn: string;
  state: AlarmState;
  readonly #context: RuntimeContext;
  readonly #judge: Judge;

  constructor(
    settings: AlarmSettings,
    state: AlarmState | undefined,
    context: RuntimeContext,
    sources: { store: MetricStore; stateOf: (name: string) => StateValue },
  ) {
    this.settings = settings;
    this.arn = `arn:aws:cloudwatch:${context.region}:${context.account}:alarm:${settings.AlarmName}`;
    this.state = state ?? {
      value: 'INSUFFICIENT_DATA',
      reason: 'Unchecked: Initial alarm creation',
      since: context.clock.now(),
    };
    this.#context = context;
    this.#judge =
      'AlarmRule' in settings
        ? compositeJudge(settings, sources.stateOf)
        : metricJudge(settings, sources.store);
  }

  get composite(): boolean {
    return 'AlarmRule' in this.settings;
  }

  evaluate(): void {
    const verdict = this.#judge(this.#context.clock.now());
    if (verdict && verdict.value !== this.state.value) this.change(verdict);
  }

  /** Takes a new state, emits the event of it and calls the actions. */
  change(verdict: Omit<AlarmState, 'since'>): void {
    const previous = this.state;
    this.state = { ...verdict, since: this.#context.clock.now() };
    const described = ({ value, reason, reasonData, since }: AlarmState) => ({
      value,
      reason,
      ...(reasonData && { reasonData }),
      timestamp: new Date(since).toISOString().replace('Z', '+0000'),
    });
    const { AlarmName, AlarmDescription, ActionsEnabled } = this.settings;
    this.#context.emit({
      source: 'aws.cloudwatch',
      'detail-type': 'CloudWatch Alarm State Change',
      resources: [this.arn],
      detail: {
        alarmName: AlarmName,
        state: described(this.state),
        previousState: described(previous),
        configuration: { description: AlarmDescription, ...this.#configuration() },
      },
    });
    if (!ActionsEnabled) return;
    for (const action of this.settings[ACTIONS[verdict.value]]) {
      this.#act(action, previous).catch((error: unknown) =>
        this.#context.warn(
          `alarm ${AlarmName} could not call ${action}: ${error instanceof Error ? error.message : error}`,
        ),
      );
    }
  }

  #configuration(): Shape {
    if ('AlarmRule' in this.settings) return { alarmRule: this.settings.AlarmRule };
    const metrics = queriesOf(this.settings).map(({ Id, Expression, ReturnData, MetricStat }) => ({
      id: Id,
      returnData: ReturnData,
      ...(Expression && { expression: Expression }),
      ...(MetricStat && {
        metricStat: { metric: MetricStat.Metric, period: MetricStat.Period, stat: MetricStat.Stat },
      }),
    }));
    return { metrics };
  }

  async #act(action: string, previous: AlarmState): Promise<void> {
    const caller: Caller = { kind: 'service', service: 'cloudwatch.amazonaws.com', sourceArn: this.arn };
    const message = {
      AlarmName: this.settings.AlarmName,
      AlarmDescription: this.settings.AlarmDescription ?? null,
      AWSAccountId: this.#context.account,
      AlarmArn: this.arn,
      NewStateValue: this.state.value,
      NewStateReason: this.state.reason,
      StateChangeTime: new Date(this.state.since).toISOString().replace('Z', '+0000'),
      Region: this.#context.region,
      OldStateValue: previous.value,
      ...('AlarmRule' in this.settings
        ? { AlarmRule: this.settings.AlarmRule }
        : { Trigger: this.#trigger(this.settings) }),
    };
    const service = action.split(':')[2];
    if (service === 'sns') {
      const Subject = `${this.state.value}: "${this.settings.AlarmName}" in ${this.#context.region}`.slice(
        0,
        100,
      );
      await this.#context.call(
        'sns',
        'Publish',
        { TopicArn: action, Subject, Message: JSON.stringify(message) },
        caller,
      );
    } else if (service === 'lambda') {
      const Payload = JSON.stringify({ source: 'aws.cloudwatch', alarmArn: this.arn, alarmData: message });
      await this.#context.call(
        'lambda',
        'Invoke',
        { FunctionName: action, InvocationType: 'Event', Payload },
        caller,
      );
    } else {
      throw new AwsError('ValidationError', `alarm actions of ${service} have no local stand-in`);
    }
  }

  #trigger(settings: z.infer<typeof MetricAlarm>): Shape {
    const { MetricName, Namespace, Statistic, Period, EvaluationPeriods, ComparisonOperator, Threshold } =
      settings;
    const dimensions = Object.entries(Dimensions.parse(settings.Dimensions)).map(([name, value]) => ({
      name,
      value,
    }));
    return {
      MetricName,
      Namespace,
      Statistic: Statistic?.toUpperCase(),
      Dimensions: dimensions,
      Period,
      EvaluationPeriods,
      DatapointsToAlarm: settings.DatapointsToAlarm ?? EvaluationPeriods,
      ComparisonOperator,
      Threshold,
      TreatMissingData: settings.TreatMissingData,
    };
  }
}
