import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC } from '../../../lambdas/shared/contract.ts';
import { ABOVE, AT_LEAST, type Kind, NOT_BREACHING } from './kind.ts';
import { minutes, ofAws, outcomes, own, sumOf } from './metrics.ts';

/** Executions that fail or take long. */
export const EXECUTIONS: readonly Kind[] = [
  {
    name: 'FailedExecutions',
    severity: 'error',
    runbook: 'failed-executions',
    covers: 'executions',
    comparison: AT_LEAST,
    missing: NOT_BREACHING,
    missingBecause: 'Nothing ended, so nothing failed.',
    watches: ({ pipelines, operations }) => [
      // A child's failure is its parent's.
      ...pipelines
        .filter(({ stateMachine, partOf, isUnrecorded }) => stateMachine && !partOf && !isUnrecorded)
        .map(({ pipeline }) => ({
          pipeline,
          // Not AWS's own metric, which counts the canary's file that fails on purpose.
          metric: outcomes(pipeline, 'FAILED', minutes(5)),
          threshold: 1,
          sentence: `Executions of ${pipeline} failed.`,
          command: `npx millrace redrive --pipeline ${pipeline}`,
        })),
      ...[...operations, ...pipelines.filter(({ isUnrecorded }) => isUnrecorded)].flatMap(
        ({ pipeline, stateMachine }) =>
          stateMachine
            ? {
                pipeline,
                metric: sumOf(
                  ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'].map((name) =>
                    ofAws('States', name, { StateMachineArn: stateMachine.arn }, { period: minutes(5) }),
                  ),
                  minutes(5),
                ),
                threshold: 1,
                sentence: `Executions of ${pipeline} failed, timed out or were stopped.`,
              }
            : [],
      ),
    ],
  },
  {
    name: 'SlowExecutions',
    severity: 'warning',
    runbook: 'slow-executions',
    comparison: ABOVE,
    periods: [2, 2],
    missing: NOT_BREACHING,
    missingBecause: 'Nothing ended, so nothing was slow; what never ends runs into its time-out and fails.',
    watches: ({ config, files }) =>
      files.map((pipeline) => ({
        pipeline,
        // Evaluated however few they are: 200 executions in 15 minutes, which CloudWatch wants for a significant 95th
        // percentile, would leave most deployments without this alarm.
        metric: own(
          METRIC.duration,
          { Pipeline: pipeline },
          { statistic: Stats.percentile(95), period: minutes(15) },
        ),
        // 200 % above, milliseconds.
        threshold: 3 * config.alarms.durationP95Seconds * 1000,
        sentence: `Executions of ${pipeline} take three times as long as usual (95th percentile above ${3 * config.alarms.durationP95Seconds} s).`,
      })),
  },
];
