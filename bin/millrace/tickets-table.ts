import { type AttributeValue, paginateQuery } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import { TICKETS, type TicketState } from '../../lambdas/help-desk/contract.ts';
import type { Deployment } from './deployment.ts';

const Desk = z.looseObject({
  Provider: z.string(),
  Id: z.string().optional(),
  Url: z.string().optional(),
  State: z.string(),
  UpdatedAt: z.string().optional(),
  Failure: z
    .looseObject({
      Name: z.string(),
      Message: z.string(),
      At: z.string().optional(),
      Count: z.number().optional(),
    })
    .optional(),
});

const Ticket = z.looseObject({
  pk: z.string(),
  Key: z.string(),
  State: z.enum(['OPEN', 'RESOLVED']),
  Severity: z.string(),
  Pipeline: z.string(),
  Title: z.string(),
  Summary: z.string(),
  Runbook: z.string(),
  Count: z.number(),
  Members: z.number().default(0),
  FirstAt: z.string(),
  LastAt: z.string(),
  ResolvedAt: z.string().optional(),
  Generation: z.number(),
  Command: z.string().optional(),
  ExecutionArn: z.string().optional(),
  Desks: z.record(z.string(), Desk).default({}),
});

/** The current item of a ticket. */
export type TicketItem = z.output<typeof Ticket>;

/** Tickets of a state, the latest first. */
export async function ticketsIn(
  { dynamo, table }: Pick<Deployment, 'dynamo'> & { readonly table: string },
  state: TicketState,
  limit = Number.POSITIVE_INFINITY,
): Promise<TicketItem[]> {
  const found: TicketItem[] = [];
  const pages = paginateQuery(
    { client: dynamo },
    {
      TableName: table,
      IndexName: TICKETS.byState.name,
      KeyConditionExpression: '#k = :k',
      ExpressionAttributeNames: { '#k': TICKETS.byState.partitionKey },
      ExpressionAttributeValues: { ':k': { S: state } },
      ScanIndexForward: false,
    },
  );
  for await (const { Items = [] } of pages) {
    found.push(...Items.map((item) => Ticket.parse(unmarshall(item))));
    if (found.length >= limit) break;
  }
  return Number.isFinite(limit) ? found.slice(0, limit) : found;
}

/** Everything the table holds of a ticket, as plain JSON: members, then history, in order. */
export async function rowsOf(
  { dynamo, table }: Pick<Deployment, 'dynamo'> & { readonly table: string },
  ticketId: string,
): Promise<Record<string, unknown>[]> {
  const rows: Record<string, AttributeValue>[] = [];
  const pages = paginateQuery(
    { client: dynamo },
    {
      TableName: table,
      KeyConditionExpression: '#k = :k',
      ExpressionAttributeNames: { '#k': TICKETS.partitionKey },
      ExpressionAttributeValues: { ':k': { S: ticketId } },
    },
  );
  for await (const { Items = [] } of pages) rows.push(...Items);
  return rows.map((row) => unmarshall(row));
}
