import * as z from 'zod/mini';
import type { Severity } from '../../shared/contract.ts';
import type { HttpClient } from '../../shared/http/client.ts';
import { fixed } from '../../shared/http/credentials.ts';
import { cut } from '../../shared/unicode.ts';
import type { DeskTicket, Provider, Ticket } from '../contract.ts';
import { address, connectionOf, text } from './connection.ts';
import { createDesk } from './desk.ts';
import { blocksOf, type Change, factsOf, plain, titleOf } from './text.ts';

/** `apiKey` is that of an API integration of a team or of Operations, not an API token of a person. */
const Connection = z.object({ url: z._default(address, 'https://api.atlassian.com'), apiKey: text });

const Accepted = z.object({ result: z.string(), requestId: text });

const PRIORITY: Readonly<Record<Severity, string>> = {
  critical: 'P1',
  error: 'P2',
  warning: 'P3',
  info: 'P5',
};

/** Characters that the fields of an alert take (https://support.atlassian.com/jira-service-management-cloud/docs/alert-fields/). */
const LONGEST = { message: 130, description: 15_000, note: 15_000, tag: 50 } as const;

/**
 * Alerts of Jira Service Management Operations
 * (https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events/), authorised by
 * the key of an API integration.
 *
 * The alias is the ticket: while an alert is open, creating it again only counts it up. Every request is carried out
 * later: the answer says that it was taken. A closed alert stays closed, and creating it again opens a new alert of
 * the same alias.
 */
export function jsm(connection: unknown, http: HttpClient): Provider {
  const { url, apiKey } = connectionOf('Jira Service Management', Connection, connection);
  const desk = createDesk({
    name: 'Jira Service Management',
    http,
    credentials: fixed({ authorization: `GenieKey ${apiKey}` }),
    secrets: [apiKey],
  });
  const alerts = `${url}/jsm/ops/integration/v2/alerts`;
  const say = (ticket: Ticket, change: Change, most: number) => inert(plain(blocksOf(ticket, change), most));

  async function post(target: string, json: unknown): Promise<void> {
    desk.read(Accepted, await desk.call({ method: 'POST', url: target, json }));
  }

  async function create(ticket: Ticket, change: Change): Promise<DeskTicket> {
    await post(alerts, {
      message: inert(titleOf(ticket, LONGEST.message)),
      alias: ticket.externalId,
      description: say(ticket, change, LONGEST.description),
      tags: ['millrace', cut(ticket.pipeline, LONGEST.tag), ticket.severity],
      details: Object.fromEntries(factsOf(ticket).map(({ label, value }) => [label, inert(value)])),
      entity: ticket.pipeline,
      source: 'Millrace',
      priority: PRIORITY[ticket.severity],
    });
    return { id: ticket.externalId };
  }

  const action = (id: string, name: 'notes' | 'close') =>
    `${alerts}/${encodeURIComponent(id)}/${name}?identifierType=alias`;

  return {
    open: (ticket) => create(ticket, 'open'),
    update: (ticket, { id }) =>
      post(action(id, 'notes'), { note: say(ticket, 'update', LONGEST.note), source: 'Millrace' }),
    resolve: (ticket, { id }) =>
      post(action(id, 'close'), { note: say(ticket, 'resolve', LONGEST.note), source: 'Millrace' }),
    reopen: (ticket) => create(ticket, 'reopen'),
  };
}

/** Alerts show HTML. Escaped, it would read badly in notifications, which do not. */
function inert(words: string): string {
  return words.replaceAll('<', '‹').replaceAll('>', '›');
}
