import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { AuditTable } from '../constructs/audit-table.ts';
import { grantPutIncident } from '../constructs/incidents.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import type { StateMachine } from '../constructs/state-machine.ts';
import { TaskQueue } from '../constructs/task-queue.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface RecorderPipelineProps extends PipelineProps {
  readonly audit: AuditTable;
  /** State machines whose executions are recorded. */
  readonly stateMachines: readonly StateMachine[];
}

/** Turns status changes of executions into history and outcomes in the audit table. */
export class RecorderPipeline extends Construct implements Pipeline {
  readonly pipeline = 'recorder';
  readonly functions: readonly NodeFunction[];
  readonly queues;
  readonly deadLetters;
  /** Status changes of executions, as EventBridge delivers them. */
  readonly changes: TaskQueue;

  constructor(scope: Construct, id: string, props: RecorderPipelineProps) {
    super(scope, id);
    const { config, audit, stateMachines } = props;
    const changes = new TaskQueue(this, 'Changes', { visibilityTimeout: Duration.minutes(6) });
    this.changes = changes;
    new Rule(this, 'StatusChanged', {
      description: 'Executions of the Millrace pipelines that start and end.',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: stateMachines.map(({ arn }) => arn) },
      },
      // EventBridge keeps what it could not deliver as the queue would have got it: one redrive mends both.
      targets: [new SqsQueue(changes.queue, { deadLetterQueue: changes.deadLetters })],
    });

    const recorder = new NodeFunction(this, 'Recorder', {
      config,
      pipeline: this.pipeline,
      entry: 'lambdas/recorder/recorder.ts',
      description: 'Records status changes of executions.',
      timeout: Duration.minutes(1),
      memory: 512,
    });
    changes.consumedBy(recorder, { batchSize: 10, maxConcurrency: config.concurrency.recorder });
    audit.grantRecord(recorder);
    for (const machine of stateMachines) machine.grantDescribe(recorder);
    grantPutIncident(recorder);
    recorder.addEnvironment('OBJECTIVE', JSON.stringify({ seconds: config.objectives.minutes * 60 }));
    // By hand, because an ARN that is known at deployment only cannot be the name of a member for JSON.stringify.
    recorder.addEnvironment(
      'PIPELINES',
      `{${stateMachines.map(({ arn, pipeline }) => `"${arn}":"${pipeline}"`).join(',')}}`,
    );
    this.functions = [recorder];
    this.queues = [changes];
    this.deadLetters = [changes.deadLetters];
  }
}
