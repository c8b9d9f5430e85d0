import * as z from 'zod/mini';
import type { Severity } from '../../shared/contract.ts';
import type { HttpClient } from '../../shared/http/client.ts';
import { type AccessToken, oauth } from '../../shared/http/credentials.ts';
import type { DeskTicket, Provider, Ticket } from '../contract.ts';
import { DeskUnavailable, TicketGone } from '../errors.ts';
import { address, connectionOf, text } from './connection.ts';
import { type Answer, createDesk } from './desk.ts';
import { html } from './html.ts';
import { blocksOf, type Change, titleOf } from './text.ts';

/** `clientId` and `clientSecret` are those of a confidential OAuth client whose owner is an agent. */
const Connection = z.object({ url: address, clientId: text, clientSecret: text });

const Token = z.object({ access_token: text, expires_in: z.optional(z.nullable(z.number())) });
const TicketBody = z.object({ id: z.number(), status: z.string() });
const TicketAnswer = z.object({ ticket: TicketBody });
const Assigned = z.object({
  ticket: z.object({ submitter_id: z.number(), assignee_id: z.nullable(z.number()) }),
});
const TicketsAnswer = z.object({ tickets: z.array(TicketBody) });

const PRIORITY: Readonly<Record<Severity, string>> = {
  critical: 'urgent',
  error: 'high',
  warning: 'normal',
  info: 'low',
};

/**
 * Zendesk tickets (https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/), authorised by OAuth client
 * credentials (https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/).
 *
 * Opening twice finds the first ticket by `external_id`: the list of tickets is filtered by it, which knows a ticket at
 * once, where the search takes minutes. Two at the same time are kept apart by `Idempotency-Key`, which Zendesk keeps
 * for two hours. A closed ticket takes no change at all; a solved one does, and can be opened again.
 */
export function zendesk(connection: unknown, http: HttpClient): Provider {
  const { url, clientId, clientSecret } = connectionOf('Zendesk', Connection, connection);
  const common = { name: 'Zendesk', http, secrets: [clientSecret] };
  const server = createDesk(common);

  async function fetchToken(): Promise<AccessToken> {
    const answer = await server.call({
      method: 'POST',
      url: `${url}/oauth/tokens`,
      json: {
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret,
        scope: 'tickets:read tickets:write',
      },
    });
    const { access_token, expires_in } = server.read(Token, answer);
    return { token: access_token, expiresIn: expires_in ?? undefined };
  }

  const desk = createDesk({
    ...common,
    credentials: oauth({ identity: [url, clientId, clientSecret], fetch: fetchToken, now: http.now }),
  });

  const at = (id: number): DeskTicket => ({ id: String(id), url: `${url}/agent/tickets/${id}` });
  const urlOf = (id: string) => `${url}/api/v2/tickets/${encodeURIComponent(id)}`;
  const comment = (ticket: Ticket, change: Change) => ({
    html_body: html(blocksOf(ticket, change)),
    public: false,
  });

  /** The ticket that an earlier attempt has opened, closed ones left out. */
  async function find(externalId: string): Promise<DeskTicket | undefined> {
    const answer = await desk.call({
      method: 'GET',
      url: `${url}/api/v2/tickets?${new URLSearchParams({ external_id: externalId })}`,
    });
    const found = desk.read(TicketsAnswer, answer).tickets.find(({ status }) => status !== 'closed');
    return found && at(found.id);
  }

  /** Changes a ticket. @returns whether it takes changes at all */
  async function change(id: string, changes: Record<string, unknown>): Promise<boolean> {
    const answer = await desk.call({
      method: 'PUT',
      url: urlOf(id),
      json: { ticket: changes },
      expects: isGone,
    });
    if (isGone(answer)) return false;
    desk.read(TicketAnswer, answer);
    return true;
  }

  return {
    open: async (ticket) => {
      const known = await find(ticket.externalId);
      if (known) return known;
      const answer = await desk.call({
        method: 'POST',
        url: `${url}/api/v2/tickets`,
        headers: { 'idempotency-key': ticket.externalId },
        json: {
          ticket: {
            subject: titleOf(ticket),
            comment: comment(ticket, 'open'),
            type: 'incident',
            priority: PRIORITY[ticket.severity],
            tags: ['millrace', tagOf(ticket.pipeline), ticket.severity],
            external_id: ticket.externalId,
          },
        },
        expects: isKnownKey,
      });
      if (isKnownKey(answer)) {
        const first = await find(ticket.externalId);
        if (first) return first;
        throw new DeskUnavailable('Zendesk has a ticket under the same key, and does not show it yet.');
      }
      return at(desk.read(TicketAnswer, answer).ticket.id);
    },
    update: async (ticket, { id }) => {
      const changes = { priority: PRIORITY[ticket.severity], comment: comment(ticket, 'update') };
      if (!(await change(id, changes))) throw new TicketGone(`Zendesk ticket ${id} is closed or deleted.`);
    },
    resolve: async (ticket, { id }) => {
      const answer = await desk.call({ method: 'GET', url: urlOf(id), expects: isGone });
      // One that is closed or deleted is over already.
      if (isGone(answer)) return;
      const { submitter_id, assignee_id } = desk.read(Assigned, answer).ticket;
      await change(id, {
        status: 'solved',
        comment: comment(ticket, 'resolve'),
        // Only a ticket of somebody can be solved. One that nobody took becomes ours, who opened it.
        ...(assignee_id === null ? { assignee_id: submitter_id } : {}),
      });
    },
    reopen: async (ticket, here) => {
      const changes = {
        status: 'open',
        priority: PRIORITY[ticket.severity],
        comment: comment(ticket, 'reopen'),
      };
      return (await change(here.id, changes)) ? here : undefined;
    },
  };
}

/**
 * Whether a ticket is deleted or closed:
 * `{"error":"RecordInvalid","details":{"status":[{"description":"Status: closed prevents ticket update"}]}}`.
 */
function isGone({ status, text }: Answer): boolean {
  return status === 404 || (status === 422 && /closed prevents ticket update/.test(text));
}

/** Whether Zendesk has seen the key of a request with another body: the count of a ticket grows between attempts. */
function isKnownKey({ status, text }: Answer): boolean {
  return status === 400 && /idempoten/i.test(text);
}

/** Tags hold no spaces. */
function tagOf(name: string): string {
  return name.replace(/\s+/g, '_');
}
