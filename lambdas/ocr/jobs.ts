import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { attributes } from '../shared/audit.ts';
import { isNamed, SupersededAttempt } from '../shared/errors.ts';
import { OCR_JOBS } from './contract.ts';

/** Who waits for a file's text, and the job that reads it. */
export interface Job {
  readonly taskToken: string;
  readonly executionName: string;
  /** Missing until Textract told it. */
  readonly jobId?: string | undefined;
  /** A job that failed and was replaced; its completions mean nothing any more. */
  readonly abandonedJobId?: string | undefined;
}

/** The table of asynchronous jobs, one row for each file. */
export interface Jobs {
  /**
   * Makes the token of this attempt the one to answer; answers what the row holds now.
   * @throws SupersededAttempt when a newer attempt has done so
   */
  claim(fileId: string, taskToken: string, executionName: string): Promise<Job>;
  /** Remembers the job that was started. */
  started(fileId: string, jobId: string): Promise<void>;
  /** Forgets a job that failed, so that a completion of the next one cannot be taken for news of an old one. */
  abandon(fileId: string, jobId: string): Promise<void>;
  find(fileId: string): Promise<Job | undefined>;
}

/** `<file id>`, `-r<rerun>`, `-ocr-<redrive of the parent>` */
const EXECUTION_NAME = /^[0-9a-f]{64}(?:-r(?<rerun>\d+))?-ocr-(?<redrive>\d+)$/;

/** Orders the attempts at one file: reruns, and within them redrives. */
export function attemptOf(executionName: string): number {
  const { rerun = '1', redrive = '0' } = EXECUTION_NAME.exec(executionName)?.groups ?? {};
  return Number(rerun) * 10_000 + Number(redrive);
}

/** @param now milliseconds since the epoch */
export function dynamoJobs(
  dynamo: Pick<DynamoDBClient, 'send'>,
  table: string,
  now: () => number = Date.now,
): Jobs {
  const keyOf = (fileId: string) => attributes({ [OCR_JOBS.partitionKey]: fileId });
  return {
    async claim(fileId, taskToken, executionName) {
      try {
        const { Attributes } = await dynamo.send(
          new UpdateItemCommand({
            TableName: table,
            Key: keyOf(fileId),
            UpdateExpression:
              'SET #taskToken = :taskToken, #executionName = :executionName, #attempt = :attempt, #expiresAt = :expiresAt',
            ConditionExpression: 'attribute_not_exists(#attempt) OR #attempt <= :attempt',
            ExpressionAttributeNames: {
              '#taskToken': 'taskToken',
              '#executionName': 'executionName',
              '#attempt': 'attempt',
              '#expiresAt': OCR_JOBS.timeToLive,
            },
            ExpressionAttributeValues: attributes({
              ':taskToken': taskToken,
              ':executionName': executionName,
              ':attempt': attemptOf(executionName),
              ':expiresAt': Math.floor(now() / 1000) + OCR_JOBS.keptSeconds,
            }),
            ReturnValues: 'ALL_NEW',
          }),
        );
        return { taskToken, executionName, ...jobIdsOf(Attributes) };
      } catch (error) {
        if (!isNamed(error, 'ConditionalCheckFailedException')) throw error;
        throw new SupersededAttempt(`${executionName} is an older attempt; a newer one reads the file.`);
      }
    },
    async started(fileId, jobId) {
      await dynamo.send(
        new UpdateItemCommand({
          TableName: table,
          Key: keyOf(fileId),
          UpdateExpression: 'SET #jobId = :jobId',
          ExpressionAttributeNames: { '#jobId': 'jobId' },
          ExpressionAttributeValues: attributes({ ':jobId': jobId }),
        }),
      );
    },
    async abandon(fileId, jobId) {
      await dynamo.send(
        new UpdateItemCommand({
          TableName: table,
          Key: keyOf(fileId),
          UpdateExpression: 'SET #abandoned = :jobId REMOVE #jobId',
          ExpressionAttributeNames: { '#abandoned': 'abandonedJobId', '#jobId': 'jobId' },
          ExpressionAttributeValues: attributes({ ':jobId': jobId }),
        }),
      );
    },
    async find(fileId) {
      const { Item } = await dynamo.send(
        new GetItemCommand({ TableName: table, Key: keyOf(fileId), ConsistentRead: true }),
      );
      if (!Item?.taskToken?.S) return undefined;
      return { taskToken: Item.taskToken.S, executionName: Item.executionName?.S ?? '', ...jobIdsOf(Item) };
    },
  };
}

function jobIdsOf(
  item: Record<string, { S?: string | undefined }> | undefined,
): Pick<Job, 'jobId' | 'abandonedJobId'> {
  return { jobId: item?.jobId?.S, abandonedJobId: item?.abandonedJobId?.S };
}
