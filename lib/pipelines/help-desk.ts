import { Aws, Duration, Stack } from 'aws-cdk-lib';
import { type EventPattern, Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { type Desk, type HelpDeskSettings, PERIODIC } from '../../lambdas/help-desk/contract.ts';
import { INCIDENT_EVENT } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import { pascalCase, ticketAlarmPrefix } from '../constructs/alarms/names.ts';
import type { AuditTable } from '../constructs/audit-table.ts';
import { connectionSecret } from '../constructs/connection-secret.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import type { SecondChannel } from '../constructs/second-channel.ts';
import type { StateMachine } from '../constructs/state-machine.ts';
import { TaskQueue } from '../constructs/task-queue.ts';
import type { TicketsTable } from '../constructs/tickets-table.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface HelpDeskPipelineProps extends PipelineProps {
  readonly tickets: TicketsTable;
  readonly audit: AuditTable;
  readonly secondChannel: SecondChannel;
  /** State machines whose failed executions are incidents. One that others start is left out: it fails those. */
  readonly stateMachines: readonly StateMachine[];
  readonly dashboardName?: string;
}

/** Messages come back to their queue for as long as a desk is down; SQS counts to a thousand. */
const DELIVERIES = 1_000;
/** What a desk is told waits for each other; more at once would only be throttled by it. */
const AT_ONCE = 2;

/** Alarms, failed executions and incidents become tickets, at every desk that is configured for them. */
export class HelpDeskPipeline extends Construct implements Pipeline {
  readonly pipeline = 'help-desk';
  readonly functions: readonly NodeFunction[];
  /** What the help desk is told of. */
  readonly incidents: TaskQueue;
  readonly queues: readonly TaskQueue[];
  readonly deadLetters;

  constructor(scope: Construct, id: string, props: HelpDeskPipelineProps) {
    super(scope, id);
    const { config, tickets, audit, secondChannel, stateMachines, dashboardName } = props;
    const incidents = new TaskQueue(this, 'Incidents', {
      visibilityTimeout: Duration.minutes(12),
      maxReceiveCount: DELIVERIES,
    });
    this.incidents = incidents;
    const target = new SqsQueue(incidents.queue, { deadLetterQueue: incidents.deadLetters });
    for (const [name, { description, eventPattern }] of Object.entries(this.#sources(stateMachines))) {
      new Rule(this, name, { description, eventPattern, targets: [target] });
    }
    new Rule(this, 'Look', {
      description: 'Time to look for desks that are behind with a ticket.',
      schedule: Schedule.rate(Duration.minutes(15)),
      targets: [target],
    });

    const helpDesk = new NodeFunction(this, 'HelpDesk', {
      config,
      pipeline: this.pipeline,
      entry: 'lambdas/help-desk/help-desk.ts',
      description: 'Keeps tickets, and brings help desks up to date with them.',
      timeout: Duration.minutes(2),
    });
    incidents.consumedBy(helpDesk, { batchSize: 10, maxConcurrency: AT_ONCE });
    incidents.grantDelay(helpDesk);
    helpDesk.permit({ actions: ['sqs:SendMessage'], resources: [incidents.deadLetters.queueArn] });
    helpDesk.addEnvironment('DEAD_LETTERS_URL', incidents.deadLetters.queueUrl);
    tickets.grantKeep(helpDesk);
    secondChannel.grantTell(helpDesk);

    const desks = this.#desks(config);
    if (desks.length > 0) {
      helpDesk.permit({
        actions: ['secretsmanager:GetSecretValue'],
        resources: desks.map(({ secretArn }) => secretArn),
      });
    }
    helpDesk.addEnvironment('DESKS', JSON.stringify(desks));
    helpDesk.addEnvironment('ROUTES', JSON.stringify(config.helpDesk.routes));
    const { runbookUrl, allowPrivateTargets, reopenHours } = config.helpDesk;
    const settings: Omit<HelpDeskSettings, 'pipelines'> = {
      runbookUrl,
      allowPrivateTargets,
      reopenHours,
      owners: { ...(config.tags.Owner && { '*': config.tags.Owner }), ...config.owners },
      ...(dashboardName && { dashboardName }),
      auditTable: audit.table.tableName,
      region: Aws.REGION,
    };
    // By hand, because an ARN that is known at deployment only cannot be the name of a member for JSON.stringify.
    const pipelines = stateMachines.map(({ arn, pipeline }) => `"${arn}":"${pipeline}"`).join(',');
    helpDesk.addEnvironment(
      'HELP_DESK',
      `${JSON.stringify(settings).slice(0, -1)},"pipelines":{${pipelines}}}`,
    );

    this.functions = [helpDesk];
    this.queues = [incidents];
    this.deadLetters = [incidents.deadLetters];
  }

  /** What becomes an incident, or ends one. */
  #sources(
    stateMachines: readonly StateMachine[],
  ): Readonly<Record<string, { description: string; eventPattern: EventPattern }>> {
    const executions = { source: ['aws.states'], detailType: ['Step Functions Execution Status Change'] };
    const periodic = stateMachines.filter(({ pipeline }) => PERIODIC.includes(pipeline));
    return {
      AlarmChanged: {
        description: 'Alarms of Millrace that go off, and that are over.',
        eventPattern: {
          source: ['aws.cloudwatch'],
          detailType: ['CloudWatch Alarm State Change'],
          // Not those on the help desk itself: the second channel gets them from CloudWatch.
          detail: { alarmName: [{ prefix: ticketAlarmPrefix(Stack.of(this).stackName) }] },
        },
      },
      ExecutionEnded: {
        description: 'Executions of Millrace that fail, and redrives and reruns that end what they began.',
        eventPattern: {
          ...executions,
          detail: {
            stateMachineArn: stateMachines.map(({ arn }) => arn),
            $or: [
              { status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
              { status: ['SUCCEEDED'], redriveCount: [{ numeric: ['>', 0] }] },
              { status: ['SUCCEEDED'], name: [{ wildcard: '*-r*' }] },
            ],
          },
        },
      },
      ...(periodic.length > 0 && {
        PeriodicSucceeded: {
          description: 'Executions of Millrace that come by themselves and end what an earlier one began.',
          eventPattern: {
            ...executions,
            detail: { stateMachineArn: periodic.map(({ arn }) => arn), status: ['SUCCEEDED'] },
          },
        },
      }),
      IncidentTold: {
        description: 'Incidents that Millrace itself has found.',
        eventPattern: { source: [INCIDENT_EVENT.source], detailType: [INCIDENT_EVENT.detailType] },
      },
    };
  }

  /** The desks of the configuration, each with a secret that somebody puts its connection into. */
  #desks(config: Config): Desk[] {
    return Object.entries(config.helpDesk.desks).map(([name, { provider }]) => {
      const id = `Desk${pascalCase(name)}`;
      const secret = connectionSecret(this, id, {
        config,
        description: `Connection of the desk ${name} (${provider}): put its address and credentials here.`,
        output: `${id}SecretArn`,
        metadata: ['millrace:desk', { name, provider }],
        rotation: 'The desk gives the credentials, so that only the desk could rotate them.',
      });
      return { name, provider, secretArn: secret.secretArn };
    });
  }
}
