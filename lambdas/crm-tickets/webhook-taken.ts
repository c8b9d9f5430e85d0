import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { attributes } from '../shared/audit.ts';
import { SOURCES_TABLE, webhookKey } from './contract.ts';

/** How long an event is known: long after its signature has expired and Zendesk has given up, seconds. */
const KNOWN_SECONDS = 24 * 3600;

/** Events of the webhook that were taken, in the table of sources. */
export class TakenEvents {
  readonly #dynamo: Pick<DynamoDBClient, 'send'>;
  readonly #table: string;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(dynamo: Pick<DynamoDBClient, 'send'>, table: string, now: () => number) {
    this.#dynamo = dynamo;
    this.#table = table;
    this.#now = now;
  }

  async has(eventId: string): Promise<boolean> {
    const { Item } = await this.#dynamo.send(
      new GetItemCommand({ TableName: this.#table, Key: keyOf(eventId), ConsistentRead: true }),
    );
    return Item !== undefined;
  }

  async add(eventId: string): Promise<void> {
    const expires = Math.floor(this.#now() / 1000) + KNOWN_SECONDS;
    await this.#dynamo.send(
      new PutItemCommand({
        TableName: this.#table,
        Item: { ...keyOf(eventId), ...attributes({ [SOURCES_TABLE.timeToLive]: expires }) },
      }),
    );
  }
}

const keyOf = (eventId: string) => {
  const { pk, sk } = webhookKey(eventId);
  return attributes({ [SOURCES_TABLE.partitionKey]: pk, [SOURCES_TABLE.sortKey]: sk });
};
