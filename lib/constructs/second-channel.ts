import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import type { NodeFunction } from './node-function.ts';

/**
 * AWS services that tell people, for this account only: alarms, AWS Budgets and Cost Anomaly Detection (SNS developer
 * guide, "Example cases"; Cost Management user guide, "Creating an Amazon SNS topic" for budgets and anomalies).
 */
const TELLERS = ['cloudwatch.amazonaws.com', 'budgets.amazonaws.com', 'costalerts.amazonaws.com'];

/** How people are told when the help desk cannot tell them: a topic, and the address of the configuration. */
export class SecondChannel extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: { readonly config: Config }) {
    super(scope, id);
    const { email } = props.config.helpDesk;
    // Not encrypted with a key of KMS: AWS's own key for SNS admits no alarms, and what is sent here is no secret.
    this.topic = new Topic(this, 'Topic', { enforceSSL: true });
    if (email) this.topic.addSubscription(new EmailSubscription(email));
    // A topic with a policy, and this one's asks for TLS, admits nobody whom the policy does not name.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: TELLERS.map((service) => new ServicePrincipal(service)),
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
  }

  /** Lets a function tell people, and tells it where. */
  grantTell(fn: NodeFunction): void {
    fn.permit({ actions: ['sns:Publish'], resources: [this.topic.topicArn] });
    fn.addEnvironment('SECOND_CHANNEL_TOPIC_ARN', this.topic.topicArn);
  }
}
