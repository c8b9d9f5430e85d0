import { Aws, type Duration } from 'aws-cdk-lib';
import { type CronOptions, Schedule as CronSchedule } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { permit } from './permissions.ts';
import type { StateMachine } from './state-machine.ts';

interface CommonProps {
  readonly description: string;
  readonly stateMachine: StateMachine;
  /** Input of the executions. @default {} */
  readonly input?: Readonly<Record<string, unknown>>;
  /** Minutes within which it may start, so that not everything does at once; 1 to 1,440. @default at the minute */
  readonly flexibleMinutes?: number;
  /** Where an occurrence goes that could not be started within an hour. @default nowhere: the next one comes */
  readonly deadLetters?: IQueue;
  /** IANA time zone that the schedule follows, summer time included. @default UTC */
  readonly timeZone?: string;
}

/** At intervals, or when the clock of the time zone says so. */
export type ScheduleProps = CommonProps &
  (
    | {
        /** Whole minutes. */
        readonly every: Duration;
      }
    | {
        /** Fields that are left out are any. */
        readonly cron: CronOptions;
      }
  );

/**
 * Starts an execution again and again. At intervals the first comes at once, while the deployment may still be under way
 * (Scheduler user guide, "Rate-based schedules"); by the clock the first comes when it is due. EventBridge Scheduler
 * gives executions their names, and may rarely start two.
 */
export class Schedule extends Construct {
  constructor(scope: Construct, id: string, props: ScheduleProps) {
    super(scope, id);
    const { description, stateMachine, input = {}, flexibleMinutes, deadLetters, timeZone } = props;
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
      scheduleExpression:
        'cron' in props ? CronSchedule.cron(props.cron).expressionString : rate(props.every),
      ...(timeZone && { scheduleExpressionTimezone: timeZone }),
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

/** Whole hours as hours, anything else as minutes. */
function rate(every: Duration): string {
  const minutes = every.toMinutes();
  const [count, unit] = minutes % 60 === 0 ? [minutes / 60, 'hour'] : [minutes, 'minute'];
  return `rate(${count} ${count === 1 ? unit : `${unit}s`})`;
}
