import { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { DATASETS } from '../../datasets/index.ts';
import {
  COMPACT_MEMORY_MB,
  compactionPrefix,
  MAINTENANCE_PREFIX,
  type MaintenanceSettings,
} from '../../lambdas/maintenance/contract.ts';
import { LAKE, publicationPrefix } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import type { AuditTable } from '../constructs/audit-table.ts';
import type { Lake } from '../constructs/lake.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { Schedule } from '../constructs/schedule.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import { deadLetterQueue } from '../constructs/task-queue.ts';
import { type Warehouse, warehouseSubstitutions } from '../constructs/warehouse.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface MaintenancePipelineProps extends PipelineProps {
  readonly lake: Lake;
  readonly audit: AuditTable;
  /** Left out, there are no rows to delete but the lake's. */
  readonly warehouse?: Warehouse;
}

const MIB = 1024 ** 2;
/** Where publications lie. */
const PUBLICATIONS = [LAKE.curated, LAKE.published] as const;

/** Folders of the datasets whose rows are not kept for ever. */
const LIMITED = Object.values(DATASETS)
  .filter(({ retentionDays }) => retentionDays !== undefined)
  .map(
    ({ name, origin }) =>
      ({
        loaded: `${LAKE.loaded}${name}/`,
        compactions: compactionPrefix(name),
        sources:
          origin === 'records' ? (`${LAKE.curated}${name}/` as const) : publicationPrefix(origin, name),
        hasPublications: origin !== 'records',
      }) as const,
  );

/** Makes few files of many small ones, and deletes what has been kept long enough, once a night. */
export class MaintenancePipeline extends Construct implements Pipeline {
  readonly pipeline = 'maintenance';
  readonly functions: readonly NodeFunction[];
  readonly stateMachine: StateMachine;
  readonly queues = [];
  readonly deadLetters: readonly IQueue[];

  constructor(scope: Construct, id: string, props: MaintenancePipelineProps) {
    super(scope, id);
    const { config, lake, audit, warehouse } = props;
    const { pipeline } = this;
    const { compaction, work, report } = MAINTENANCE_PREFIX;
    const step = (name: string, description: string, memory = 512) =>
      new NodeFunction(this, name, {
        config,
        pipeline,
        entry: `lambdas/maintenance/${name.toLowerCase()}.ts`,
        description,
        timeout: Duration.minutes(15),
        memory,
      });
    const settings = JSON.stringify(settingsOf(config));

    const plan = step('Plan', 'Notes which partitions of the lake have many small files.');
    lake.grantList(plan, LAKE.loaded);
    lake.grantRead(plan, compaction);
    lake.grantTellMissing(plan, compaction);
    lake.grantWrite(plan, work);
    plan.addEnvironment('MAINTENANCE', settings);

    const look = step('Look', 'Puts the small files of a partition that readers see into groups.', 1024);
    lake.grantList(look, LAKE.loaded);
    lake.grantRead(look, LAKE.loaded, compaction, ...PUBLICATIONS);
    lake.grantTellMissing(look, compaction, ...PUBLICATIONS);
    lake.grantWrite(look, work);
    look.addEnvironment('MAINTENANCE', settings);

    const compact = step(
      'Compact',
      'Writes one file of a group’s, and compares what it holds.',
      COMPACT_MEMORY_MB,
    );
    lake.grantRead(compact, LAKE.loaded, compaction, work);
    lake.grantTellMissing(compact, compaction);
    lake.grantWrite(compact, LAKE.loaded);

    const swap = step('Swap', 'Shows a compacted file instead of those that it replaces.');
    lake.grantRead(swap, compaction, work);
    lake.grantTellMissing(swap, compaction);
    lake.grantWrite(swap, compaction, work);

    const remove = step(
      'Delete',
      'Deletes files that compaction has replaced, and files that nobody published.',
      1024,
    );
    lake.grantList(remove, LAKE.loaded, compaction, ...PUBLICATIONS);
    lake.grantRead(remove, LAKE.loaded, compaction, work, ...PUBLICATIONS);
    lake.grantTellMissing(remove, compaction, work, ...PUBLICATIONS);
    lake.grantWrite(remove, compaction, work);
    lake.grantDelete(remove, LAKE.loaded);
    audit.grantRead(remove);
    remove.addEnvironment('MAINTENANCE', settings);

    const expired = step('Expired', 'Says which datasets hold rows whose retention is over.');
    lake.grantList(expired, ...LIMITED.map(({ loaded }) => loaded));
    expired.addEnvironment('WAREHOUSE_SCHEMA', config.warehouse.schema);

    const retain = step('Retain', 'Deletes what the lake holds beyond its retention.', 1024);
    const limited = LIMITED.flatMap(({ loaded, compactions, sources }) => [loaded, compactions, sources]);
    lake.grantList(retain, ...limited);
    lake.grantDelete(retain, ...limited);
    lake.grantRead(
      retain,
      ...LIMITED.flatMap(({ hasPublications, sources }) => (hasPublications ? [sources] : [])),
    );
    lake.grantWrite(retain, work);

    const tell = step('Report', 'Adds up a run and writes its report.');
    lake.grantList(tell, work);
    lake.grantRead(tell, work);
    lake.grantWrite(tell, report);

    this.functions = [plan, look, compact, swap, remove, expired, retain, tell];
    const { bucket } = lake;
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline,
      substitutions: {
        PlanFunctionArn: plan.functionArn,
        LookFunctionArn: look.functionArn,
        CompactFunctionArn: compact.functionArn,
        SwapFunctionArn: swap.functionArn,
        DeleteFunctionArn: remove.functionArn,
        ExpiredFunctionArn: expired.functionArn,
        RetainFunctionArn: retain.functionArn,
        ReportFunctionArn: tell.functionArn,
        LakeBucket: bucket.bucketName,
        WorkPrefix: work,
        ...warehouseSubstitutions(warehouse),
        PollSeconds: `${config.warehouse.pollSeconds}`,
      },
      invokes: this.functions,
      distributedMaps: ['Partitions'],
      permissions: [
        {
          actions: ['s3:ListBucket'],
          resources: [bucket.bucketArn],
          conditions: { StringLike: { 's3:prefix': `${work}*` } },
        },
        {
          // What the result writer does (developer guide, "IAM policies for ResultWriter").
          actions: ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
          resources: [bucket.arnForObjects(`${work}*`)],
          wildcardReason: 'Writes results below a folder that is named after the run and the Map Run.',
        },
        ...(warehouse?.commandPermissions ?? []),
      ],
    });

    const missed = deadLetterQueue(this, 'DeadLetters');
    this.deadLetters = [missed];
    new Schedule(this, 'Schedule', {
      description: 'Looks after the lake, at night.',
      cron: { hour: `${config.maintenance.hour}`, minute: '0' },
      stateMachine: this.stateMachine,
      flexibleMinutes: 15,
      deadLetters: missed,
    });
  }
}

function settingsOf({ maintenance }: Config): MaintenanceSettings {
  const { compactAboveFiles, targetMib, keepHours } = maintenance;
  return { compactAboveFiles, targetBytes: targetMib * MIB, keepSeconds: keepHours * 3600 };
}
