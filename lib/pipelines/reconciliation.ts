import { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { TICKETS } from '../../lambdas/help-desk/contract.ts';
import {
  RECONCILIATION_KEY,
  RECONCILIATION_PREFIX,
  type ReconciliationSettings,
} from '../../lambdas/reconciliation/contract.ts';
import { AUDIT, LAKE } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import type { AuditTable } from '../constructs/audit-table.ts';
import { grantPutIncident } from '../constructs/incidents.ts';
import type { Lake } from '../constructs/lake.ts';
import type { LandingZone } from '../constructs/landing-zone.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { Schedule } from '../constructs/schedule.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import { deadLetterQueue, type TaskQueue } from '../constructs/task-queue.ts';
import type { TicketsTable } from '../constructs/tickets-table.ts';
import { type Warehouse, warehouseSubstitutions } from '../constructs/warehouse.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface ReconciliationPipelineProps extends PipelineProps {
  readonly landing: LandingZone;
  readonly lake: Lake;
  readonly audit: AuditTable;
  readonly tickets: TicketsTable;
  /** Left out, there are no rows to compare. */
  readonly warehouse?: Warehouse;
  /** Status changes for the recorder. */
  readonly changes: TaskQueue;
  /** Prefix of the landing bucket → pipeline of the files below it, and the state machine that runs for each. */
  readonly triggers: ReadonlyMap<string, { readonly pipeline: string; readonly stateMachine: StateMachine }>;
  /** The state machine of loads. */
  readonly loads: StateMachine;
}

/** Runs without which a repair still counts as the last one's. */
const RUNS_REMEMBERED = 3;

/** Finds what was lost between bucket, audit table, Step Functions, warehouse and help desk, and puts it right. */
export class ReconciliationPipeline extends Construct implements Pipeline {
  readonly pipeline = 'reconciliation';
  readonly functions: readonly NodeFunction[];
  readonly stateMachine: StateMachine;
  readonly queues = [];
  readonly deadLetters: readonly IQueue[];
  readonly #telling: readonly NodeFunction[];

  constructor(scope: Construct, id: string, props: ReconciliationPipelineProps) {
    super(scope, id);
    const { config, landing, lake, audit, tickets, warehouse, changes, triggers, loads } = props;
    const { pipeline } = this;
    const step = (name: string, file: string, description: string) => {
      const fn = new NodeFunction(this, name, {
        config,
        pipeline,
        entry: `lambdas/reconciliation/${file}.ts`,
        description,
        timeout: Duration.minutes(5),
        memory: 512,
      });
      fn.addEnvironment('RECONCILIATION', JSON.stringify(settingsOf(config)));
      audit.grantReconcile(fn);
      lake.grantRead(fn, RECONCILIATION_PREFIX.work);
      lake.grantWrite(fn, RECONCILIATION_PREFIX.work);
      return fn;
    };
    const machines = new Set([...triggers.values()].map(({ stateMachine }) => stateMachine));

    const failed = step('Loads', 'loads', 'Runs failed loads again, and records what was lost about loads.');
    audit.grantQuery(failed, AUDIT.byPipeline.name);
    tickets.grantQuery(failed, TICKETS.byMember.name);
    changes.grantSend(failed, 'CHANGES_QUEUE_URL');
    loads.grantList(failed);
    loads.grantDescribe(failed);
    grantStartLoad(failed, loads);
    lake.grantRead(failed, LAKE.manifests);

    const landed = step('Landing', 'landing', 'Compares the landing bucket with the audit table.');
    landing.grantListVersions(landed, ...triggers.keys());
    landing.grantTell(landed);
    // Since when each prefix is watched.
    audit.grantUpdate(landed);
    changes.grantSend(landed, 'CHANGES_QUEUE_URL');
    tickets.grantQuery(landed, TICKETS.byMember.name);
    for (const machine of machines) machine.grantDescribe(landed);
    grantReload(landed, lake, loads);
    const byPrefix = JSON.stringify(
      Object.fromEntries(
        [...triggers].map(([prefix, { pipeline: name, stateMachine }]) => [
          prefix,
          { pipeline: name, stateMachineArn: stateMachine.arn },
        ]),
      ),
    );
    landed.addEnvironment('TRIGGERS', byPrefix);

    const open = step('Tickets', 'tickets', 'Compares open tickets with the audit table.');
    tickets.grantQuery(open, TICKETS.byState.name);
    tickets.grantQuery(open);
    for (const machine of [...machines, loads]) machine.grantDescribe(open);

    const rows = step('Rows', 'rows', 'Compares curated records with the rows of the warehouse.');
    grantReload(rows, lake, loads);
    rows.addEnvironment('WAREHOUSE_SCHEMA', config.warehouse.schema);

    const report = new NodeFunction(this, 'Report', {
      config,
      pipeline,
      entry: 'lambdas/reconciliation/report.ts',
      description: 'Writes the report of a run.',
      timeout: Duration.minutes(5),
      memory: 512,
    });
    audit.grantRecord(report);
    lake.grantRead(report, RECONCILIATION_PREFIX.work);
    lake.grantWrite(report, RECONCILIATION_PREFIX.report);
    report.addEnvironment('TRIGGERS', byPrefix);
    grantPutIncident(report);

    this.functions = [failed, landed, rows, open, report];
    this.#telling = [failed, landed, open];
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline,
      substitutions: {
        LoadsFunctionArn: failed.functionArn,
        LandingFunctionArn: landed.functionArn,
        RowsFunctionArn: rows.functionArn,
        TicketsFunctionArn: open.functionArn,
        ReportFunctionArn: report.functionArn,
        AuditTable: audit.table.tableName,
        ReconciliationKey: RECONCILIATION_KEY,
        ...warehouseSubstitutions(warehouse),
        PollSeconds: `${config.warehouse.pollSeconds}`,
      },
      invokes: this.functions,
      startsItself: true,
      permissions: [
        { actions: ['dynamodb:GetItem'], resources: [audit.table.tableArn] },
        ...(warehouse?.statementPermissions ?? []),
      ],
    });

    const missed = deadLetterQueue(this, 'DeadLetters');
    this.deadLetters = [missed];
    new Schedule(this, 'Schedule', {
      description: 'Runs the reconciliation.',
      every: Duration.hours(config.reconciliation.everyHours),
      stateMachine: this.stateMachine,
      input: { scheduled: true },
      flexibleMinutes: 15,
      deadLetters: missed,
    });
  }

  /** Lets it tell the help desk what it missed. */
  tells(incidents: TaskQueue): void {
    for (const fn of this.#telling) incidents.grantSend(fn, 'INCIDENTS_QUEUE_URL');
  }
}

function settingsOf({ reconciliation, warehouse }: Config): ReconciliationSettings {
  const { graceMinutes, everyHours } = reconciliation;
  return {
    graceSeconds: graceMinutes * 60,
    batchSeconds: warehouse.batchSeconds,
    againSeconds: RUNS_REMEMBERED * everyHours * 3600 + graceMinutes * 60,
  };
}

function grantStartLoad(fn: NodeFunction, loads: StateMachine): void {
  loads.grantStart(fn);
  fn.addEnvironment('LOAD_STATE_MACHINE_ARN', loads.arn);
}

/** Lets a function load curated records anew. */
function grantReload(fn: NodeFunction, lake: Lake, loads: StateMachine): void {
  lake.grantRead(fn, LAKE.curated);
  lake.grantTellMissing(fn, LAKE.curated);
  lake.grantWrite(fn, LAKE.manifests);
  grantStartLoad(fn, loads);
}
