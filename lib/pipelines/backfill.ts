import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { LAKE } from '../../lambdas/shared/contract.ts';
import type { Lake } from '../constructs/lake.ts';
import type { LandingZone } from '../constructs/landing-zone.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface BackfillPipelineProps extends PipelineProps {
  readonly landing: LandingZone;
  readonly lake: Lake;
  /** Prefixes of the landing bucket whose objects can be asked for. */
  readonly prefixes: readonly string[];
}

/** Takes up objects that were in the landing bucket before there was anybody to tell, on demand. */
export class BackfillPipeline extends Construct implements Pipeline {
  readonly pipeline = 'backfill';
  readonly functions: readonly NodeFunction[];
  readonly stateMachine: StateMachine;
  readonly queues = [];
  readonly deadLetters = [];

  constructor(scope: Construct, id: string, props: BackfillPipelineProps) {
    super(scope, id);
    const { config, landing, lake, prefixes } = props;
    const { pipeline } = this;
    const { bucket } = landing;

    const admit = new NodeFunction(this, 'Admit', {
      config,
      pipeline,
      entry: 'lambdas/backfill/admit.ts',
      description: 'Tells intake of a batch of objects in the landing bucket.',
      timeout: Duration.minutes(5),
    });
    admit.permit({
      // HeadObject without a version: which one is current is the question.
      actions: ['s3:GetObject'],
      resources: prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
      wildcardReason: 'Asks for the current version of objects whose names nobody knows beforehand.',
    });
    landing.grantTellMissing(admit, ...prefixes);
    landing.grantTell(admit);
    admit.addEnvironment('LANDING_BUCKET', bucket.bucketName);

    const results = `${LAKE.operations}backfill`;
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline,
      substitutions: {
        AdmitFunctionArn: admit.functionArn,
        LandingBucket: bucket.bucketName,
        LakeBucket: lake.bucket.bucketName,
        Prefixes: prefixes.join(','),
        ResultPrefix: results,
      },
      invokes: [admit],
      distributedMaps: ['Objects'],
      permissions: [
        {
          actions: ['s3:ListBucket'],
          resources: [bucket.bucketArn],
          conditions: { StringLike: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } },
        },
        {
          // What the result writer does (developer guide, "IAM policies for ResultWriter").
          actions: ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
          resources: [lake.bucket.arnForObjects(`${results}/*`)],
          wildcardReason: 'Writes results below a folder that Step Functions names after the Map Run.',
        },
      ],
    });
    this.functions = [admit];
  }
}
