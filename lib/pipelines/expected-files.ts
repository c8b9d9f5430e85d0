import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { AUDIT } from '../../lambdas/shared/contract.ts';
import type { AuditTable } from '../constructs/audit-table.ts';
import { grantPutIncident } from '../constructs/incidents.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { Schedule } from '../constructs/schedule.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface ExpectedFilesPipelineProps extends PipelineProps {
  readonly audit: AuditTable;
}

/** Tells when a file that a dataset expects is late, and when it has come. */
export class ExpectedFilesPipeline extends Construct implements Pipeline {
  readonly pipeline = 'expected-files';
  readonly functions: readonly NodeFunction[];
  readonly stateMachine: StateMachine;
  readonly queues = [];
  readonly deadLetters = [];

  constructor(scope: Construct, id: string, props: ExpectedFilesPipelineProps) {
    super(scope, id);
    const { config, audit } = props;
    const { pipeline } = this;
    const check = new NodeFunction(this, 'Check', {
      config,
      pipeline,
      entry: 'lambdas/expected-files/check.ts',
      description: 'Compares expected files with those that landed.',
      timeout: Duration.minutes(2),
    });
    audit.grantRead(check);
    audit.grantQuery(check, AUDIT.byPipeline.name);
    grantPutIncident(check);
    this.functions = [check];
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline,
      substitutions: { CheckFunctionArn: check.functionArn },
      invokes: this.functions,
    });
    // An occurrence that is lost is made good by the next.
    new Schedule(this, 'Schedule', {
      description: 'Looks for files that are late.',
      every: Duration.minutes(15),
      stateMachine: this.stateMachine,
    });
  }
}
