import { Aws, type Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { permit } from './permissions.ts';
import type { StateMachine } from './state-machine.ts';

export interface ScheduleProps {
  readonly description: string;
  /** Whole hours. */
  readonly every: Duration;
  readonly stateMachine: StateMachine;
  /** Input of the executions. @default {} */
  readonly input?: Readonly<Record<string, unknown>>;
  /** Minutes within which it may start, so that not everything does at once. @default at the minute */
  readonly flexibleMinutes?: number;
  /** Where an occurrence goes that could not be started within an hour. @default nowhere: the next one comes */
  readonly deadLetters?: IQueue;
}

/**
 * Starts an execution at intervals, the first at once, while the deployment may still be under way (Scheduler user
 * guide, "Rate-based schedules"). EventBridge Scheduler gives executions their names, and may rarely start two.
 */
export class Schedule extends Construct {
  constructor(scope: Construct, id: string, props: ScheduleProps) {
    super(scope, id);
    const { description, every, stateMachine, input = {}, flexibleMinutes, deadLetters } = props;
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
    if (deadLetters) {
      permit(
        { role, grantPrincipal: role },
        { actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] },
      );
    }
    const schedule = new CfnSchedule(this, 'Schedule', {
      description,
      scheduleExpression: `rate(${hours} ${hours === 1 ? 'hour' : 'hours'})`,
      flexibleTimeWindow: flexibleMinutes
        ? { mode: 'FLEXIBLE', maximumWindowInMinutes: flexibleMinutes }
        : { mode: 'OFF' },
      target: {
        arn: stateMachine.arn,
        roleArn: role.roleArn,
        input: JSON.stringify(input),
        ...(deadLetters && {
          retryPolicy: { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 60 },
          deadLetterConfig: { arn: deadLetters.queueArn },
        }),
      },
    });
    // With the role goes its policy, which the schedule's properties do not name.
    schedule.node.addDependency(role);
  }
}
