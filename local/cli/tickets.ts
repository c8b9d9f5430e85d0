import { z } from 'zod';
import type { Runtime } from '../runtime.ts';
import type { Deployment } from './deployment.ts';
import { pause } from './pause.ts';
import type { Progress } from './progress.ts';
import { grid } from './report.ts';

const ADMINISTRATOR = { kind: 'administrator' } as const;
const POLL_MS = 300;

const Executions = z.object({ executions: z.array(z.object({ executionArn: z.string() })) });
const Started = z.object({ executionArn: z.string() });
const Execution = z.object({
  status: z.string(),
  error: z.string().optional(),
  cause: z.string().optional(),
});

/**
 * Fetches the tickets of the CRM on this machine, and waits until they are in the warehouse. Where the schedule has
 * begun with it already, that run is waited for.
 * @returns whether it came true; also where there is no CRM
 */
export async function fetchTickets(
  { context, crm }: Runtime,
  deployment: Deployment,
  progress: Progress,
  signal: AbortSignal,
): Promise<boolean> {
  if (!crm) return true;
  const call = (operation: string, input: Record<string, unknown>) =>
    context.call('states', operation, input, ADMINISTRATOR);
  const stateMachineArn = deployment.output('CrmTicketsStateMachineArn');
  const listed = await call('ListExecutions', { stateMachineArn, statusFilter: 'RUNNING' });
  const [running] = Executions.parse(listed).executions;
  progress.note(
    `Fetching the tickets of the CRM at ${crm.url} and analysing their texts, about half a minute …`,
  );
  const { executionArn } =
    running ?? Started.parse(await call('StartExecution', { stateMachineArn, input: '{}' }));
  for (;;) {
    const { status, error, cause } = Execution.parse(await call('DescribeExecution', { executionArn }));
    if (status === 'SUCCEEDED') return true;
    if (status !== 'RUNNING') {
      progress.note(`The tickets were not fetched: ${error ?? status}: ${cause ?? ''}`);
      return false;
    }
    if (signal.aborted) return false;
    await pause(POLL_MS, signal);
  }
}

/** What the customers who write most are worth, and how they feel: documents, tickets and sales in one question. */
const questionOf = (
  schema: string,
) => `SELECT s.customer_id, s.orders, s.revenue, t.tickets, t.open_tickets, t.ticket_mood, d.documents, d.document_mood
FROM (SELECT customer_id, COUNT(DISTINCT order_id) AS orders, SUM(quantity * unit_price) AS revenue
      FROM ${schema}.sales GROUP BY customer_id) AS s
JOIN (SELECT customer_id, COUNT(*) AS tickets, SUM(CASE WHEN is_open THEN 1 ELSE 0 END) AS open_tickets,
             ROUND(AVG(sentiment_score), 2) AS ticket_mood
      FROM ${schema}.tickets GROUP BY customer_id) AS t ON t.customer_id = s.customer_id
LEFT JOIN (SELECT customer_id, COUNT(*) AS documents, MIN(sentiment) AS document_mood
           FROM ${schema}.documents GROUP BY customer_id) AS d ON d.customer_id = s.customer_id
ORDER BY d.documents DESC NULLS LAST, t.tickets DESC, s.customer_id
LIMIT 5`;

/** Asks the warehouse that, and answers question and answer for people. */
export async function joined(deployment: Deployment): Promise<string> {
  const question = questionOf(deployment.output('WarehouseSchema'));
  const { columns, rows } = await deployment.ask(question);
  const titles = columns.map((title, i) => ({
    title,
    right: rows.some((row) => typeof row[i] === 'number'),
  }));
  const body = rows.map((row) => row.map((value) => String(value ?? '')));
  return `${question}\n\n${grid(titles, body)}`;
}
