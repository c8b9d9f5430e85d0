import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { PipelineAlarms } from '../constructs/alarms/alarms.ts';
import { Dashboard } from '../constructs/dashboard.ts';
import { DataEvents } from '../constructs/data-events.ts';
import { Schedule } from '../constructs/schedule.ts';
import { SecondChannel } from '../constructs/second-channel.ts';
import { SpendWatch } from '../constructs/spend-watch.ts';
import { AuditExportPipeline } from '../pipelines/audit-export.ts';
import { BackfillPipeline } from '../pipelines/backfill.ts';
import { CanaryPipeline } from '../pipelines/canary.ts';
import { CrmTicketsPipeline } from '../pipelines/crm-tickets.ts';
import { ExpectedFilesPipeline } from '../pipelines/expected-files.ts';
import { HelpDeskPipeline } from '../pipelines/help-desk.ts';
import { TRIGGERS } from '../pipelines/index.ts';
import { MaintenancePipeline } from '../pipelines/maintenance.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import { ReconciliationPipeline } from '../pipelines/reconciliation.ts';
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
    const { config, data, pipelines } = props;
    const secondChannel = new SecondChannel(this, 'SecondChannel', { config });
    new CfnOutput(this, 'SecondChannelTopicArn', { value: secondChannel.topic.topicArn });

    const { landing, lake, audit, tickets } = data;
    const backfill = new BackfillPipeline(this, 'Backfill', {
      config,
      landing,
      lake,
      prefixes: TRIGGERS.filter(({ machine }) => machine === undefined).map(({ prefix }) => prefix),
    });
    new CfnOutput(this, 'BackfillStateMachineArn', { value: backfill.stateMachine.arn });

    const canary = config.canary.enabled
      ? [new CanaryPipeline(this, 'Canary', { config, landing, lake, audit, tickets, secondChannel })]
      : [];
    for (const { stateMachine } of canary) {
      new CfnOutput(this, 'CanaryStateMachineArn', { value: stateMachine.arn });
    }

    const reconciliation = new ReconciliationPipeline(this, 'Reconciliation', {
      config,
      landing,
      lake,
      audit,
      tickets,
      ...(data.warehouse && { warehouse: data.warehouse }),
      changes: pipelines.changes,
      triggers: pipelines.triggers,
      loads: pipelines.stateMachine('warehouse-load'),
    });
    new CfnOutput(this, 'ReconciliationStateMachineArn', { value: reconciliation.stateMachine.arn });

    const maintenance = new MaintenancePipeline(this, 'Maintenance', {
      config,
      lake,
      audit,
      ...(data.warehouse && { warehouse: data.warehouse }),
    });
    new CfnOutput(this, 'MaintenanceStateMachineArn', { value: maintenance.stateMachine.arn });

    const auditExport = config.reconciliation.auditExport
      ? [new AuditExportPipeline(this, 'AuditExport', { config, lake, audit })]
      : [];
    for (const { stateMachine } of auditExport) {
      new CfnOutput(this, 'AuditExportStateMachineArn', { value: stateMachine.arn });
    }
    if (config.reconciliation.dataEvents) new DataEvents(this, 'DataEvents', { config, landing, lake });

    const expectedFiles = new ExpectedFilesPipeline(this, 'ExpectedFiles', { config, audit });
    new CfnOutput(this, 'ExpectedFilesStateMachineArn', { value: expectedFiles.stateMachine.arn });

    // Pipelines of this stack: their failed executions are incidents too.
    const working: readonly Pipeline[] = [
      backfill,
      reconciliation,
      maintenance,
      expectedFiles,
      ...auditExport,
      ...canary,
    ];
    const helpDesk = new HelpDeskPipeline(this, 'HelpDesk', {
      config,
      tickets: data.tickets,
      audit: data.audit,
      secondChannel,
      dashboardName: Dashboard.nameIn(this),
      // One that others start fails those.
      stateMachines: [...pipelines.pipelines, ...working]
        .filter(({ partOf }) => partOf === undefined)
        .flatMap(({ stateMachine }) => stateMachine ?? []),
    });
    reconciliation.tells(helpDesk.incidents);
    for (const pipeline of pipelines.pipelines) {
      if (pipeline instanceof CrmTicketsPipeline) pipeline.schedule(this, config);
    }
    // A new schedule starts at once: what it tells, and a canary's failure, would be lost without somebody who listens.
    for (const construct of this.node.findAll()) {
      if (construct instanceof Schedule) construct.node.addDependency(helpDesk);
    }
    const operations: readonly Pipeline[] = [...working, helpDesk];
    const watched = {
      config,
      pipelines: pipelines.pipelines,
      operations,
      // A trigger with another pipeline's machine is the canary's.
      files: TRIGGERS.filter(({ machine }) => machine === undefined).map(({ pipeline }) => pipeline),
      tables: [
        { pipeline: 'recorder', name: 'Audit', table: data.audit.table },
        { pipeline: 'ocr', name: 'Jobs', table: data.jobs.table },
      ],
    };
    const { alarms } = new PipelineAlarms(this, { ...watched, secondChannel });
    new Dashboard(this, 'Dashboard', { ...watched, alarms });
    new CfnOutput(this, 'DashboardName', { value: Dashboard.nameIn(this) });
    new CfnOutput(this, 'ObjectiveShare', { value: String(config.objectives.share) });
    new CfnOutput(this, 'ObjectiveMinutes', { value: String(config.objectives.minutes) });
    new SpendWatch(this, 'SpendWatch', { config, secondChannel });
  }
}
