import { createHmac } from 'node:crypto';
import * as z from 'zod/mini';
import type { HttpClient } from '../../shared/http/client.ts';
import type { DeskTicket, Provider, Ticket } from '../contract.ts';
import { connectionOf, text } from './connection.ts';
import { type Answer, createDesk } from './desk.ts';
import type { Change } from './text.ts';

/** The address may hold a query; whether requests may go there is the HTTP client's to say. */
const Connection = z.object({
  url: z.string().check(z.refine((value) => URL.canParse(value), 'expected a URL')),
  signingSecret: text,
});

const Named = z.object({
  id: z.string().check(z.minLength(1), z.maxLength(200)),
  url: z.optional(z.string().check(z.maxLength(2_000))),
});

/** What makes two deliveries the same: each change of a ticket has its own key, and each attempt at it the same. */
const OCCURRENCE: Readonly<Record<Change, (ticket: Ticket) => string>> = {
  open: () => '',
  update: ({ count, lastAt }) => `-${count}-${lastAt}`,
  resolve: ({ resolvedAt, lastAt }) => `-${resolvedAt ?? lastAt}`,
  reopen: ({ count, lastAt }) => `-${count}-${lastAt}`,
};

/**
 * Posts every change of a ticket as JSON, `{"event": "open" | "update" | "resolve" | "reopen", "ticket": {…}}`, to an
 * address of one's own. Headers:
 *
 * - `X-Millrace-Event`: the event.
 * - `X-Millrace-Timestamp`: when it was sent, Unix seconds. Receivers refuse what is more than five minutes old.
 * - `X-Millrace-Signature`: `sha256=` and the hex HMAC SHA-256 of `<timestamp>.<body>` with the signing secret.
 * - `Idempotency-Key`: the same for every attempt at one change.
 *
 * Any 2xx takes it. An answer to `open` may be `{"id": "…", "url": "…"}`; later events carry that id as `deskId`.
 */
export function webhook(connection: unknown, http: HttpClient): Provider {
  const { url, signingSecret } = connectionOf('webhook', Connection, connection);
  const { host } = new URL(url);
  const desk = createDesk({
    name: `The webhook at ${host}`,
    http,
    secrets: [signingSecret, url],
    speaksJson: false,
  });

  function post(change: Change, ticket: Ticket, at?: DeskTicket): Promise<Answer> {
    const body = { event: change, ticket, ...(at ? { deskId: at.id } : {}) };
    const timestamp = String(Math.floor(http.now() / 1000));
    const signature = createHmac('sha256', signingSecret).update(`${timestamp}.${JSON.stringify(body)}`);
    return desk.call({
      method: 'POST',
      url,
      headers: {
        'x-millrace-event': change,
        'x-millrace-timestamp': timestamp,
        'x-millrace-signature': `sha256=${signature.digest('hex')}`,
        'idempotency-key': `${ticket.externalId}-${change}${OCCURRENCE[change](ticket)}`,
      },
      json: body,
    });
  }

  return {
    open: async (ticket) => {
      const named = z.safeParse(Named, (await post('open', ticket)).body);
      if (!named.success) return { id: ticket.externalId };
      const { id, url: page } = named.data;
      return { id, ...(page === undefined ? {} : { url: page }) };
    },
    update: async (ticket, at) => {
      await post('update', ticket, at);
    },
    resolve: async (ticket, at) => {
      await post('resolve', ticket, at);
    },
    reopen: async (ticket, at) => {
      await post('reopen', ticket, at);
      return at;
    },
  };
}
