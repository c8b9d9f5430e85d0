import { Aws, Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { LAKE } from '../../lambdas/shared/contract.ts';
import type { Lake } from '../constructs/lake.ts';
import type { LandingZone } from '../constructs/landing-zone.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import type { OcrJobsTable } from '../constructs/ocr-jobs-table.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import { TaskQueue } from '../constructs/task-queue.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface OcrPipelineProps extends PipelineProps {
  readonly landing: LandingZone;
  readonly lake: Lake;
  readonly jobs: OcrJobsTable;
  /** Prefixes of the landing bucket whose files may need reading. */
  readonly prefixes: readonly string[];
}

/** Throttled messages come back to the queue, so that many deliveries are no sign of a poisonous one. */
const DELIVERIES = 100;

/** Text of pictures, PDF and TIFF by Textract, at the pace that Textract allows. */
export class OcrPipeline extends Construct implements Pipeline {
  readonly pipeline = 'ocr';
  readonly partOf = 'document-ingestion';
  readonly functions: readonly NodeFunction[];
  readonly stateMachine: StateMachine;
  readonly queues;
  readonly deadLetters;

  constructor(scope: Construct, id: string, props: OcrPipelineProps) {
    super(scope, id);
    const { config, landing, lake, jobs, prefixes } = props;
    const { pipeline } = this;
    const tasks = new TaskQueue(this, 'Tasks', {
      visibilityTimeout: Duration.minutes(30),
      maxReceiveCount: DELIVERIES,
    });
    const completions = new TaskQueue(this, 'Completions', {
      visibilityTimeout: Duration.minutes(90),
      maxReceiveCount: DELIVERIES,
    });

    const read = new NodeFunction(this, 'Read', {
      config,
      pipeline,
      entry: 'lambdas/ocr/read.ts',
      description: 'Reads one-page images at once; starts a Textract job for PDF and TIFF.',
      timeout: Duration.minutes(5),
      memory: 1024,
    });
    const collect = new NodeFunction(this, 'Collect', {
      config,
      pipeline,
      entry: 'lambdas/ocr/collect.ts',
      description: 'Collects the result of a finished Textract job, page after page.',
      timeout: Duration.minutes(15),
      memory: 1024,
    });
    const lastLook = new NodeFunction(this, 'LastLook', {
      config,
      pipeline,
      entry: 'lambdas/ocr/last-look.ts',
      description: 'Asks Textract once more for a job whose completion never came.',
      timeout: Duration.minutes(15),
      memory: 1024,
    });
    this.functions = [read, collect, lastLook];
    this.queues = [tasks, completions];
    this.deadLetters = [tasks.deadLetters, completions.deadLetters];

    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline,
      substitutions: {
        OcrQueueUrl: tasks.queue.queueUrl,
        OcrTimeoutSeconds: `${config.timeouts.ocrSeconds}`,
        LastLookFunctionArn: lastLook.functionArn,
      },
      invokes: [lastLook],
      sends: [tasks.queue],
    });

    tasks.consumedBy(read, { batchSize: 1, maxConcurrency: config.concurrency.ocr });
    completions.consumedBy(collect, { batchSize: 1, maxConcurrency: config.concurrency.ocr });
    tasks.grantDelay(read);
    completions.grantDelay(collect);
    for (const fn of [read, collect]) this.stateMachine.grantAnswer(fn);
    for (const prefix of prefixes) landing.grantHandOver(read, prefix);
    jobs.grantKeep(read);
    read.addEnvironment('PRICES', JSON.stringify(config.prices));
    read.addEnvironment('DAILY_OCR_USD', `${config.spend.dailyOcrUsd}`);
    if (config.spend.dailyOcrUsd > 0) {
      jobs.grantFind(read);
      this.stateMachine.grantHeartbeat(read);
    }
    for (const fn of [collect, lastLook]) jobs.grantFind(fn);
    for (const fn of this.functions) {
      lake.grantWrite(fn, LAKE.restricted);
      fn.permit({ actions: ['textract:GetDocumentTextDetection'], ...NO_RESOURCES });
    }
    read.permit({
      actions: ['textract:DetectDocumentText', 'textract:StartDocumentTextDetection'],
      ...NO_RESOURCES,
    });
    this.#completionChannel(read, completions);
  }

  /** Textract tells that a job is done through a topic, in a role that it assumes. */
  #completionChannel(read: NodeFunction, completions: TaskQueue): void {
    // The topic's name need not start with AmazonTextract: only the managed policy asks for that, and this role has
    // its own. No key of ours encrypts it, because a message holds the id of a job and no content, and each key on the
    // way is one more policy that can silently lose a completion.
    const topic = new Topic(this, 'Completed', { enforceSSL: true });
    topic.addSubscription(
      new SqsSubscription(completions.queue, {
        rawMessageDelivery: false,
        deadLetterQueue: completions.deadLetters,
      }),
    );
    const role = new Role(this, 'CompletionRole', {
      assumedBy: new ServicePrincipal('textract.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    });
    topic.grantPublish(role);
    read.permit({
      actions: ['iam:PassRole'],
      resources: [role.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'textract.amazonaws.com' } },
    });
    read.addEnvironment('OCR_COMPLETION_TOPIC_ARN', topic.topicArn);
    read.addEnvironment('OCR_COMPLETION_ROLE_ARN', role.roleArn);
  }
}

const NO_RESOURCES = {
  resources: ['*'],
  wildcardReason: 'Textract has no resources for detecting text: it can only be allowed on all.',
};
