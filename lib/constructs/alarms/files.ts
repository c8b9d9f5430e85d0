import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC } from '../../../lambdas/shared/contract.ts';
import { ABOVE, BELOW, BREACHING, type Kind, NOT_BREACHING } from './kind.ts';
import { hours, orZero, outcomes, own } from './metrics.ts';

/** Fewer files of an hour than this show no share. */
const MIN_FILES = 50;
/** A day that costs less is not worth a ticket, whatever its files weigh, USD. */
const MIN_DAILY_USD = 10;
const BYTES_PER_GB = 1e9;

const received = (pipeline: string, inHours: number) =>
  orZero(own(METRIC.filesReceived, { Pipeline: pipeline }, { period: hours(inHours) }), hours(inHours));

/** What alarms on too few files have in common. */
const TOO_FEW = {
  severity: 'warning',
  runbook: 'few-files',
  comparison: BELOW,
  missing: BREACHING,
  missingBecause: 'No data is no file.',
} as const;

/** Files: how many come, how many are refused, what they cost. */
export const FILES: readonly Kind[] = [
  {
    ...TOO_FEW,
    name: 'FewFiles',
    watches: ({ config: { alarms }, files }) =>
      // 0 where there is no expectation.
      (alarms.minFilesPerDay > 0 ? files : []).map((pipeline) => ({
        pipeline,
        metric: received(pipeline, 24),
        threshold: alarms.minFilesPerDay,
        sentence: `Fewer than ${alarms.minFilesPerDay} files landed for ${pipeline} in 24 hours.`,
      })),
  },
  {
    ...TOO_FEW,
    name: 'NoFiles',
    watches: ({ config: { alarms }, files }) =>
      (alarms.silentHours > 0 ? files : []).map((pipeline) => ({
        pipeline,
        metric: received(pipeline, alarms.silentHours),
        threshold: 1,
        sentence: `Not one file landed for ${pipeline} in ${alarms.silentHours} hours.`,
      })),
  },
  {
    name: 'RejectedFiles',
    severity: 'warning',
    runbook: 'rejected-files',
    comparison: ABOVE,
    missing: NOT_BREACHING,
    missingBecause: 'Nothing was refused.',
    watches: ({ config: { alarms }, files }) =>
      files.map((pipeline) => ({
        pipeline,
        metric: new MathExpression({
          expression: `FILL(IF(files >= ${MIN_FILES}, rejected / files, 0), 0)`,
          usingMetrics: {
            files: own(METRIC.objectiveFiles, { Pipeline: pipeline }, { period: hours(1) }),
            rejected: outcomes(pipeline, 'REJECTED', hours(1)),
          },
          period: hours(1),
        }),
        threshold: alarms.rejectedShare,
        sentence: `More than ${alarms.rejectedShare * 100} % of the files of ${pipeline} were refused in an hour.`,
      })),
  },
  {
    name: 'CostPerGb',
    severity: 'warning',
    runbook: 'cost-per-gb',
    comparison: ABOVE,
    missing: NOT_BREACHING,
    missingBecause: 'No file ended, so none cost anything.',
    watches: ({ config: { alarms }, files }) =>
      files.map((pipeline) => ({
        pipeline,
        metric: new MathExpression({
          expression: `FILL(IF(usd >= ${MIN_DAILY_USD}, usd / bytes * ${BYTES_PER_GB}, 0), 0)`,
          usingMetrics: {
            usd: own(METRIC.estimatedCostUsd, { Pipeline: pipeline }, { period: hours(24) }),
            bytes: own(METRIC.bytesFinished, { Pipeline: pipeline }, { period: hours(24) }),
          },
          period: hours(24),
        }),
        threshold: alarms.costPerGbUsd,
        sentence: `A GB of files of ${pipeline} costs more than ${alarms.costPerGbUsd} USD (estimate, last 24 hours).`,
      })),
  },
];
