import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { TICKETS } from '../../lambdas/help-desk/contract.ts';
import type { Config } from '../config.ts';
import { keptTable } from './kept-table.ts';
import type { NodeFunction } from './node-function.ts';

/** The tickets of the help desk: what each incident is about, its history, and what every desk has of it. */
export class TicketsTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: { readonly config: Config }) {
    super(scope, id);
    this.table = keptTable(this, props.config, TICKETS, [TICKETS.byState, TICKETS.byMember]);
  }

  /** Lets a function look up tickets, and tells it the table. */
  grantRead(fn: NodeFunction): void {
    fn.permit({ actions: ['dynamodb:GetItem'], resources: [this.table.tableArn] });
    fn.addEnvironment('TICKETS_TABLE', this.table.tableName);
  }

  /** Lets a function ask an index, or the table itself where none is named, and tells it the table. */
  grantQuery(fn: NodeFunction, index?: string): void {
    const { tableArn, tableName } = this.table;
    fn.permit({
      actions: ['dynamodb:Query'],
      resources: [index === undefined ? tableArn : `${tableArn}/index/${index}`],
    });
    fn.addEnvironment('TICKETS_TABLE', tableName);
  }

  /** Lets a function keep tickets, and tells it the table. */
  grantKeep(fn: NodeFunction): void {
    const { tableArn, tableName } = this.table;
    fn.permit({
      actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
      resources: [tableArn],
    });
    fn.permit({ actions: ['dynamodb:Query'], resources: [`${tableArn}/index/${TICKETS.byState.name}`] });
    fn.addEnvironment('TICKETS_TABLE', tableName);
  }
}
