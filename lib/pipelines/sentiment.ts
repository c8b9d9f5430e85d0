import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { CRM_ANALYSES, CRM_TEXTS } from '../../lambdas/crm-tickets/contract.ts';
import { LAKE } from '../../lambdas/shared/contract.ts';
import type { Lake } from '../constructs/lake.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import { TaskQueue } from '../constructs/task-queue.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface SentimentPipelineProps extends PipelineProps {
  readonly lake: Lake;
}

/** Language, sentiment, personal data, entities and key phrases of a text, at the pace that Comprehend allows. */
export class SentimentPipeline extends Construct implements Pipeline {
  readonly pipeline = 'sentiment';
  readonly partOf = 'document-ingestion';
  readonly functions: readonly NodeFunction[];
  readonly stateMachine: StateMachine;
  readonly queues;
  readonly deadLetters;

  constructor(scope: Construct, id: string, props: SentimentPipelineProps) {
    super(scope, id);
    const { config, lake } = props;
    const { pipeline } = this;
    const tasks = new TaskQueue(this, 'Tasks', {
      visibilityTimeout: Duration.minutes(30),
      // Throttled messages come back to the queue, so that many deliveries are no sign of a poisonous one.
      maxReceiveCount: 100,
    });
    const analyse = new NodeFunction(this, 'Analyse', {
      config,
      pipeline,
      entry: 'lambdas/sentiment/analyse.ts',
      description: 'Analyses one text with Comprehend and redacts the personal data in it.',
      timeout: Duration.minutes(5),
      memory: 1024,
    });
    this.functions = [analyse];
    this.queues = [tasks];
    this.deadLetters = [tasks.deadLetters];

    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline,
      substitutions: {
        SentimentQueueUrl: tasks.queue.queueUrl,
        SentimentTimeoutSeconds: `${config.timeouts.sentimentSeconds}`,
      },
      sends: [tasks.queue],
    });

    tasks.consumedBy(analyse, { batchSize: 1, maxConcurrency: config.concurrency.sentiment });
    tasks.grantDelay(analyse);
    this.stateMachine.grantAnswer(analyse);
    lake.grantRead(analyse, LAKE.restricted, ...(config.crm.enabled ? [CRM_TEXTS, CRM_ANALYSES] : []));
    // Texts of tickets that an interrupted attempt has analysed are not paid for again.
    if (config.crm.enabled) lake.grantTellMissing(analyse, CRM_ANALYSES);
    lake.grantWrite(analyse, LAKE.redacted, LAKE.analysis);
    analyse.permit({
      actions: [
        ...(config.crm.enabled ? ['comprehend:BatchDetectDominantLanguage'] : []),
        'comprehend:BatchDetectSentiment',
        'comprehend:DetectDominantLanguage',
        'comprehend:DetectEntities',
        'comprehend:DetectKeyPhrases',
        'comprehend:DetectPiiEntities',
        'comprehend:DetectSentiment',
      ],
      resources: ['*'],
      wildcardReason: 'Comprehend has no resources for its own models: they can only be allowed on all.',
    });
  }
}
