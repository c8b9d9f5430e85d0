import * as z from 'zod/mini';
import type { HttpClient } from '../../shared/http/client.ts';
import { cut } from '../../shared/unicode.ts';
import type { DeskTicket, Provider, Ticket } from '../contract.ts';
import { address, connectionOf, text } from './connection.ts';
import { createDesk } from './desk.ts';
import { type Change, factsOf, isWeb, LEAD, linksOf, summaryOf, titleOf } from './text.ts';

/** `routingKey` is the key of an Events API v2 integration. Accounts in Europe are at https://events.eu.pagerduty.com. */
const Connection = z.object({ url: z._default(address, 'https://events.pagerduty.com'), routingKey: text });

const Accepted = z.object({ status: z.literal('success'), dedup_key: text });

/** Longest `payload.summary`, characters. */
const LONGEST_SUMMARY = 1_024;

/**
 * PagerDuty incidents by the Events API v2 (https://developer.pagerduty.com/docs/send-alert-event), authorised by the
 * routing key in the body.
 *
 * `dedup_key` is the ticket: while its alert is open, triggering again only adds to its log. Once it is resolved, a
 * trigger opens a new incident of the same key.
 */
export function pagerduty(connection: unknown, http: HttpClient): Provider {
  const { url, routingKey } = connectionOf('PagerDuty', Connection, connection);
  const desk = createDesk({ name: 'PagerDuty', http, secrets: [routingKey] });

  async function enqueue(event: Record<string, unknown>): Promise<void> {
    const answer = await desk.call({
      method: 'POST',
      url: `${url}/v2/enqueue`,
      json: { routing_key: routingKey, ...event },
    });
    desk.read(Accepted, answer);
  }

  async function trigger(ticket: Ticket, change: Change): Promise<DeskTicket> {
    const { externalId, pipeline, severity, command, lastAt } = ticket;
    const links = linksOf(ticket);
    const web = links.filter(isWeb);
    await enqueue({
      event_action: 'trigger',
      dedup_key: externalId,
      client: 'Millrace',
      ...(web[0] ? { client_url: web[0].url } : {}),
      links: web.map(({ label, url: href }) => ({ href, text: label })),
      payload: {
        summary: cut(`${titleOf(ticket)}. ${LEAD[change]}${summaryOf(ticket)}`, LONGEST_SUMMARY),
        source: `Millrace ${pipeline}`,
        severity,
        timestamp: lastAt,
        component: pipeline,
        group: 'Millrace',
        custom_details: {
          ...Object.fromEntries(factsOf(ticket).map(({ label, value }) => [label, value])),
          ...(command ? { 'To mend it': command } : {}),
          ...Object.fromEntries(
            links.filter((link) => !isWeb(link)).map(({ label, url: path }) => [label, path]),
          ),
        },
      },
    });
    return { id: externalId };
  }

  return {
    open: (ticket) => trigger(ticket, 'open'),
    update: async (ticket) => {
      await trigger(ticket, 'update');
    },
    resolve: (_ticket, { id }) => enqueue({ event_action: 'resolve', dedup_key: id }),
    reopen: (ticket) => trigger(ticket, 'reopen'),
  };
}
