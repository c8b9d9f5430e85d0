import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import type { NodeFunction } from './node-function.ts';

/** How people are told when the help desk cannot tell them: a topic, and the address of the configuration. */
export class SecondChannel extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: { readonly config: Config }) {
    super(scope, id);
    const { email } = props.config.helpDesk;
    // Not encrypted with a key of KMS: AWS's own key for SNS admits no alarms, and what is sent here is no secret.
    this.topic = new Topic(this, 'Topic', { enforceSSL: true });
    if (email) this.topic.addSubscription(new EmailSubscription(email));
  }

  /** Lets a function tell people, and tells it where. */
  grantTell(fn: NodeFunction): void {
    fn.permit({ actions: ['sns:Publish'], resources: [this.topic.topicArn] });
    fn.addEnvironment('SECOND_CHANNEL_TOPIC_ARN', this.topic.topicArn);
  }
}
