import { Names, Stack } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { CfnAnomalyMonitor, CfnAnomalySubscription } from 'aws-cdk-lib/aws-ce';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import type { SecondChannel } from './second-channel.ts';
import { PROJECT_TAG } from './tags.ts';

/** Percent of the budget at which people are told. A budget takes five notifications (AWS::Budgets::Budget). */
const NOTIFICATIONS = [
  { notificationType: 'ACTUAL', threshold: 50 },
  { notificationType: 'ACTUAL', threshold: 80 },
  { notificationType: 'ACTUAL', threshold: 100 },
  { notificationType: 'FORECASTED', threshold: 80 },
  { notificationType: 'FORECASTED', threshold: 100 },
] as const;

/**
 * What AWS itself says of the spend: a monthly budget, and detection of unusual days, both on everything that has the
 * project's tag. Both count from the day on which the tag is activated as a cost allocation tag (docs/costs.md), and are
 * global: they see the project in every region of the account.
 */
export class SpendWatch extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: { readonly config: Config; readonly secondChannel: SecondChannel },
  ) {
    super(scope, id);
    const { spend } = props.config;
    const { topic } = props.secondChannel;
    if (spend.monthlyBudgetUsd > 0) this.#budget(spend.monthlyBudgetUsd, topic);
    if (spend.anomalyUsd > 0) this.#anomalies(spend.anomalyUsd, topic);
  }

  #budget(usd: number, topic: ITopic): void {
    const subscribers = [{ subscriptionType: 'SNS', address: topic.topicArn }];
    const budget = new CfnBudget(this, 'Budget', {
      budget: {
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: usd, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:${PROJECT_TAG.key}$${PROJECT_TAG.value}`] },
      },
      notificationsWithSubscribers: NOTIFICATIONS.map((notification) => ({
        notification: { ...notification, comparisonOperator: 'GREATER_THAN', thresholdType: 'PERCENTAGE' },
        subscribers,
      })),
    });
    // Both services look whether the topic admits them.
    budget.node.addDependency(topic);
  }

  #anomalies(usd: number, topic: ITopic): void {
    const name = `${Stack.of(this).stackName}-${Names.uniqueResourceName(this, { maxLength: 40 })}`;
    const monitor = new CfnAnomalyMonitor(this, 'AnomalyMonitor', {
      monitorName: name,
      // By tag: an account has only one monitor of the other type, over its services, and it may be in use.
      monitorType: 'CUSTOM',
      monitorSpecification: JSON.stringify({
        Tags: { Key: PROJECT_TAG.key, Values: [PROJECT_TAG.value] },
      }),
    });
    const subscription = new CfnAnomalySubscription(this, 'AnomalySubscription', {
      subscriptionName: name,
      monitorArnList: [monitor.attrMonitorArn],
      // Topics are told at once, and only at once.
      frequency: 'IMMEDIATE',
      subscribers: [{ type: 'SNS', address: topic.topicArn }],
      thresholdExpression: JSON.stringify({
        Dimensions: {
          Key: 'ANOMALY_TOTAL_IMPACT_ABSOLUTE',
          MatchOptions: ['GREATER_THAN_OR_EQUAL'],
          Values: [`${usd}`],
        },
      }),
    });
    subscription.node.addDependency(topic);
  }
}
