import { type Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmRule,
  AlarmState,
  type ComparisonOperator,
  CompositeAlarm,
  type IMetric,
  MathExpression,
  type TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { METRIC, type Severity } from '../../../lambdas/shared/contract.ts';
import type { Config } from '../../config.ts';
import { AT_LEAST, BELOW, BREACHING, NOT_BREACHING } from './kind.ts';
import { hours, minutes, orZero, outcomes, own } from './metrics.ts';
import { ALARMS } from './names.ts';

/** An alarm that fires when all its windows do. */
export interface Combined {
  readonly name: string;
  readonly pipeline: string;
  readonly severity: Severity;
  readonly runbook: string;
  readonly covers?: 'executions';
  readonly sentence: string;
  readonly windows: readonly Window[];
}

interface Window {
  readonly name: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparison: ComparisonOperator;
  readonly periods?: readonly [last: number, breaching: number];
  readonly missing: TreatMissingData;
}

/** Days that an error budget is for. */
export const BUDGET_DAYS = 30;
/** One or two files wake nobody: tickets of their own tell of them. */
const MIN_MISSED = 3;

/**
 * How fast the error budget is spent, in multiples of the rate that would use it up in exactly its days, over a long
 * window, so that it matters, and a short one, so that the alarm ends soon after its cause (Site Reliability Workbook,
 * chapter 5, "Multiwindow, Multi-Burn-Rate Alerts").
 */
export const BURN_RATES = [
  { name: 'BudgetBurnsFast', severity: 'critical', rate: 14.4, long: hours(1), short: minutes(5) },
  { name: 'BudgetBurns', severity: 'error', rate: 6, long: hours(6), short: minutes(30) },
  { name: 'BudgetBurnsSlowly', severity: 'warning', rate: 3, long: hours(24), short: hours(2) },
] as const;

/** Share of files that missed the objective; 0 where only a few did. */
export function missedShare(pipeline: string, period: Duration, atLeast: number): MathExpression {
  const of = (metric: string) => own(metric, { Pipeline: pipeline }, { period });
  return new MathExpression({
    expression: `FILL(IF(files - met >= ${atLeast}, (files - met) / files, 0), 0)`,
    // The recorder writes 0 for a file that missed it, so that `met` has data wherever `files` has.
    usingMetrics: { files: of(METRIC.objectiveFiles), met: of(METRIC.objectiveMet) },
    period,
  });
}

/** Alarms on the speed at which a pipeline spends its error budget. */
function burnRates(pipeline: string, { objectives }: Config): Combined[] {
  const budget = 1 - objectives.share;
  return BURN_RATES.map(({ name, severity, rate, long, short }) => {
    // All files are the most that can miss an objective, even one that allows for many misses.
    const threshold = Math.min(Number((rate * budget).toFixed(6)), 1);
    const window = (period: Duration, atLeast: number): Window => ({
      name: `${period.toMinutes()}Minutes`,
      metric: missedShare(pipeline, period, atLeast),
      threshold,
      comparison: AT_LEAST,
      // No file ended, so none missed the objective.
      missing: NOT_BREACHING,
    });
    return {
      name,
      pipeline,
      severity,
      runbook: 'the-error-budget-burns',
      covers: 'executions',
      sentence: `Files of ${pipeline} miss their objective ${rate} times as often as ${BUDGET_DAYS} days allow, over ${long.toHumanString()} and ${short.toHumanString()}.`,
      windows: [window(long, MIN_MISSED), window(short, 1)],
    };
  });
}

/** Files arrive, and for hours none succeeds. */
function noSuccess(pipeline: string, { alarms: { freshnessHours } }: Config): Combined {
  const quarter = minutes(freshnessHours * 15);
  return {
    name: 'NoSuccess',
    pipeline,
    severity: 'error',
    runbook: 'no-success',
    covers: 'executions',
    sentence: `Files arrive for ${pipeline}, and none succeeded for ${freshnessHours} hours.`,
    windows: [
      {
        name: 'Success',
        metric: orZero(outcomes(pipeline, 'SUCCEEDED', hours(freshnessHours)), hours(freshnessHours)),
        threshold: 1,
        comparison: BELOW,
        // No data is no success.
        missing: BREACHING,
      },
      {
        // In two of the hours' quarters: the first file after a quiet night has not had the time to succeed.
        name: 'Arrival',
        metric: orZero(own(METRIC.filesReceived, { Pipeline: pipeline }, { period: quarter }), quarter),
        threshold: 1,
        comparison: AT_LEAST,
        periods: [4, 2],
        // No data is no file.
        missing: NOT_BREACHING,
      },
    ],
  };
}

/** Every combined alarm of a pipeline that files land for. */
export const combinedAlarms = (pipeline: string, config: Config): readonly Combined[] => [
  ...burnRates(pipeline, config),
  noSuccess(pipeline, config),
];

/** Makes a combined alarm in `scope`, and its windows in `windows`; the answer has the alarm first. */
export function combine(
  scope: Construct,
  windows: Construct,
  id: string,
  { windows: parts }: Combined,
  description: string,
): readonly [CompositeAlarm, ...Alarm[]] {
  const children = parts.map(
    ({ name, metric, threshold, comparison, periods: [last, breaching] = [1, 1], missing }) =>
      new Alarm(windows, `${id}${name}`, {
        alarmDescription: description,
        metric,
        threshold,
        comparisonOperator: comparison,
        evaluationPeriods: last,
        datapointsToAlarm: breaching,
        treatMissingData: missing,
      }),
  );
  const combined = new CompositeAlarm(scope, id, {
    // The CDK names composite alarms by itself, and without the stack's prefix, which the help desk's rule goes by.
    compositeAlarmName: `${Stack.of(scope).stackName}-${ALARMS.tickets}${id}`,
    alarmDescription: description,
    alarmRule: AlarmRule.allOf(...children.map((child) => AlarmRule.fromAlarm(child, AlarmState.ALARM))),
  });
  return [combined, ...children];
}
