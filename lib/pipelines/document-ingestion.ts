import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { CANARY, LAKE } from '../../lambdas/shared/contract.ts';
import type { Lake } from '../constructs/lake.ts';
import type { LandingZone } from '../constructs/landing-zone.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import type { Pipeline, PipelineProps, Trigger } from './pipeline.ts';

export interface DocumentIngestionPipelineProps extends PipelineProps {
  readonly landing: LandingZone;
  readonly lake: Lake;
  readonly ocr: StateMachine;
  readonly sentiment: StateMachine;
}

/** One document from landing bucket to curated record: inspect, read, analyse, publish. */
export class DocumentIngestionPipeline extends Construct implements Pipeline {
  static readonly trigger: Trigger = { prefix: 'documents/', pipeline: 'document-ingestion' };
  /** The canary's files go the same way, under a name of their own. */
  static readonly canary: Trigger = {
    prefix: CANARY.prefix,
    pipeline: CANARY.pipeline,
    machine: DocumentIngestionPipeline.trigger.pipeline,
  };
  readonly pipeline = 'document-ingestion';
  readonly functions: readonly NodeFunction[];
  readonly stateMachine: StateMachine;
  readonly queues = [];
  readonly deadLetters = [];

  constructor(scope: Construct, id: string, props: DocumentIngestionPipelineProps) {
    super(scope, id);
    const { config, landing, lake, ocr, sentiment } = props;
    const { pipeline } = this;
    const prefixes = [DocumentIngestionPipeline.trigger.prefix, DocumentIngestionPipeline.canary.prefix];

    const inspect = new NodeFunction(this, 'Inspect', {
      config,
      pipeline,
      entry: 'lambdas/document-ingestion/inspect.ts',
      description: 'Judges a document by its bytes: what it is, how long, what it will cost.',
      timeout: Duration.minutes(5),
      // The largest document has to fit.
      memory: 2048,
    });
    landing.grantRead(inspect, ...prefixes);
    landing.grantTellMissing(inspect, ...prefixes);
    lake.grantWrite(inspect, LAKE.restricted);
    inspect.addEnvironment('LIMITS', JSON.stringify(config.limits));
    inspect.addEnvironment('PRICES', JSON.stringify(config.prices));

    const publish = new NodeFunction(this, 'Publish', {
      config,
      pipeline,
      entry: 'lambdas/document-ingestion/publish.ts',
      description: 'Writes the curated record of a document.',
      timeout: Duration.minutes(2),
    });
    lake.grantRead(publish, LAKE.analysis, LAKE.redacted);
    lake.grantWrite(publish, `${LAKE.curated}documents/`, `${LAKE.canary}documents/`);

    const quarantine = new NodeFunction(this, 'Quarantine', {
      config,
      pipeline,
      entry: 'lambdas/document-ingestion/quarantine.ts',
      description: 'Copies a rejected document to quarantine, with the reason.',
      timeout: Duration.minutes(5),
    });
    landing.grantRead(quarantine, ...prefixes);
    landing.grantTellMissing(quarantine, ...prefixes);
    lake.grantWrite(quarantine, `${LAKE.quarantine}documents/`);

    this.functions = [inspect, publish, quarantine];
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline,
      substitutions: {
        InspectFunctionArn: inspect.functionArn,
        PublishFunctionArn: publish.functionArn,
        QuarantineFunctionArn: quarantine.functionArn,
        OcrStateMachineArn: ocr.arn,
        SentimentStateMachineArn: sentiment.arn,
        CanaryFailingPrefix: CANARY.failing,
        SentimentTimeoutSeconds: `${config.timeouts.sentimentSeconds}`,
      },
      invokes: this.functions,
      starts: [ocr, sentiment],
    });
  }
}
