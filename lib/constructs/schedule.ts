import { Aws, type Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { permit } from './permissions.ts';
import type { StateMachine } from './state-machine.ts';

export interface ScheduleProps {
  readonly description: string;
  /** Whole hours. */
  readonly every: Duration;
  readonly stateMachine: StateMachine;
}

/** Starts an execution at intervals; EventBridge Scheduler gives it a name, and may rarely start two. */
export class Schedule extends Construct {
  constructor(scope: Construct, id: string, props: ScheduleProps) {
    super(scope, id);
    const { description, every, stateMachine } = props;
    const hours = every.toHours();
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    });
    permit(
      { role, grantPrincipal: role },
      { actions: ['states:StartExecution'], resources: [stateMachine.arn] },
    );
    new CfnSchedule(this, 'Schedule', {
      description,
      scheduleExpression: `rate(${hours} ${hours === 1 ? 'hour' : 'hours'})`,
      flexibleTimeWindow: { mode: 'OFF' },
      target: { arn: stateMachine.arn, roleArn: role.roleArn, input: '{}' },
    });
  }
}
