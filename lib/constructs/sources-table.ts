import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { SOURCES_TABLE } from '../../lambdas/crm-tickets/contract.ts';
import type { Config } from '../config.ts';
import { keptTable } from './kept-table.ts';
import type { NodeFunction } from './node-function.ts';
import type { Permission } from './permissions.ts';

/** Where the export of each source is, which execution is at it, and which pages are fetched and not loaded. */
export class SourcesTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: { readonly config: Config }) {
    super(scope, id);
    this.table = keptTable(this, props.config, SOURCES_TABLE);
  }

  /** Lets a function move cursors, and tells it the table. */
  grantFetch(fn: NodeFunction): void {
    this.#grant(fn, 'dynamodb:UpdateItem', 'dynamodb:PutItem');
  }

  /** Lets a function take claims, and tells it the table. */
  grantClaim(fn: NodeFunction): void {
    this.#grant(fn, 'dynamodb:UpdateItem');
  }

  /** For the role of a state machine that gives cursors back. */
  get giveBackPermission(): Permission {
    return { actions: ['dynamodb:UpdateItem'], resources: [this.table.tableArn] };
  }

  /** Lets a function see which pages wait, and tells it the table. */
  grantQuery(fn: NodeFunction): void {
    this.#grant(fn, 'dynamodb:Query');
  }

  /** Lets a function take pages out that are loaded, and tells it the table. */
  grantSettle(fn: NodeFunction): void {
    this.#grant(fn, 'dynamodb:DeleteItem');
  }

  /** Lets a function note which events of the webhook were taken, and tells it the table. */
  grantNoteEvents(fn: NodeFunction): void {
    this.#grant(fn, 'dynamodb:GetItem', 'dynamodb:PutItem');
  }

  #grant(fn: NodeFunction, ...actions: string[]): void {
    fn.permit({ actions, resources: [this.table.tableArn] });
    fn.addEnvironment('SOURCES_TABLE', this.table.tableName);
  }
}
