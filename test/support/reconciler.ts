import { QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
} from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import type { Account } from './account.ts';
import type { TestRuntime } from './runtime.ts';

const Found = z.object({
  found: z.number(),
  repaired: z.number(),
  again: z.number(),
  examples: z.array(z.string()),
});
const Summary = z.looseObject({
  Run: z.string(),
  Unaccounted: z.number(),
  Report: z.string(),
  RowsFailure: z.string().optional(),
  Totals: z.record(z.string(), z.record(z.string(), z.number())),
  Mismatches: z.record(z.string(), Found),
});
export type Summary = z.output<typeof Summary>;

/** The reconciliation of a deployment, started by hand as people do it. */
export class Reconciler {
  readonly #test: TestRuntime;
  readonly #account: Account;
  readonly machine: string;

  constructor(test: TestRuntime, account: Account) {
    this.#test = test;
    this.#account = account;
    this.machine = test.deployment.output('ReconciliationStateMachineArn');
  }

  /** Runs it without grace, and answers its summary. */
  async run(input: Record<string, unknown> = {}): Promise<Summary> {
    const arn = await this.start({ graceMinutes: 0, ...input });
    return this.finished(arn);
  }

  async start(input: Record<string, unknown>): Promise<string> {
    const { executionArn = '' } = await this.#account.sfn.send(
      new StartExecutionCommand({ stateMachineArn: this.machine, input: JSON.stringify(input) }),
    );
    return executionArn;
  }

  /** The summary of a run, once its first execution and all that go on for it have ended. */
  async finished(executionArn: string): Promise<Summary> {
    const run = executionArn.split(':').at(-1) ?? '';
    for (let part = 1; ; part++) {
      const arn = part === 1 ? executionArn : `${executionArn}-part${part}`;
      const { status, output, error, cause } = await this.#account.until(`the end of ${arn}`, async () => {
        const execution = await this.#account.sfn.send(new DescribeExecutionCommand({ executionArn: arn }));
        return execution.status !== 'RUNNING' && execution;
      });
      if (status !== 'SUCCEEDED') throw new Error(`${arn} is ${status}: ${error} ${cause}`);
      if (JSON.parse(output ?? '{}').outcome !== 'CONTINUED') break;
    }
    const summary = (await this.summaries()).find(({ Run }) => Run === run);
    if (!summary) throw new Error(`${run} left no summary.`);
    return summary;
  }

  /** Summaries of all runs, in their order. */
  async summaries(): Promise<Summary[]> {
    const { Items = [] } = await this.#account.dynamo.send(
      new QueryCommand({
        TableName: this.#test.deployment.auditTable,
        KeyConditionExpression: 'pk = :key AND sk < :current',
        ExpressionAttributeValues: { ':key': { S: 'RECONCILIATION' }, ':current': { S: 'CURRENT' } },
      }),
    );
    return Items.map((item) => Summary.parse(plain({ M: item })));
  }

  /** The lines of a run's report. */
  async report({ Report }: Summary): Promise<Record<string, unknown>[]> {
    const text = await this.#account.text(this.#account.lake, Report);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** Does something while a bucket tells nobody of its objects. */
  async unheard<T>(bucket: string, work: () => Promise<T>): Promise<T> {
    const { s3 } = this.#account;
    const { $metadata: _, ...configuration } = await s3.send(
      new GetBucketNotificationConfigurationCommand({ Bucket: bucket }),
    );
    const configure = (NotificationConfiguration: object) =>
      s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: bucket, NotificationConfiguration }));
    await configure({});
    try {
      return await work();
    } finally {
      await configure(configuration);
    }
  }
}

/** A value of DynamoDB as plain JSON. */
function plain(value: object): unknown {
  const [[type, content] = []] = Object.entries(value);
  if (type === 'M') return Object.fromEntries(Object.entries(content).map(([k, v]) => [k, plain(Object(v))]));
  if (type === 'L') return content.map(plain);
  return type === 'N' ? Number(content) : content;
}
