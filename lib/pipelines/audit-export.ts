import { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { AUDIT_EXPORT } from '../../lambdas/reconciliation/contract.ts';
import type { AuditTable } from '../constructs/audit-table.ts';
import type { Lake } from '../constructs/lake.ts';
import { Schedule } from '../constructs/schedule.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import { deadLetterQueue } from '../constructs/task-queue.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface AuditExportPipelineProps extends PipelineProps {
  readonly lake: Lake;
  readonly audit: AuditTable;
}

/** Keeps the audit table's history in the lake for as long as somebody may ask, a day at a time. */
export class AuditExportPipeline extends Construct implements Pipeline {
  readonly pipeline = 'audit-export';
  readonly functions = [];
  readonly stateMachine: StateMachine;
  readonly queues = [];
  readonly deadLetters: readonly IQueue[];

  constructor(scope: Construct, id: string, props: AuditExportPipelineProps) {
    super(scope, id);
    const { config, lake, audit } = props;
    const { bucket } = lake;
    const { tableArn, tableName } = audit.table;
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline: this.pipeline,
      substitutions: {
        AuditTable: tableName,
        TableArn: tableArn,
        LakeBucket: bucket.bucketName,
        Prefix: AUDIT_EXPORT.prefix.replace(/\/$/, ''),
        ExportKey: AUDIT_EXPORT.key,
        PollSeconds: '5',
      },
      permissions: [
        {
          actions: ['dynamodb:ExportTableToPointInTime', 'dynamodb:GetItem', 'dynamodb:PutItem'],
          resources: [tableArn],
        },
        {
          actions: ['dynamodb:DescribeExport'],
          resources: [`${tableArn}/export/*`],
          wildcardReason: 'Follows its own exports, to which DynamoDB gives names.',
        },
        {
          // DynamoDB writes as whoever asked for the export (developer guide, "Requesting a table export in DynamoDB").
          actions: ['s3:AbortMultipartUpload', 's3:PutObject', 's3:PutObjectAcl'],
          resources: [bucket.arnForObjects(`${AUDIT_EXPORT.prefix}*`)],
          wildcardReason: 'DynamoDB names the files of an export.',
        },
      ],
    });
    const missed = deadLetterQueue(this, 'DeadLetters');
    this.deadLetters = [missed];
    new Schedule(this, 'Schedule', {
      description: 'Exports the changes of the audit table.',
      every: Duration.hours(24),
      stateMachine: this.stateMachine,
      flexibleMinutes: 60,
      deadLetters: missed,
    });
  }
}
