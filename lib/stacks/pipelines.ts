import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { pascalCase } from '../constructs/alarms/names.ts';
import { tagPipeline } from '../constructs/tags.ts';
import { createPipelines } from '../pipelines/index.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
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

  /** Dead letter queues of every pipeline. */
  get deadLetters(): readonly IQueue[] {
    return this.pipelines.flatMap(({ deadLetters }) => deadLetters);
  }
}
