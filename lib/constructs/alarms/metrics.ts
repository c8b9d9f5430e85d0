import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC, METRICS_NAMESPACE } from '../../../lambdas/shared/contract.ts';

export interface Measured {
  readonly statistic?: string;
  readonly period: Duration;
}

/** A metric of this project. @param statistic default the sum */
export function own(
  metricName: string,
  dimensionsMap: Record<string, string>,
  { statistic = Stats.SUM, period }: Measured,
): Metric {
  return new Metric({ namespace: METRICS_NAMESPACE, metricName, dimensionsMap, statistic, period });
}

/** A metric that an AWS service publishes. @param statistic default the sum */
export function ofAws(
  service: 'ApiGateway' | 'DynamoDB' | 'Lambda' | 'SQS' | 'States',
  metricName: string,
  dimensionsMap: Record<string, string>,
  { statistic = Stats.SUM, period }: Measured,
): Metric {
  return new Metric({ namespace: `AWS/${service}`, metricName, dimensionsMap, statistic, period });
}

/** Files of a pipeline that ended in a way. */
export const outcomes = (pipeline: string, outcome: string, period: Duration): Metric =>
  own(METRIC.outcomes, { Pipeline: pipeline, Outcome: outcome }, { period });

/** Alarms on metric math take ten metrics (CloudWatch user guide, "Limits that apply to alarms"). */
const MAX_METRICS = 10;

/**
 * The sum of metrics of which some may have no data.
 * @throws Error for more metrics than an alarm takes
 */
export function sumOf(metrics: readonly IMetric[], period: Duration): MathExpression {
  if (metrics.length > MAX_METRICS)
    throw new Error(`an alarm takes ${MAX_METRICS} metrics, and these are ${metrics.length}`);
  return new MathExpression({
    expression: 'SUM(METRICS())',
    usingMetrics: Object.fromEntries(metrics.map((metric, i) => [`m${i}`, metric])),
    period,
  });
}

/**
 * A metric whose gaps count as 0. An alarm with a long period wants this beside its treatment of missing data:
 * CloudWatch looks further back than the alarm's periods, and while it finds data there, gaps are not treated at all,
 * so that a silent day would be noticed days later (user guide, "Configuring how CloudWatch alarms treat missing data").
 */
export const orZero = (metric: IMetric, period: Duration): MathExpression =>
  new MathExpression({ expression: 'FILL(m, 0)', usingMetrics: { m: metric }, period });

export const hours = (count: number): Duration => Duration.hours(count);
export const minutes = (count: number): Duration => Duration.minutes(count);
