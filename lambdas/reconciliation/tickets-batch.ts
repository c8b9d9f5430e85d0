import { type AttributeValue, type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { TICKETS } from '../help-desk/contract.ts';
import { plainOf } from '../shared/audit.ts';
import { sendAll } from '../shared/messages.ts';
import { parse } from '../shared/parse.ts';
import { FileId } from '../shared/schemas.ts';
import { currentItems } from './audit-items.ts';
import type { Batch, Progress } from './batch.ts';
import { executionOf, statusChange } from './executions.ts';
import { claim } from './repairs.ts';

export interface TicketsDependencies {
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly sfn: Pick<SFNClient, 'send'>;
  readonly sqs: Pick<SQSClient, 'send'>;
  readonly auditTable: string;
  readonly ticketsTable: string;
  readonly incidentsQueueUrl: string;
}

/** Tickets, or members of one, that one batch looks at. */
const PAGE = 100;

/** Where a listing begins: the keys of the item before. */
const After = z.record(z.string(), z.string());
type After = z.output<typeof After>;

/** The ticket whose members are looked at, and those behind it on the same page. */
const Cursor = z.object({
  tickets: z.array(z.string()),
  /** Member after which the first ticket goes on. */
  member: z.optional(After),
  /** Ticket after which the listing goes on; none after its last page. */
  next: z.optional(After),
});
type Cursor = z.output<typeof Cursor>;

const Ticket = z.looseObject({ pk: z.string() });
const Member = z.looseObject({ Member: z.optional(z.string()), At: z.string() });

/** Looks at the next page of open tickets, or at the next page of one's members. */
export async function reconcileTickets(batch: Batch, dependencies: TicketsDependencies): Promise<Progress> {
  if (batch.cursor === undefined) return listTickets(undefined, dependencies);
  const { tickets, member, next } = parse(Cursor, batch.cursor, 'cursor');
  const [ticket, ...later] = tickets;
  if (ticket === undefined) return next ? listTickets(next, dependencies) : { cursor: null };
  const page = await query(dependencies, member, {
    KeyConditionExpression: 'pk = :ticket AND begins_with(sk, :member)',
    ExpressionAttributeValues: { ':ticket': { S: ticket }, ':member': { S: 'MEMBER#' } },
  });
  // Members that are over have left the attribute of the index.
  const waiting = page.items.map((item) => parse(Member, item, 'member of a ticket'));
  await endWhatIsOver(waiting, batch, dependencies);
  const cursor: Cursor = page.next
    ? { tickets, member: page.next, ...(next && { next }) }
    : { tickets: later, ...(next && { next }) };
  return { cursor };
}

async function listTickets(after: After | undefined, dependencies: TicketsDependencies): Promise<Progress> {
  const { name, partitionKey } = TICKETS.byState;
  const { items, next } = await query(dependencies, after, {
    IndexName: name,
    KeyConditionExpression: '#state = :open',
    ExpressionAttributeNames: { '#state': partitionKey },
    ExpressionAttributeValues: { ':open': { S: 'OPEN' } },
  });
  const tickets = items.map((item) => parse(Ticket, item, 'ticket').pk);
  const cursor: Cursor = { tickets, ...(next && { next }) };
  return { cursor };
}

async function query(
  { dynamo, ticketsTable }: TicketsDependencies,
  after: After | undefined,
  input: Omit<ConstructorParameters<typeof QueryCommand>[0], 'TableName'>,
): Promise<{ items: Record<string, unknown>[]; next: After | undefined }> {
  const { Items = [], LastEvaluatedKey } = await dynamo.send(
    new QueryCommand({
      TableName: ticketsTable,
      Limit: PAGE,
      ...(after && { ExclusiveStartKey: keyOf(after) }),
      ...input,
    }),
  );
  return {
    items: Items.map(plainOf),
    next: LastEvaluatedKey && parse(After, plainOf(LastEvaluatedKey), 'key of a ticket'),
  };
}

const keyOf = (after: After): Record<string, AttributeValue> =>
  Object.fromEntries(Object.entries(after).map(([name, value]) => [name, { S: value }]));

/** Tells the help desk of files and loads whose latest execution ended well after they were waited for. */
async function endWhatIsOver(
  members: readonly z.output<typeof Member>[],
  batch: Batch,
  dependencies: TicketsDependencies,
): Promise<void> {
  const { dynamo, sfn, sqs, auditTable, incidentsQueueUrl } = dependencies;
  const waiting = new Map(
    members.flatMap(({ Member: id, At }) => (z.safeParse(FileId, id).success && id ? [[id, At]] : [])),
  );
  const items = await currentItems(dynamo, auditTable, [...waiting.keys()]);
  const messages: string[] = [];
  for (const [id, { Status, Timestamp = '', ExecutionArn, FileName }] of items) {
    const isOver = Status !== 'FAILED' && Timestamp > (waiting.get(id) ?? '');
    const isLate = batch.now - Date.parse(Timestamp) >= batch.graceSeconds * 1000;
    if (!isOver || !isLate || !ExecutionArn) continue;
    const execution = await executionOf(sfn, ExecutionArn);
    if (execution?.status !== 'SUCCEEDED') continue;
    const answer = await claim(id, 'ticket-behind', FileName ?? id, { ...dependencies, ...batch });
    batch.ledger.found('ticket-behind', answer, id);
    if (answer !== 'waiting') messages.push(statusChange(execution));
  }
  await sendAll(sqs, incidentsQueueUrl, messages);
}
