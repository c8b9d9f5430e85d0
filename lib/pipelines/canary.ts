import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { CanarySettings } from '../../lambdas/canary/contract.ts';
import { CANARY, LAKE, METRIC, METRICS_NAMESPACE } from '../../lambdas/shared/contract.ts';
import { ticketAlarmPrefix } from '../constructs/alarms/names.ts';
import type { AuditTable } from '../constructs/audit-table.ts';
import { grantPutIncident } from '../constructs/incidents.ts';
import type { Lake } from '../constructs/lake.ts';
import type { LandingZone } from '../constructs/landing-zone.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { Schedule } from '../constructs/schedule.ts';
import type { SecondChannel } from '../constructs/second-channel.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import type { TicketsTable } from '../constructs/tickets-table.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface CanaryPipelineProps extends PipelineProps {
  readonly landing: LandingZone;
  readonly lake: Lake;
  readonly audit: AuditTable;
  readonly tickets: TicketsTable;
  readonly secondChannel: SecondChannel;
}

/** Proves at intervals that files are worked on and that failures are told, from the landing to the ticket. */
export class CanaryPipeline extends Construct implements Pipeline {
  readonly pipeline = CANARY.pipeline;
  readonly functions: readonly NodeFunction[];
  readonly stateMachine: StateMachine;
  readonly queues = [];
  readonly deadLetters = [];

  constructor(scope: Construct, id: string, props: CanaryPipelineProps) {
    super(scope, id);
    const { config, landing, lake, audit, tickets, secondChannel } = props;
    const { pipeline } = this;
    const common = { config, pipeline, timeout: Duration.minutes(1) };

    const drop = new NodeFunction(this, 'Drop', {
      ...common,
      entry: 'lambdas/canary/drop.ts',
      description: 'Puts a file that has to succeed and one that has to fail.',
    });
    landing.grantDrop(drop, CANARY.prefix);

    const check = new NodeFunction(this, 'Check', {
      ...common,
      entry: 'lambdas/canary/check.ts',
      description: 'Looks at what became of the files of a canary.',
    });
    audit.grantRead(check);
    tickets.grantRead(check);
    lake.grantList(check, LAKE.canary, LAKE.curated);
    check.permit({
      actions: ['cloudwatch:DescribeAlarms'],
      resources: [
        Stack.of(this).formatArn({
          service: 'cloudwatch',
          resource: 'alarm',
          resourceName: '*',
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
      wildcardReason: 'The state of an alarm is asked for by the beginning of its name: a listing of all.',
    });
    const settings: CanarySettings = {
      alarmPrefix: `${ticketAlarmPrefix(Stack.of(this).stackName)}CanaryFailsOnPurpose`,
    };
    check.addEnvironment('CANARY', JSON.stringify(settings));

    const resolve = new NodeFunction(this, 'Resolve', {
      ...common,
      entry: 'lambdas/canary/resolve.ts',
      description: 'Ends the incident of the file that failed on purpose.',
    });
    grantPutIncident(resolve);

    this.functions = [drop, check, resolve];
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline,
      substitutions: {
        DropFunctionArn: drop.functionArn,
        CheckFunctionArn: check.functionArn,
        ResolveFunctionArn: resolve.functionArn,
        MaxMinutes: `${config.canary.minutes}`,
        TopicArn: secondChannel.topic.topicArn,
        RunbookUrl: config.helpDesk.runbookUrl,
        Namespace: METRICS_NAMESPACE,
        Metric: METRIC.canaryPassed,
      },
      invokes: this.functions,
      permissions: [
        { actions: ['sns:Publish'], resources: [secondChannel.topic.topicArn] },
        {
          actions: ['cloudwatch:PutMetricData'],
          resources: ['*'],
          conditions: { StringEquals: { 'cloudwatch:namespace': METRICS_NAMESPACE } },
          wildcardReason: 'Metrics have no resources: only their namespace can be named.',
        },
      ],
    });
    new Schedule(this, 'Schedule', {
      description: 'Runs the canary.',
      every: Duration.hours(config.canary.everyHours),
      stateMachine: this.stateMachine,
    });
  }
}
