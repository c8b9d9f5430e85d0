import { Aws, CfnResource, Duration, Stack } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IAlarm,
  type IMetric,
  type IWidget,
  LegendPosition,
  MathExpression,
  SingleValueWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import { BUDGET_DAYS, BURN_RATES } from './alarms/combined.ts';
import type { Watched } from './alarms/kind.ts';
import { hours, minutes, ofAws, outcomes, own } from './alarms/metrics.ts';

export interface DashboardProps extends Watched {
  readonly alarms: readonly IAlarm[];
}

const OUTCOMES = ['SUCCEEDED', 'REJECTED', 'HELD', 'FAILED'] as const;
const WIDTH = 24;
const PERIOD = minutes(5);
const labelled = (
  expression: string,
  label: string,
  usingMetrics: Record<string, IMetric>,
  period: Duration,
) => new MathExpression({ expression, label, usingMetrics, period });

/** What a person on call wants to see first: are promises kept, what is stuck where, what does it cost. */
export class Dashboard extends Construct {
  /**
   * Its name, which is chosen: tickets link to it, and with a generated one the help desk's function would wait for the
   * dashboard, which shows the function's alarms. Dashboards are global, so that the region is part of it.
   */
  static nameIn(scope: Construct): string {
    return `${Stack.of(scope).stackName}-${Aws.REGION}`;
  }

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      dashboardName: Dashboard.nameIn(this),
      defaultInterval: Duration.hours(12),
      widgets: [
        [links(props)],
        [
          new AlarmStatusWidget({
            title: 'Alarms',
            width: WIDTH,
            height: 6,
            // A widget takes a hundred alarms.
            alarms: props.alarms.slice(0, 100),
          }),
        ],
        ...props.files.map((pipeline) => promises(pipeline, props.config)),
        ...props.files.map((pipeline) => files(pipeline)),
        queues(props),
        [...reading(props), ...telling()],
      ],
    });
    // Tags of dashboards are younger than the schema of CloudFormation in some regions, and nothing goes by them.
    if (CfnResource.isCfnResource(dashboard.node.defaultChild))
      dashboard.node.defaultChild.addPropertyDeletionOverride('Tags');
  }
}

function links({ config }: DashboardProps): IWidget {
  const { runbookUrl } = config.helpDesk;
  const runbook = /^https?:/.test(runbookUrl) ? `[runbook](${runbookUrl})` : `runbook: \`${runbookUrl}\``;
  const console = `https://${Aws.REGION}.console.aws.amazon.com`;
  return new TextWidget({
    width: WIDTH,
    height: 1,
    markdown: [
      `**Millrace ${config.environment}**`,
      runbook,
      `[state machines](${console}/states/home?region=${Aws.REGION}#/statemachines)`,
      `[queues](${console}/sqs/v3/home?region=${Aws.REGION}#/queues)`,
      `[logs](${console}/cloudwatch/home?region=${Aws.REGION}#logsV2:logs-insights)`,
      `[tables](${console}/dynamodbv2/home?region=${Aws.REGION}#tables)`,
    ].join(' · '),
  });
}

/** Objective, what is left of its budget, and how fast it is spent. */
function promises(pipeline: string, { objectives }: Config): IWidget[] {
  const goal = `${objectives.share * 100} % within ${objectives.minutes} minutes`;
  // A widget wants one meaning for each name, and one period is another meaning.
  const counted = (period: Duration) => {
    const [files, met] = [`files${period.toHours()}`, `met${period.toHours()}`];
    const of = (metric: string) => own(metric, { Pipeline: pipeline }, { period });
    return {
      missed: `(${files} - ${met}) / ${files}`,
      metrics: { [files]: of(METRIC.objectiveFiles), [met]: of(METRIC.objectiveMet) },
    };
  };
  const day = counted(hours(24));
  const budget = Number((1 - objectives.share).toFixed(6));
  return [
    new SingleValueWidget({
      title: `${pipeline}: ${goal}`,
      width: 6,
      height: 6,
      start: `-P${BUDGET_DAYS}D`,
      setPeriodToTimeRange: true,
      metrics: [
        labelled(`100 * (1 - ${day.missed})`, 'met, %', day.metrics, hours(24)),
        labelled(`100 * (1 - ${day.missed} / ${budget})`, 'budget left, %', day.metrics, hours(24)),
      ],
    }),
    new GraphWidget({
      title: `${pipeline}: error budget spent, times the rate that ${BUDGET_DAYS} days allow`,
      width: 10,
      height: 6,
      left: [hours(1), hours(6)].map((period) => {
        const { missed, metrics } = counted(period);
        return labelled(`${missed} / ${budget}`, `over ${period.toHumanString()}`, metrics, period);
      }),
      leftAnnotations: BURN_RATES.map(({ rate }) => ({ value: rate, label: `${rate} ×` })),
    }),
    new GraphWidget({
      title: `${pipeline}: duration of executions, ms`,
      width: 8,
      height: 6,
      left: [50, 95, 99].map((percent) =>
        own(
          METRIC.duration,
          { Pipeline: pipeline },
          { statistic: Stats.percentile(percent), period: PERIOD },
        ),
      ),
    }),
  ];
}

