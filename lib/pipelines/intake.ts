import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { AuditTable } from '../constructs/audit-table.ts';
import type { LandingZone } from '../constructs/landing-zone.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import type { StateMachine } from '../constructs/state-machine.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface IntakePipelineProps extends PipelineProps {
  readonly landing: LandingZone;
  readonly audit: AuditTable;
  /** Prefix of the landing bucket → state machine that runs for each new object below it. */
  readonly triggers: ReadonlyMap<string, StateMachine>;
}

/** Every new object is recorded and starts one execution, named by the id of the file. */
export class IntakePipeline extends Construct implements Pipeline {
  readonly pipeline = 'intake';
  readonly functions: readonly NodeFunction[];
  readonly deadLetters;

  constructor(scope: Construct, id: string, props: IntakePipelineProps) {
    super(scope, id);
    const { config, landing, audit, triggers } = props;
    const intake = new NodeFunction(this, 'Intake', {
      config,
      pipeline: this.pipeline,
      entry: 'lambdas/intake/intake.ts',
      description: 'Records new files and starts one execution for each.',
      timeout: Duration.minutes(1),
      memory: 512,
    });
    landing.arrivals.consumedBy(intake, { batchSize: 10, maxConcurrency: config.concurrency.intake });
    audit.grantRecord(intake);
    for (const machine of triggers.values()) machine.grantStart(intake);
    intake.addEnvironment(
      'TRIGGERS',
      JSON.stringify(
        Object.fromEntries(
          [...triggers].map(([prefix, { pipeline, arn }]) => [prefix, { pipeline, stateMachineArn: arn }]),
        ),
      ),
    );
    this.functions = [intake];
    this.deadLetters = [landing.arrivals.deadLetters];
  }
}
