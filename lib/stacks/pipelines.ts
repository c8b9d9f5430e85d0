import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { pascalCase } from '../constructs/alarms/names.ts';
import type { StateMachine } from '../constructs/state-machine.ts';
import { tagPipeline } from '../constructs/tags.ts';
import type { TaskQueue } from '../constructs/task-queue.ts';
import { createPipelines, TRIGGERS } from '../pipelines/index.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import { RecorderPipeline } from '../pipelines/recorder.ts';
import type { DataStack } from './data.ts';

export interface PipelinesStackProps extends StackProps {
  readonly config: Config;
  readonly data: DataStack;
}

/** Everything that works on data and can be made anew: functions, state machines, their queues. */
export class PipelinesStack extends Stack {
  readonly pipelines: readonly Pipeline[];

  constructor(scope: Construct, id: string, props: PipelinesStackProps) {
    super(scope, id, props);
    this.pipelines = createPipelines(this, props.config, props.data);
    for (const each of this.pipelines) {
      const { pipeline, stateMachine } = each;
      tagPipeline(each, pipeline, props.config);
      if (stateMachine) {
        new CfnOutput(this, `${pascalCase(pipeline)}StateMachineArn`, { value: stateMachine.arn });
      }
    }
  }

  /** The state machine of a pipeline. @throws Error when it has none */
  stateMachine(pipeline: string): StateMachine {
    const found = this.pipelines.find((candidate) => candidate.pipeline === pipeline)?.stateMachine;
    if (!found) throw new Error(`${pipeline} has no state machine`);
    return found;
  }

  /** Prefix of the landing bucket → pipeline of the files below it, and the state machine that runs for each. */
  get triggers(): ReadonlyMap<string, { readonly pipeline: string; readonly stateMachine: StateMachine }> {
    return new Map(
      TRIGGERS.map(({ prefix, pipeline, machine = pipeline }) => [
        prefix,
        { pipeline, stateMachine: this.stateMachine(machine) },
      ]),
    );
  }

  /** Status changes of executions, for the recorder. */
  get changes(): TaskQueue {
    const recorder = this.pipelines.find((pipeline) => pipeline instanceof RecorderPipeline);
    if (!recorder) throw new Error('nothing records status changes');
    return recorder.changes;
  }

  /** Dead letter queues of every pipeline. */
  get deadLetters(): readonly IQueue[] {
    return this.pipelines.flatMap(({ deadLetters }) => deadLetters);
  }
}