function files(pipeline: string): IWidget[] {
  const of = (metric: string, period: Duration) => own(metric, { Pipeline: pipeline }, { period });
  const day = hours(24);
  return [
    new GraphWidget({
      title: `${pipeline}: files by outcome`,
      width: 10,
      height: 6,
      stacked: true,
      left: OUTCOMES.map((outcome) => outcomes(pipeline, outcome, PERIOD).with({ label: outcome })),
      right: [of(METRIC.filesReceived, PERIOD).with({ label: 'received' })],
    }),
    new GraphWidget({
      title: `${pipeline}: estimated cost`,
      width: 8,
      height: 6,
      left: [of(METRIC.estimatedCostUsd, hours(1)).with({ label: 'USD an hour' })],
    }),
    new SingleValueWidget({
      title: `${pipeline}: cost, last 24 hours`,
      width: 6,
      height: 6,
      metrics: [
        labelled(
          '1000 * usd / files',
          'USD per 1,000 files',
          { usd: of(METRIC.estimatedCostUsd, day), files: of(METRIC.objectiveFiles, day) },
          day,
        ),
        labelled(
          '1000000000 * usd / bytes',
          'USD per GB',
          { usd: of(METRIC.estimatedCostUsd, day), bytes: of(METRIC.bytesFinished, day) },
          day,
        ),
      ],
    }),
  ];
}

function queues({ pipelines, operations }: DashboardProps): IWidget[] {
  const every = [...pipelines, ...operations];
  const working: { label: string; queue: IQueue }[] = every.flatMap(({ pipeline, queues }) =>
    queues.map(({ node, queue }) => ({ label: `${pipeline} ${node.id}`, queue })),
  );
  const dead = every.flatMap(({ pipeline, deadLetters }) =>
    deadLetters.map((queue) => ({ label: `${pipeline} ${queue.node.scope?.node.id}`, queue })),
  );
  const graph = (title: string, name: string, shown: typeof working) =>
    new GraphWidget({
      title,
      width: 8,
      height: 6,
      legendPosition: LegendPosition.BOTTOM,
      left: shown.map(({ label, queue }) =>
        ofAws('SQS', name, { QueueName: queue.queueName }, { statistic: Stats.MAXIMUM, period: PERIOD }).with(
          {
            label,
          },
        ),
      ),
    });
  return [
    graph('Messages that wait', 'ApproximateNumberOfMessagesVisible', working),
    graph('Age of the oldest message, s', 'ApproximateAgeOfOldestMessage', working),
    graph('Dead letters', 'ApproximateNumberOfMessagesVisible', dead),
  ];
}

/** Reading pages: how many, how many documents are handed over at once, and what was refused. */
function reading({ pipelines }: DashboardProps): IWidget[] {
  const tasks = pipelines
    .filter(({ pipeline }) => pipeline === 'ocr')
    .flatMap(({ queues: taskQueues }) => taskQueues.map(({ node, queue }) => ({ name: node.id, queue })));
  return [
    new GraphWidget({
      title: 'OCR: pages and admission',
      width: 12,
      height: 6,
      left: [
        new MathExpression({
          expression: `SUM(SEARCH('Namespace="Millrace" MetricName="${METRIC.ocrPages}"', 'Sum', ${PERIOD.toSeconds()}))`,
          usingMetrics: {},
          label: 'pages',
          period: PERIOD,
        }),
        own(METRIC.throttled, {}, { period: PERIOD }).with({ label: 'calls refused' }),
        own(METRIC.spendCeilingReached, {}, { period: PERIOD }).with({
          label: 'waiting for the next day',
        }),
      ],
      right: tasks.map(({ name, queue }) =>
        ofAws(
          'SQS',
          'ApproximateNumberOfMessagesNotVisible',
          { QueueName: queue.queueName },
          { statistic: Stats.MAXIMUM, period: PERIOD },
        ).with({ label: `${name} being worked on` }),
      ),
    }),
  ];
}

function telling(): IWidget[] {
  const latest = (name: string, label: string, dimensions = {}) =>
    own(name, dimensions, { statistic: Stats.MAXIMUM, period: hours(1) }).with({ label });
  return [
    new SingleValueWidget({
      title: 'Help desk',
      width: 4,
      height: 6,
      metrics: [latest(METRIC.openTickets, 'open tickets'), latest(METRIC.canaryPassed, 'canary passed')],
    }),
    new GraphWidget({
      title: 'Tickets that are open, and desks that could not be reached',
      width: 8,
      height: 6,
      left: [latest(METRIC.openTickets, 'open tickets')],
      right: [
        new MathExpression({
          expression: `SUM(SEARCH('Namespace="Millrace" MetricName="${METRIC.deskFailures}"', 'Sum', ${PERIOD.toSeconds()}))`,
          usingMetrics: {},
          label: 'failed calls of desks',
          period: PERIOD,
        }),
      ],
    }),
  ];
}
