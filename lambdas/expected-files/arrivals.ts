import { type DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { RECONCILIATION_KEY } from '../reconciliation/contract.ts';
import { currentKey } from '../shared/audit.ts';
import { AUDIT } from '../shared/contract.ts';
import { inLanes } from '../shared/lanes.ts';

const DAY_MS = 86_400_000;
/** Questions at once. */
const LANES = 16;
/** The reconciliation knows since when a prefix is watched as a day before it was. */
const WATCHED_BACK_MS = DAY_MS;

export interface ArrivalsDependencies {
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly auditTable: string;
}

/** Since when files of each pipeline are watched, milliseconds since 1970; what is not there is not watched yet. */
export async function watchedSince({
  dynamo,
  auditTable,
}: ArrivalsDependencies): Promise<(pipeline: string) => number | undefined> {
  const { Item } = await dynamo.send(
    new GetItemCommand({ TableName: auditTable, Key: currentKey(RECONCILIATION_KEY) }),
  );
  return (pipeline) => {
    const since = Item?.[`Watched ${pipeline}/`]?.S;
    return since === undefined ? undefined : Date.parse(since) + WATCHED_BACK_MS;
  };
}

/** When files of a pipeline landed between two moments, whatever became of them; milliseconds since 1970. */
export async function arrivalsOf(
  pipeline: string,
  from: number,
  to: number,
  { dynamo, auditTable }: ArrivalsDependencies,
): Promise<number[]> {
  const partitions: string[] = [];
  // The index has a file below the day of its latest change, which is not before it landed.
  for (let day = Math.floor(from / DAY_MS) * DAY_MS; day <= to; day += DAY_MS) {
    const name = `${pipeline}#${new Date(day).toISOString().slice(0, 10)}`;
    for (let shard = 0; shard < AUDIT.shards; shard++) partitions.push(`${name}#${shard.toString(16)}`);
  }
  const found = await inLanes(LANES, partitions, async (partition) => {
    const times: number[] = [];
    let next: QueryCommand['input']['ExclusiveStartKey'];
    do {
      const page = await dynamo.send(
        new QueryCommand({
          TableName: auditTable,
          IndexName: AUDIT.byPipeline.name,
          KeyConditionExpression: '#partition = :partition',
          ProjectionExpression: 'ReceivedAt',
          ExpressionAttributeNames: { '#partition': AUDIT.byPipeline.partitionKey },
          ExpressionAttributeValues: { ':partition': { S: partition } },
          ExclusiveStartKey: next,
        }),
      );
      times.push(...(page.Items ?? []).map(({ ReceivedAt }) => Date.parse(ReceivedAt?.S ?? '')));
      next = page.LastEvaluatedKey;
    } while (next);
    return times;
  });
  return found.flat().filter((time) => time > from && time <= to);
}
