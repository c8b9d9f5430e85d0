import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { attributes } from '../shared/audit.ts';
import { METRIC } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { NotYet } from '../shared/task-worker.ts';
import { OCR_JOBS, OCR_SPEND } from './contract.ts';

/** What is to be handed to Textract. */
export interface Handing {
  readonly fileId: string;
  readonly executionName: string;
  readonly pages: number;
}

export interface SpendGuard {
  /** @throws SpendCeilingReached when the day's spend is reached; nothing is handed over until the next */
  admit(handing: Handing): Promise<void>;
}

/** The day's spend on OCR is reached. The document waits in its queue, and its execution is told so. */
export class SpendCeilingReached extends NotYet {
  override readonly name = 'SpendCeilingReached';
  override readonly metric = METRIC.spendCeilingReached;
}

export interface SpendOptions {
  readonly table: string;
  /** Spend in a day (UTC) at which admission stops, USD. */
  readonly ceilingUsd: number;
  readonly usdPerPage: number;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
  /** 0 ≤ n < 1. @default Math.random */
  readonly random?: () => number;
}

const DAY_SECONDS = 24 * 3600;

/**
 * Counts what is estimated to be spent on OCR in a day, in one item for the day, and stops at a ceiling. The document that
 * reaches it is still read, because otherwise one that costs more than a whole day's ceiling never were: a day's spend
 * is over the ceiling by one document at most.
 *
 * An execution is counted once: the file's item says for which one it was, so that a document that Textract throttled
 * is admitted when it comes again. The counter moves before that is noted. A crash between the two, or the same message
 * twice at once, counts the document twice; so the guard errs by stopping early, never by spending more.
 */
export function dynamoSpend(dynamo: Pick<DynamoDBClient, 'send'>, options: SpendOptions): SpendGuard {
  const { table: TableName, ceilingUsd, usdPerPage, now = Date.now, random = Math.random } = options;
  const keyOf = (pk: string) => attributes({ [OCR_JOBS.partitionKey]: pk });
  const expiry = () => Math.floor(now() / 1000) + OCR_JOBS.keptSeconds;

  const isCounted = async ({ fileId, executionName }: Handing): Promise<boolean> => {
    const { Item } = await dynamo.send(
      new GetItemCommand({ TableName, Key: keyOf(fileId), ConsistentRead: true }),
    );
    return Item?.[OCR_SPEND.countedFor]?.S === executionName;
  };

  const count = async ({ pages }: Handing): Promise<void> => {
    const day = new Date(now()).toISOString().slice(0, 10);
    try {
      await dynamo.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf(`${OCR_SPEND.prefix}${day}`),
          UpdateExpression: 'ADD #usd :usd SET #expiresAt = :expiresAt',
          ConditionExpression: 'attribute_not_exists(#usd) OR #usd < :ceiling',
          ExpressionAttributeNames: { '#usd': OCR_SPEND.usd, '#expiresAt': OCR_JOBS.timeToLive },
          ExpressionAttributeValues: attributes({
            ':usd': pages * usdPerPage,
            ':ceiling': ceilingUsd,
            ':expiresAt': expiry(),
          }),
        }),
      );
    } catch (error) {
      if (!isNamed(error, 'ConditionalCheckFailedException')) throw error;
      throw new SpendCeilingReached(
        `The ceiling of $${ceilingUsd} for OCR on ${day} (UTC) is reached; documents wait until the next day.`,
        waitSeconds(now(), random()),
      );
    }
  };

  const note = async ({ fileId, executionName }: Handing): Promise<void> => {
    await dynamo.send(
      new UpdateItemCommand({
        TableName,
        Key: keyOf(fileId),
        UpdateExpression: 'SET #countedFor = :executionName, #expiresAt = :expiresAt',
        ExpressionAttributeNames: {
          '#countedFor': OCR_SPEND.countedFor,
          '#expiresAt': OCR_JOBS.timeToLive,
        },
        ExpressionAttributeValues: attributes({ ':executionName': executionName, ':expiresAt': expiry() }),
      }),
    );
  };

  return {
    async admit(handing) {
      if (await isCounted(handing)) return;
      await count(handing);
      await note(handing);
    },
  };
}

/**
 * Seconds until a waiting document is looked at again: some minutes into the next day (UTC), not all at once, and no
 * longer than its execution waits without a sign.
 * @param now milliseconds since the epoch
 * @param chance 0 ≤ n < 1
 */
export function waitSeconds(now: number, chance: number): number {
  const toNextDay = DAY_SECONDS - (Math.floor(now / 1000) % DAY_SECONDS);
  return Math.ceil(Math.min(toNextDay + chance * OCR_SPEND.spreadSeconds, OCR_SPEND.longestWaitSeconds));
}
