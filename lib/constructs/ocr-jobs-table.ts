import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { OCR_JOBS } from '../../lambdas/ocr/contract.ts';
import type { Config } from '../config.ts';
import { keptTable } from './kept-table.ts';
import type { NodeFunction } from './node-function.ts';

/** Asynchronous OCR jobs that are under way: which job reads which file, and which task token waits for it. */
export class OcrJobsTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: { readonly config: Config }) {
    super(scope, id);
    this.table = keptTable(this, props.config, OCR_JOBS);
  }

  /** Lets a function note who waits for a file and which job reads it, and tells it the table. */
  grantKeep(fn: NodeFunction): void {
    this.#grant(fn, 'dynamodb:UpdateItem');
  }

  /** Lets a function find who waits for a file, and tells it the table. */
  grantFind(fn: NodeFunction): void {
    this.#grant(fn, 'dynamodb:GetItem');
  }

  #grant(fn: NodeFunction, action: string): void {
    fn.permit({ actions: [action], resources: [this.table.tableArn] });
    fn.addEnvironment('OCR_JOBS_TABLE', this.table.tableName);
  }
}
