import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { CANARY, METRIC } from '../../../lambdas/shared/contract.ts';
import { AT_LEAST, BELOW, IGNORE, type Kind, NOT_BREACHING } from './kind.ts';
import { hours, minutes, orZero, outcomes, own } from './metrics.ts';
import { HELP_DESK, pascalCase } from './names.ts';

/** How often something ran that writes a value of a metric each time, in periods of some hours. */
const runs = (metricName: string, dimensions: Record<string, string>, everyHours: number) =>
  orZero(
    own(metricName, dimensions, { statistic: Stats.SAMPLE_COUNT, period: hours(everyHours) }),
    hours(everyHours),
  );

/** Those who watch the pipelines: the help desk, the reconciliation and the canary. */
export const WATCHERS: readonly Kind[] = [
  {
    // Not the age of the queue: SQS leaves messages that were received more than three times out of it.
    name: 'DeskFails',
    severity: 'error',
    runbook: HELP_DESK.runbook,
    comparison: AT_LEAST,
    periods: [2, 2],
    missing: NOT_BREACHING,
    missingBecause: 'No desk was asked, or each answered.',
    watches: ({ config: { helpDesk } }) =>
      Object.keys(helpDesk.desks).map((desk) => ({
        pipeline: HELP_DESK.pipeline,
        part: pascalCase(desk),
        // A desk that fails is asked again within a quarter of an hour.
        metric: own(METRIC.deskFailures, { Desk: desk }, { period: minutes(15) }),
        threshold: 1,
        sentence: `The desk ${desk} has failed for half an hour: its tickets wait.`,
      })),
  },
  {
    name: 'Unaccounted',
    severity: 'error',
    runbook: 'unaccounted-objects',
    // The reconciliation puts an incident of its own, with the objects; this is the way that does not need the help desk.
    channel: 'second',
    comparison: AT_LEAST,
    missing: IGNORE,
    missingBecause: 'Until the next reconciliation nobody knows better.',
    watches: ({ files }) =>
      files.map((pipeline) => ({
        pipeline,
        metric: own(
          METRIC.unaccounted,
          { Pipeline: pipeline },
          { statistic: Stats.MAXIMUM, period: minutes(5) },
        ),
        threshold: 1,
        sentence: `The reconciliation found objects of ${pipeline} that it could not account for.`,
      })),
  },
  {
    name: 'NoReconciliation',
    severity: 'error',
    runbook: 'reconciliation-does-not-run',
    comparison: BELOW,
    periods: [2, 2],
    missing: IGNORE,
    missingBecause:
      'Before the first reconciliation there is nothing to miss, and after it the gaps count as 0: `orZero`.',
    watches: ({ config: { reconciliation }, files }) =>
      files.map((pipeline) => ({
        pipeline,
        metric: runs(METRIC.unaccounted, { Pipeline: pipeline }, reconciliation.everyHours),
        threshold: 1,
        sentence: `No reconciliation of ${pipeline} finished in ${2 * reconciliation.everyHours} hours.`,
      })),
  },
  {
    // The canary waits for this one, by its name.
    name: 'FailsOnPurpose',
    severity: 'info',
    runbook: 'canary',
    covers: 'executions',
    comparison: AT_LEAST,
    missing: NOT_BREACHING,
    missingBecause: 'Between two canaries nothing fails on purpose.',
    watches: ({ config }) =>
      config.canary.enabled
        ? [
            {
              pipeline: CANARY.pipeline,
              metric: outcomes(CANARY.pipeline, 'FAILED', minutes(5)),
              threshold: 1,
              sentence: 'The file with which the canary fails on purpose has failed, as it should.',
            },
          ]
        : [],
  },
  {
    name: 'NotPassed',
    severity: 'error',
    runbook: 'the-canary-did-not-pass',
    channel: 'second',
    comparison: BELOW,
    missing: IGNORE,
    missingBecause: 'Until the next canary nobody knows better.',
    watches: ({ config }) =>
      config.canary.enabled
        ? [
            {
              pipeline: CANARY.pipeline,
              metric: own(METRIC.canaryPassed, {}, { statistic: Stats.MINIMUM, period: minutes(5) }),
              threshold: 1,
              sentence: 'The canary did not see all that it expects of pipeline, audit, alarm and ticket.',
            },
          ]
        : [],
  },
  {
    name: 'NotRun',
    severity: 'error',
    runbook: 'the-canary-does-not-run',
    channel: 'second',
    comparison: BELOW,
    periods: [2, 2],
    missing: IGNORE,
    missingBecause:
      'Before the first canary there is nothing to miss, and after it the gaps count as 0: `orZero`.',
    watches: ({ config: { canary } }) =>
      canary.enabled
        ? [
            {
              pipeline: CANARY.pipeline,
              metric: runs(METRIC.canaryPassed, {}, canary.everyHours),
              threshold: 1,
              sentence: `The canary did not run for ${2 * canary.everyHours} hours.`,
            },
          ]
        : [],
  },
];
