import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { Dataset } from '../../../datasets/dataset.ts';
import { DATASETS } from '../../../datasets/index.ts';
import { METRIC } from '../../../lambdas/shared/contract.ts';
import { ABOVE, AT_LEAST, BELOW, IGNORE, type Kind, NOT_BREACHING, type Watched } from './kind.ts';
import { hours, orZero, outcomes, own } from './metrics.ts';

/** A period is a day at most (PutMetricAlarm, API reference). */
const MOST_HOURS = 24;
/** Fewer rows than this in a day show no share. */
const MIN_ROWS = 1_000;
/** What is told is a share of what single files may have: a day of files that just pass is not well. */
const SHARE_OF_TOLERANCE = 0.5;

/** Datasets that come in files, and what makes watches of them. */
const datasets = ({ files }: Watched): Dataset[] =>
  files.flatMap((pipeline) => DATASETS[pipeline] ?? []).filter((dataset) => dataset.files);

/** The longest period in hours of which so many hours are a multiple. */
const periodOf = (of: number): number => {
  for (let period = MOST_HOURS; period > 1; period--) if (of % period === 0) return period;
  return 1;
};

/** What the declarations of datasets expect: how fresh, how many rows, how many of them right. */
export const DATASET_KINDS: readonly Kind[] = [
  {
    name: 'NotFresh',
    severity: 'warning',
    runbook: 'stale-data',
    comparison: BELOW,
    missing: IGNORE,
    missingBecause: 'What has never come is not stale; what came once has gaps that count as none.',
    watches: (watched) =>
      datasets(watched).flatMap(({ name, expectations }) => {
        const { freshHours } = expectations ?? {};
        if (freshHours === undefined) return [];
        const period = periodOf(freshHours);
        const count = freshHours / period;
        return {
          pipeline: name,
          metric: orZero(outcomes(name, 'SUCCEEDED', hours(period)), hours(period)),
          threshold: 1,
          periods: [count, count] as const,
          sentence: `No file of ${name} has succeeded for ${freshHours} hours.`,
        };
      }),
  },
  {
    name: 'UnusualRows',
    severity: 'warning',
    runbook: 'unusual-volume',
    comparison: AT_LEAST,
    missing: NOT_BREACHING,
    missingBecause: 'What never came is told as stale, or as a late file.',
    watches: (watched) =>
      datasets(watched).flatMap(({ name, expectations }) => {
        const { min = 0, max } = expectations?.rowsPerDay ?? {};
        if (min === 0 && max === undefined) return [];
        const most = max === undefined ? '' : ` OR rows > ${max}`;
        return {
          pipeline: name,
          metric: new MathExpression({
            expression: `FILL(IF(rows < ${min}${most}, 1, 0), ${min > 0 ? 1 : 0})`,
            usingMetrics: { rows: own(METRIC.rowsAccepted, { Pipeline: name }, { period: hours(24) }) },
            period: hours(24),
          }),
          threshold: 1,
          sentence: `A day brought fewer than ${min} rows of ${name}${max === undefined ? '' : `, or more than ${max}`}.`,
        };
      }),
  },
  {
    name: 'QuarantinedRows',
    severity: 'warning',
    runbook: 'quarantined-rows',
    comparison: ABOVE,
    missing: NOT_BREACHING,
    missingBecause: 'No row was read, so none was wrong.',
    watches: (watched) =>
      datasets(watched).flatMap(({ name, files }) => {
        const { tolerance = 0 } = files ?? {};
        const of = (metric: string) => own(metric, { Pipeline: name }, { period: hours(24) });
        return {
          pipeline: name,
          metric: new MathExpression({
            expression: `FILL(IF(rows >= ${MIN_ROWS}, bad / rows, 0), 0)`,
            usingMetrics: { rows: of(METRIC.rowsRead), bad: of(METRIC.rowsQuarantined) },
            period: hours(24),
          }),
          threshold: Number((tolerance * SHARE_OF_TOLERANCE).toFixed(6)),
          sentence: `More than ${Number((tolerance * SHARE_OF_TOLERANCE * 100).toFixed(4))} % of the rows of ${name} went to quarantine in a day, in files that were within their tolerance.`,
        };
      }),
  },
];
