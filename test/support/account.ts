import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, GetItemCommand, paginateQuery, paginateScan } from '@aws-sdk/client-dynamodb';
import {
  BatchExecuteStatementCommand,
  DescribeStatementCommand,
  ExecuteStatementCommand,
  paginateGetStatementResult,
  RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import {
  type ExecutionListItem,
  type HistoryEvent,
  ListExecutionsCommand,
  paginateGetExecutionHistory,
  paginateListExecutions,
  paginateListStateMachines,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, paginateListQueues, SQSClient } from '@aws-sdk/client-sqs';
import { changed, type TestRuntime } from './runtime.ts';

/** Outputs of the stacks that name the state machines. */
const MACHINES = {
  'document-ingestion': 'DocumentIngestionStateMachineArn',
  ocr: 'OcrStateMachineArn',
  sentiment: 'SentimentStateMachineArn',
  'warehouse-load': 'WarehouseLoadStateMachineArn',
} as const;
export type PipelineName = keyof typeof MACHINES;
export const PIPELINES = Object.keys(MACHINES) as PipelineName[];

/** One row of the audit table's history. */
export interface AuditRow {
  readonly eventId: string;
  readonly status: string;
  readonly fileName: string;
  readonly timestamp: string;
}

/** Messages of a queue, wherever they are. */
export interface QueueDepth {
  readonly url: string;
  readonly messages: number;
}

/** A deployment as a person with administrator's rights sees it: everything is asked through the AWS SDK. */
export class Account {
  readonly #test: TestRuntime;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly sfn: SFNClient;
  readonly dynamo: DynamoDBClient;
  readonly #redshift: RedshiftDataClient;
  readonly #logs: CloudWatchLogsClient;

  constructor(test: TestRuntime) {
    this.#test = test;
    this.s3 = new S3Client(test.client);
    this.sqs = new SQSClient(test.client);
    this.sfn = new SFNClient(test.client);
    this.dynamo = new DynamoDBClient(test.client);
    this.#redshift = new RedshiftDataClient(test.client);
    this.#logs = new CloudWatchLogsClient(test.client);
  }

  get landing(): string {
    return this.#test.deployment.landingBucket;
  }

  get lake(): string {
    return this.#test.deployment.output('LakeBucketName');
  }

  /** `<schema>.documents` */
  get documents(): string {
    return `${this.#test.deployment.output('WarehouseSchema')}.documents`;
  }

  machine(pipeline: PipelineName): string {
    return this.#test.deployment.output(MACHINES[pipeline]);
  }

  /** Asks again at each change of an execution, and now and then, until there is an answer. */
  async until<T>(what: string, ask: () => Promise<T | undefined | false>, seconds = 180): Promise<T> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      if (Date.now() > deadline) throw new Error(`Waited ${seconds} s in vain: ${what}.`);
      await changed(this.#test.runtime);
    }
  }

  /** Executions of a pipeline, those of one file or load when `id` is given. */
  async executions(pipeline: PipelineName, id = ''): Promise<ExecutionListItem[]> {
    const pages = paginateListExecutions({ client: this.sfn }, { stateMachineArn: this.machine(pipeline) });
    const found = (await all(pages)).flatMap((page) => page.executions ?? []);
    return found.filter(({ name }) => name?.startsWith(id));
  }

  async history(executionArn: string | undefined): Promise<HistoryEvent[]> {
    const pages = paginateGetExecutionHistory(
      { client: this.sfn },
      { executionArn, includeExecutionData: true, maxResults: 1000 },
    );
    return (await all(pages)).flatMap((page) => page.events ?? []);
  }

  /** What happened to a file or load, in order. */
  async auditRows(id: string): Promise<AuditRow[]> {
    const pages = paginateQuery(
      { client: this.dynamo },
      {
        TableName: this.#test.deployment.auditTable,
        KeyConditionExpression: 'pk = :id',
        ExpressionAttributeValues: { ':id': { S: id } },
      },
    );
    return (await all(pages))
      .flatMap((page) => page.Items ?? [])
      .filter(({ sk }) => sk?.S !== 'CURRENT')
      .map((item) => ({
        eventId: item.EventId?.S ?? '',
        status: item.Status?.S ?? '',
        fileName: item.FileName?.S ?? '',
        timestamp: item.Timestamp?.S ?? '',
      }));
  }

  /** Status of the current item of a file or load. */
  async status(id: string): Promise<string | undefined> {
    const { Item } = await this.dynamo.send(
      new GetItemCommand({
        TableName: this.#test.deployment.auditTable,
        Key: { pk: { S: id }, sk: { S: 'CURRENT' } },
      }),
    );
    return Item?.Status?.S;
  }

  /** Runs a statement in the warehouse and answers its rows. */
  async sql(Sql: string): Promise<unknown[][]> {
    const { Id } = await this.#redshift.send(
      new ExecuteStatementCommand({
        WorkgroupName: this.#test.deployment.output('WarehouseWorkgroupName'),
        Database: this.#test.deployment.output('WarehouseDatabase'),
        Sql,
      }),
    );
    const { HasResultSet } = await this.until(`the result of ${Sql}`, async () => {
      const statement = await this.#redshift.send(new DescribeStatementCommand({ Id }));
      if (statement.Status === 'FAILED') throw new Error(`${Sql}: ${statement.Error}`);
      return statement.Status === 'FINISHED' && statement;
    });
    if (!HasResultSet) return [];
    const pages = await all(paginateGetStatementResult({ client: this.#redshift }, { Id }));
    const records = pages.flatMap((page) => page.Records ?? []);
    return records.map((row) => row.map((field) => (field.isNull ? null : Object.values(field)[0])));
  }

  /** Starts a transaction in the warehouse, and answers once it runs. */
  async transaction(Sqls: readonly string[]): Promise<void> {
    const { deployment } = this.#test;
    const { Id } = await this.#redshift.send(
      new BatchExecuteStatementCommand({
        WorkgroupName: deployment.output('WarehouseWorkgroupName'),
        Database: deployment.output('WarehouseDatabase'),
        Sqls: [...Sqls],
      }),
    );
    await this.until('a transaction', async () => {
      const { Status, Error: reason } = await this.#redshift.send(new DescribeStatementCommand({ Id }));
      if (Status === 'FAILED') throw new Error(reason);
      return Status === 'STARTED' || Status === 'FINISHED';
    });
  }

  /** How many rows of the warehouse each file has. */
  async rowsByFile(): Promise<Map<string, number>> {
    const rows = await this.sql(`SELECT file_id, COUNT(*) FROM ${this.documents} GROUP BY file_id`);
    return new Map(rows.map(([id, count]) => [String(id), Number(count)]));
  }

  async keys(Bucket: string, Prefix = ''): Promise<string[]> {
    const pages = paginateListObjectsV2({ client: this.s3 }, { Bucket, Prefix });
    return (await all(pages)).flatMap((page) => (page.Contents ?? []).map(({ Key = '' }) => Key));
  }

  async bytes(Bucket: string, Key: string): Promise<Buffer> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async text(bucket: string, key: string): Promise<string> {
    return (await this.bytes(bucket, key)).toString('utf8');
  }

  /** Reads what an `s3://` address names. */
  textAt(uri: string): Promise<string> {
    const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    return this.text(bucket, key);
  }

  /** Every line that functions and state machines have logged. */
  async logLines(groups: readonly string[]): Promise<string[]> {
    const lines: string[] = [];
    for (const logGroupName of groups) {
      for await (const page of paginateFilterLogEvents({ client: this.#logs }, { logGroupName })) {
        lines.push(...(page.events ?? []).map(({ message = '' }) => message));
      }
    }
    return lines;
  }

  /** What the tickets table says of tickets that have been open, but for those of alarms. */
  async tickets(TableName: string): Promise<{ pk: string; Key: string; State: string }[]> {
    const pages = await all(paginateScan({ client: this.dynamo }, { TableName }));
    return pages
      .flatMap((page) => page.Items ?? [])
      .filter(({ sk, State, Source }) => sk?.S === 'CURRENT' && State && Source?.S !== 'alarm')
      .map(({ pk, Key, State }) => ({ pk: pk?.S ?? '', Key: Key?.S ?? '', State: State?.S ?? '' }));
  }

  /** Every queue of the account: messages that can be received, are in flight, or are delayed. */
  async queues(): Promise<QueueDepth[]> {
    const pages = await all(paginateListQueues({ client: this.sqs }, { MaxResults: 100 }));
    return Promise.all(
      pages
        .flatMap((page) => page.QueueUrls ?? [])
        .map(async (url) => {
          const { Attributes = {} } = await this.sqs.send(
            new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...COUNTS] }),
          );
          return { url, messages: COUNTS.reduce((sum, name) => sum + Number(Attributes[name]), 0) };
        }),
    );
  }

  /**
   * Waits until every queue is empty; fails at once when something is in a dead-letter queue. What the help desk has put
   * off may wait.
   */
  async drained(): Promise<void> {
    await this.until('an account without a message in any queue', async () => {
      const left = (await this.queues()).filter(({ messages }) => messages > 0);
      const dead = left.filter(({ url }) => /DeadLetters/i.test(url));
      if (dead.length > 0) throw new Error(`Dead letters: ${JSON.stringify(dead)}`);
      return left.every(({ url }) => /HelpDesk/.test(url));
    });
  }

  /**
   * Waits until nothing changes by itself any more: no queue but those of dead letters and of the help desk, where
   * messages may wait for long, holds a message, and no execution runs unless what it waits for is a dead letter.
   */
  async rested(seconds = 300): Promise<void> {
    let calm = 0;
    await this.until(
      'an account at rest',
      async () => {
        const left = (await this.queues()).filter(({ messages }) => messages > 0);
        const isDead = ({ url }: QueueDepth) => /DeadLetters/i.test(url);
        const isBusy = left.some((queue) => !isDead(queue) && !/HelpDesk/.test(queue.url));
        calm = isBusy || (!left.some(isDead) && (await this.#isRunning())) ? 0 : calm + 1;
        // A message may just have been taken from one queue and not be in the next yet.
        return calm > 2;
      },
      seconds,
    );
  }

  async #isRunning(): Promise<boolean> {
    const pages = await all(paginateListStateMachines({ client: this.sfn }, {}));
    for (const { stateMachineArn } of pages.flatMap((page) => page.stateMachines ?? [])) {
      const { executions = [] } = await this.sfn.send(
        new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', maxResults: 1 }),
      );
      if (executions.length > 0) return true;
    }
    return false;
  }

  /** URL of the only queue whose name holds the text. */
  async queueUrl(part: string): Promise<string> {
    const found = (await this.queues()).filter(({ url }) => url.toLowerCase().includes(part.toLowerCase()));
    const [only] = found;
    if (!only || found.length > 1) throw new Error(`${found.length} queues are named like ${part}.`);
    return only.url;
  }
}

async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(page);
  return found;
}

const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;
