import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { AUDIT } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import { keptTable } from './kept-table.ts';
import type { NodeFunction } from './node-function.ts';

/** The current state of every file, and everything that happened to it. */
export class AuditTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: { readonly config: Config }) {
    super(scope, id);
    this.table = keptTable(this, props.config, AUDIT, [AUDIT.byStatus, AUDIT.byPipeline, AUDIT.byFileName]);
  }

  /** Lets a function look up what is known of a file, and tells it the table. */
  grantRead(fn: NodeFunction): void {
    fn.permit({ actions: ['dynamodb:GetItem'], resources: [this.table.tableArn] });
    fn.addEnvironment('AUDIT_TABLE', this.table.tableName);
  }

  /** Lets a function compare what is known of many files, and claim what it repairs; and tells it the table. */
  grantReconcile(fn: NodeFunction): void {
    fn.permit({
      actions: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem'],
      resources: [this.table.tableArn],
    });
    fn.addEnvironment('AUDIT_TABLE', this.table.tableName);
  }

  /** Lets a function change items. */
  grantUpdate(fn: NodeFunction): void {
    fn.permit({ actions: ['dynamodb:UpdateItem'], resources: [this.table.tableArn] });
  }

  /** Lets a function ask an index. */
  grantQuery(fn: NodeFunction, index: string): void {
    fn.permit({ actions: ['dynamodb:Query'], resources: [`${this.table.tableArn}/index/${index}`] });
  }

  /** Lets a function record what happened, and tells it the table. It can neither read nor delete. */
  grantRecord(fn: NodeFunction): void {
    fn.permit({
      actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem'],
      resources: [this.table.tableArn],
    });
    fn.addEnvironment('AUDIT_TABLE', this.table.tableName);
  }
}
