import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { SecondChannel } from '../constructs/second-channel.ts';
import type { DataStack } from './data.ts';
import type { PipelinesStack } from './pipelines.ts';

export interface OperationsStackProps extends StackProps {
  readonly config: Config;
  readonly data: DataStack;
  readonly pipelines: PipelinesStack;
}

/** Everything that watches the pipelines, tells people, and puts right what can be put right. */
export class OperationsStack extends Stack {
  constructor(scope: Construct, id: string, props: OperationsStackProps) {
    super(scope, id, props);
    const { config } = props;
    const secondChannel = new SecondChannel(this, 'SecondChannel', { config });
    new CfnOutput(this, 'SecondChannelTopicArn', { value: secondChannel.topic.topicArn });
  }
}
