import { Stack } from 'aws-cdk-lib';
import { Alarm, type IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EventField, Match, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { SecondChannel } from '../second-channel.ts';
import { tagPipeline } from '../tags.ts';
import { CATALOGUE } from './catalogue.ts';
import { combine, combinedAlarms } from './combined.ts';
import type { Kind, Watch, Watched } from './kind.ts';
import { ALARMS, alarmDescription, HELP_DESK, pascalCase } from './names.ts';

export interface PipelineAlarmsProps extends Watched {
  readonly secondChannel: SecondChannel;
}

/**
 * Every alarm of the deployment. Those that open tickets act on nothing: EventBridge tells the help desk of every change
 * of an alarm, and a rule goes by their names.
 */
export class PipelineAlarms {
  readonly alarms: readonly IAlarm[];

  constructor(scope: Construct, props: PipelineAlarmsProps) {
    const { config, secondChannel, files } = props;
    const { helpDesk } = config;
    const tickets = new Construct(scope, ALARMS.tickets);
    const second = new Construct(scope, ALARMS.secondChannel);
    const windows = new Construct(scope, ALARMS.windows);

    const single = (kind: Kind, watch: Watch): IAlarm => {
      const { pipeline, part = '' } = watch;
      const isHelpDesk = pipeline === HELP_DESK.pipeline;
      const toSecond = kind.channel === 'second' || isHelpDesk;
      const [last, breaching] = watch.periods ?? kind.periods ?? [1, 1];
      const alarm = new Alarm(toSecond ? second : tickets, `${pascalCase(pipeline)}${kind.name}${part}`, {
        alarmDescription: alarmDescription({
          ...kind,
          ...watch,
          ...(isHelpDesk && { runbook: HELP_DESK.runbook }),
          runbookUrl: helpDesk.runbookUrl,
        }),
        metric: watch.metric,
        threshold: watch.threshold,
        comparisonOperator: kind.comparison,
        evaluationPeriods: last,
        datapointsToAlarm: breaching,
        treatMissingData: kind.missing,
      });
      if (toSecond) {
        alarm.addAlarmAction(new SnsAction(secondChannel.topic));
      }
      tagPipeline(alarm, pipeline, config);
      return alarm;
    };

    // No action for OK: after a deployment each alarm would tell that it is well, which it has always been.
    new Rule(scope, 'SecondChannelAlarmOver', {
      description: 'Alarms of the second channel that are over.',
      eventPattern: {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change'],
        detail: {
          alarmName: Match.prefix(`${Stack.of(scope).stackName}-${ALARMS.secondChannel}`),
          state: { value: ['OK'] },
          previousState: { value: ['ALARM'] },
        },
      },
      targets: [
        new SnsTopic(secondChannel.topic, {
          message: RuleTargetInput.fromText(
            `Over: ${EventField.fromPath('$.detail.alarmName')} is OK again. ${EventField.fromPath('$.detail.state.reason')}`,
          ),
        }),
      ],
    });

    this.alarms = [
      ...CATALOGUE.flatMap((kind) => kind.watches(props).map((watch) => single(kind, watch))),
      ...files.flatMap((pipeline) =>
        combinedAlarms(pipeline, config).map((combined) => {
          const id = `${pascalCase(pipeline)}${combined.name}`;
          const description = alarmDescription({ ...combined, runbookUrl: helpDesk.runbookUrl });
          const [alarm, ...parts] = combine(tickets, windows, id, combined, description);
          for (const each of [alarm, ...parts]) tagPipeline(each, pipeline, config);
          return alarm;
        }),
      ),
    ];
  }
}
