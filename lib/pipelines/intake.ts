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
  /** Prefix of the landing bucket → pipeline of new objects below it, and the state machine that runs for each. */
  readonly triggers: ReadonlyMap<string, { readonly pipeline: string; readonly stateMachine: StateMachine }>;
}

/** Every new object is recorded and starts one execution, named by the id of the file. */
export class IntakePipeline extends Construct implements Pipeline {
  readonly pipeline = 'intake';
  readonly functions: readonly NodeFunction[];
  readonly queues;
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
    const stateMachines = new Set([...triggers.values()].map(({ stateMachine }) => stateMachine));
    for (const machine of stateMachines) machine.grantStart(intake);
    intake.addEnvironment(
      'TRIGGERS',
      JSON.stringify(
        Object.fromEntries(
          [...triggers].map(([prefix, { pipeline, stateMachine }]) => [
            prefix,
            { pipeline, stateMachineArn: stateMachine.arn },
          ]),
        ),
      ),
    );
    this.functions = [intake];
    this.queues = [landing.arrivals];
    this.deadLetters = [landing.arrivals.deadLetters];
  }
}
