import * as z from 'zod/mini';
import type { HttpClient } from '../../shared/http/client.ts';
import { fixed } from '../../shared/http/credentials.ts';
import type { DeskTicket, Provider, Ticket } from '../contract.ts';
import { DeskRefused, DeskThrottled, DeskUnavailable, TicketGone } from '../errors.ts';
import { address, connectionOf, has, text } from './connection.ts';
import { createDesk } from './desk.ts';
import { messageOf, noteOf } from './slack-blocks.ts';
import type { Change } from './text.ts';

const Webhook = z.object({ webhookUrl: address });
const Bot = z.object({ url: z._default(address, 'https://slack.com'), botToken: text, channel: text });

/**
 * Slack messages, by a bot (`chat.postMessage`, `chat.update`; scope `chat:write`, and the bot is in the channel) or an
 * incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
 *
 * A bot keeps one message per ticket up to date and tells of its end and return in the thread below it. A webhook
 * cannot change what it posted, so every change is a message. Slack has no key against repeated posting: when the
 * answer to an `open` is lost, the next attempt posts again. Bot messages carry the external id as metadata, for
 * people and programs who look for it.
 */
export function slack(connection: unknown, http: HttpClient): Provider {
  return has(connection, 'webhookUrl') ? byWebhook(connection, http) : byBot(connection, http);
}

function byWebhook(connection: unknown, http: HttpClient): Provider {
  const { webhookUrl } = connectionOf('Slack', Webhook, connection);
  const desk = createDesk({
    name: 'Slack',
    http,
    secrets: [webhookUrl, new URL(webhookUrl).pathname],
    speaksJson: false,
  });

  async function post(ticket: Ticket, change: Change): Promise<DeskTicket> {
    const { text: said } = await desk.call({
      method: 'POST',
      url: webhookUrl,
      json: messageOf(ticket, change),
    });
    if (said.trim() !== 'ok')
      throw new DeskUnavailable('Slack answered a webhook with something else than ok.');
    return { id: ticket.externalId };
  }

  return {
    open: (ticket) => post(ticket, 'open'),
    update: async (ticket) => {
      await post(ticket, 'update');
    },
    resolve: async (ticket) => {
      await post(ticket, 'resolve');
    },
    reopen: (ticket) => post(ticket, 'reopen'),
  };
}

const Answered = z.object({
  ok: z.boolean(),
  error: z.optional(z.string()),
  channel: z.optional(z.string()),
  ts: z.optional(z.string()),
});
const Posted = z.object({ channel: text, ts: text });

/** Errors of Slack that pass by themselves; its rate limit is a 429. */
const PASSING = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);
const THROTTLED = new Set(['ratelimited', 'rate_limited']);

/** A message that is gone or cannot be changed any more. */
const UNCHANGEABLE = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed']);

function byBot(connection: unknown, http: HttpClient): Provider {
  const { url, botToken, channel } = connectionOf('Slack', Bot, connection);
  const desk = createDesk({
    name: 'Slack',
    http,
    credentials: fixed({ authorization: `Bearer ${botToken}` }),
    secrets: [botToken],
  });

  /** Calls a method of the Web API. @param expects errors that are an answer */
  async function call(method: string, json: unknown, expects: ReadonlySet<string> = new Set()) {
    const answer = await desk.call({ method: 'POST', url: `${url}/api/${method}`, json });
    const { ok, error = 'unknown_error', ...rest } = desk.read(Answered, answer);
    if (ok) return rest;
    if (expects.has(error)) return undefined;
    // An error's name: letters and underscores.
    const name = error.replace(/\W+/g, '').slice(0, 60);
    if (THROTTLED.has(error)) throw new DeskThrottled(`Slack takes no more requests for now (${name}).`);
    if (PASSING.has(error)) throw new DeskUnavailable(`Slack failed (${name}).`);
    throw new DeskRefused(
      `Slack refused ${method} (${name}). Mend its secret, or invite the bot to the channel.`,
    );
  }

  async function post(ticket: Ticket, change: Change): Promise<DeskTicket> {
    const posted = z.safeParse(
      Posted,
      await call('chat.postMessage', {
        channel,
        ...messageOf(ticket, change),
        metadata: { event_type: 'millrace_ticket', event_payload: { external_id: ticket.externalId } },
        unfurl_links: false,
        unfurl_media: false,
      }),
    );
    if (!posted.success) throw new DeskUnavailable('Slack did not say where it posted a message.');
    // Only the channel's id, which the configured name need not be, can be named when a message is changed.
    return { id: `${posted.data.channel}:${posted.data.ts}` };
  }

  /** Brings the message of a ticket up to date. @returns whether it could be */
  async function change(ticket: Ticket, { id }: DeskTicket, what: Change): Promise<boolean> {
    return (
      (await call('chat.update', { ...placeOf(id), ...messageOf(ticket, what) }, UNCHANGEABLE)) !== undefined
    );
  }

  /** Brings the message up to date and says so below it, where people are told. */
  async function tell(ticket: Ticket, at: DeskTicket, what: Change): Promise<DeskTicket> {
    if (!(await change(ticket, at, what))) return post(ticket, what);
    const { channel: there, ts } = placeOf(at.id);
    await call('chat.postMessage', { channel: there, thread_ts: ts, text: noteOf(ticket, what) });
    return at;
  }

  return {
    open: (ticket) => post(ticket, 'open'),
    update: async (ticket, at) => {
      if (!(await change(ticket, at, 'update')))
        throw new TicketGone(`Slack message ${at.id} takes no change.`);
    },
    resolve: async (ticket, at) => {
      await tell(ticket, at, 'resolve');
    },
    reopen: (ticket, at) => tell(ticket, at, 'reopen'),
  };
}

function placeOf(id: string): { channel: string; ts: string } {
  const [channel = '', ts = ''] = id.split(':');
  return { channel, ts };
}
