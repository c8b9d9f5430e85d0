import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { tickets } from '../../../datasets/tickets.ts';
import { METRIC } from '../../../lambdas/shared/contract.ts';
import { BELOW, IGNORE, type Kind } from './kind.ts';
import { hours, orZero, own } from './metrics.ts';

/** What the CRM is asked for. */
export const TICKET_KINDS: readonly Kind[] = [
  {
    name: 'StaleTickets',
    severity: 'warning',
    runbook: 'stale-tickets',
    comparison: BELOW,
    missing: IGNORE,
    missingBecause: 'Before somebody connects the CRM there is nothing to miss; after it gaps count as none.',
    watches: ({ pipelines, config: { crm } }) => {
      const { freshHours } = tickets.expectations ?? {};
      if (freshHours === undefined) return [];
      // A period is a day at most (PutMetricAlarm, API reference), and never shorter than the schedule's.
      const period = Math.max(1, Math.ceil(crm.everyMinutes / 60));
      const count = Math.ceil(freshHours / period);
      return pipelines
        .filter(({ pipeline }) => pipeline === 'crm-tickets')
        .map(({ pipeline }) => ({
          pipeline,
          metric: orZero(
            own(
              METRIC.ticketsFetched,
              { Pipeline: pipeline, Kind: 'export' },
              { statistic: Stats.SAMPLE_COUNT, period: hours(period) },
            ),
            hours(period),
          ),
          threshold: 1,
          periods: [count, count] as const,
          sentence: `The CRM has answered no request for its tickets for ${count * period} hours.`,
        }));
    },
  },
];
