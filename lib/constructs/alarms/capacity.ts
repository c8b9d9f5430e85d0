import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { DATASETS } from '../../../datasets/index.ts';
import { METRIC } from '../../../lambdas/shared/contract.ts';
import type { Config } from '../../config.ts';
import { ABOVE, AT_LEAST, IGNORE, type Kind, NOT_BREACHING, type Watched } from './kind.ts';
import { hours, minutes, ofAws, orZero, own, sumOf } from './metrics.ts';
import { HELP_DESK } from './names.ts';

/** Textract and Comprehend refuse some calls of every burst; a call every second is more than that. */
const THROTTLED_IN_FIVE_MINUTES = 300;

/** Updates of tickets wait up to an hour in the help desk's queue, and up to three times before SQS leaves them out. */
const HELP_DESK_QUEUE_MINUTES = 240;

const queueMinutes = (pipeline: string, { alarms }: Config): number =>
  pipeline === HELP_DESK.pipeline ? HELP_DESK_QUEUE_MINUTES : alarms.queueAgeMinutes;

const ofQueue = (queue: IQueue, name: string) =>
  ofAws('SQS', name, { QueueName: queue.queueName }, { statistic: Stats.MAXIMUM, period: minutes(1) });

const ofTable = (table: ITable, name: string) =>
  ofAws('DynamoDB', name, { TableName: table.tableName }, { period: minutes(5) });

/** Names a queue by its place: `Completions` of `…/Ocr/Completions/DeadLetters`. */
const placeOf = (queue: IQueue): string => queue.node.scope?.node.id ?? queue.node.id;

const all = ({ pipelines, operations }: Watched) => [...pipelines, ...operations];

/** Queues, and what AWS or a ceiling of ours refuses. */
export const CAPACITY: readonly Kind[] = [
  {
    name: 'QueueAge',
    severity: 'warning',
    runbook: 'old-messages-in-a-queue',
    comparison: ABOVE,
    periods: [3, 3],
    missing: NOT_BREACHING,
    missingBecause: 'SQS stops telling of a queue that nobody used for six hours: it is empty.',
    watches: (watched) =>
      all(watched).flatMap(({ pipeline, queues }) =>
        queues.map(({ node: { id }, queue }) => ({
          pipeline,
          part: id,
          metric: ofQueue(queue, 'ApproximateAgeOfOldestMessage'),
          threshold: queueMinutes(pipeline, watched.config) * 60,
          sentence: `A message has waited for more than ${queueMinutes(pipeline, watched.config)} minutes in the queue ${id} of ${pipeline}.`,
        })),
      ),
  },
  {
    name: 'DeadLetters',
    severity: 'error',
    runbook: 'dead-letter-queues',
    comparison: AT_LEAST,
    missing: IGNORE,
    missingBecause:
      'SQS stops telling of a queue that nobody used for six hours, although messages lie there; the next look or redrive makes it tell again.',
    watches: (watched) =>
      all(watched).flatMap(({ pipeline, deadLetters }) =>
        deadLetters.map((queue) => ({
          pipeline,
          part: placeOf(queue),
          metric: ofQueue(queue, 'ApproximateNumberOfMessagesVisible'),
          threshold: 1,
          sentence: `Messages that could not be worked on lie in the dead letter queue ${placeOf(queue)} of ${pipeline}.`,
          command: 'npx millrace redrive --queues',
        })),
      ),
  },
  {
    name: 'Throttled',
    severity: 'warning',
    runbook: 'throttling',
    comparison: AT_LEAST,
    periods: [3, 3],
    missing: NOT_BREACHING,
    missingBecause: 'These metrics have data only where something was throttled or ran.',
    watches: (watched) => [
      ...all(watched).flatMap(({ pipeline, functions, stateMachine }) => {
        const period = minutes(5);
        const metrics = [
          ...functions.map((fn) =>
            ofAws('Lambda', 'Throttles', { FunctionName: fn.function.functionName }, { period }),
          ),
          ...(stateMachine
            ? [ofAws('States', 'ExecutionThrottled', { StateMachineArn: stateMachine.arn }, { period })]
            : []),
        ];
        return metrics.length === 0
          ? []
          : {
              pipeline,
              part: 'Capacity',
              metric: sumOf(metrics, period),
              threshold: 1,
              sentence: `AWS refuses to run functions or states of ${pipeline} as fast as they come, for 15 minutes now.`,
            };
      }),
      ...watched.tables.map(({ pipeline, name, table }) => ({
        pipeline,
        part: name,
        // Alarms on metrics of DynamoDB keep their state where data is missing, whatever they are told (PutMetricAlarm,
        // API reference): without the zeros this one would never end.
        metric: new MathExpression({
          expression: 'FILL(reads, 0) + FILL(writes, 0)',
          usingMetrics: {
            reads: ofTable(table, 'ReadThrottleEvents'),
            writes: ofTable(table, 'WriteThrottleEvents'),
          },
          period: minutes(5),
        }),
        threshold: 1,
        sentence: `DynamoDB refuses requests to the ${name} table, for 15 minutes now.`,
      })),
      // Tables are read without either.
      ...watched.files
        .filter((pipeline) => !(pipeline in DATASETS))
        .map((pipeline) => ({
          pipeline,
          part: 'Services',
          metric: own(METRIC.throttled, {}, { period: minutes(5) }),
          threshold: THROTTLED_IN_FIVE_MINUTES,
          sentence: 'Textract or Comprehend refuse more calls than a burst explains, for 15 minutes now.',
        })),
    ],
  },
  {
    name: 'SpendCeiling',
    severity: 'warning',
    runbook: 'spend-ceiling',
    comparison: AT_LEAST,
    missing: NOT_BREACHING,
    missingBecause: 'No document waited.',
    watches: ({ config: { spend } }) =>
      spend.dailyOcrUsd > 0
        ? [
            {
              pipeline: 'ocr',
              metric: orZero(own(METRIC.spendCeilingReached, {}, { period: hours(1) }), hours(1)),
              threshold: 1,
              sentence: `The day's ${spend.dailyOcrUsd} USD for OCR are spent: documents wait for the next day (UTC).`,
            },
          ]
        : [],
  },
];
