import { z } from 'zod';
import { type CreateDesk, type DeskResponse, Refusal, readBody, tokenOf } from '../api.ts';
import type { LocalTicket, TicketDraft } from '../store.ts';

const CHANNEL = 'C0MILLRACE';
const CHANNEL_NAME = '#millrace';
const MAX_TEXT = 40_000;

const Text = (max: number) =>
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('plain_text'),
      text: z.string().min(1).max(max),
      emoji: z.boolean().optional(),
    }),
    z.object({
      type: z.literal('mrkdwn'),
      text: z.string().min(1).max(max),
      verbatim: z.boolean().optional(),
    }),
  ]);
const Plain = (max: number) => z.object({ type: z.literal('plain_text'), text: z.string().min(1).max(max) });
const Button = z.object({ type: z.literal('button'), text: Plain(75), url: z.url().max(3000).optional() });

/** Blocks that tickets are made of, with the lengths of the Block Kit reference. */
const Block = z.discriminatedUnion('type', [
  z.object({ type: z.literal('header'), text: Plain(150) }),
  z
    .object({
      type: z.literal('section'),
      text: Text(3000).optional(),
      fields: z.array(Text(2000)).min(1).max(10).optional(),
      accessory: Button.optional(),
    })
    .refine(({ text, fields }) => text !== undefined || fields !== undefined, 'must have text or fields'),
  z.object({ type: z.literal('context'), elements: z.array(Text(2000)).min(1).max(10) }),
  z.object({ type: z.literal('actions'), elements: z.array(Button).min(1).max(25) }),
  z.object({
    type: z.literal('rich_text'),
    elements: z
      .array(
        z.object({
          type: z.enum(['rich_text_section', 'rich_text_preformatted', 'rich_text_quote', 'rich_text_list']),
          elements: z.array(z.object({ type: z.string(), text: z.string().min(1).optional() })).min(1),
        }),
      )
      .min(1),
  }),
  z.object({ type: z.literal('divider') }),
]);
const content = {
  text: z.string().max(MAX_TEXT).optional(),
  blocks: z.array(Block).min(1).max(50).optional(),
};
const WebhookMessage = z.object(content);
const metadata = z
  .object({ event_type: z.string().max(255), event_payload: z.record(z.string(), z.unknown()) })
  .optional();
const PostMessage = z.object({
  ...content,
  channel: z.string().min(1),
  thread_ts: z.string().optional(),
  reply_broadcast: z.boolean().optional(),
  unfurl_links: z.boolean().optional(),
  unfurl_media: z.boolean().optional(),
  metadata,
});
const Update = z.object({ ...content, channel: z.string().min(1), ts: z.string().min(1), metadata });

const RESOLVED = /^\W*resolved\b/i;

/** A refusal of the Web API: status 200, and the error in the body. */
const refusal = (error: string, messages?: readonly string[]) =>
  new Refusal(200, { ok: false, error, ...(messages && { response_metadata: { messages } }) });
const issuesOf = (issues: readonly z.core.$ZodIssue[]) =>
  issues.map((issue) => `[ERROR] ${issue.message} [json-pointer:/${issue.path.map(String).join('/')}]`);

function refuse(issues: readonly z.core.$ZodIssue[]): Refusal {
  const [name] = issues[0]?.path ?? [];
  if (name === 'blocks') return refusal('invalid_blocks', issuesOf(issues));
  if (name === 'text') return refusal('msg_too_long');
  if (name === 'channel') return refusal('channel_not_found');
  if (name === 'metadata') return refusal('invalid_metadata_format', issuesOf(issues));
  return refusal('invalid_arguments', issuesOf(issues));
}

/** Slack: incoming webhooks, and chat.postMessage and chat.update with a bot token. */
export const slack: CreateDesk = ({ url, credentials, shelf, clock }) => {
  const botToken = `local-${credentials.secret('botToken', 18)}`;
  const hook = `/services/T0MILLRACE/B0MILLRACE/${credentials.secret('webhook', 12)}`;

  const malformed = () => refusal('invalid_json');

  /** A timestamp that no other message has. */
  const newTs = () => `${Math.floor(clock.now() / 1000)}.${String(shelf.next('message')).padStart(6, '0')}`;

  function assertAllowed(authorization: string | undefined, channel: string): void {
    const token = tokenOf('Bearer', authorization);
    if (!token) throw refusal('not_authed');
    if (token !== botToken) throw refusal('invalid_auth');
    if (channel !== CHANNEL && channel !== CHANNEL_NAME) throw refusal('channel_not_found');
  }

  function draft(
    id: string,
    message: z.output<typeof PostMessage> | z.output<typeof WebhookMessage>,
  ): TicketDraft {
    const text = message.text ?? textOf(message.blocks?.[0]);
    const payload: Record<string, unknown> = ('metadata' in message && message.metadata?.event_payload) || {};
    const state = RESOLVED.test(text) ? 'resolved' : 'open';
    const title = text.split('\n')[0]?.slice(0, 200) ?? '';
    const externalId = typeof payload.external_id === 'string' ? payload.external_id : null;
    return { id, externalId, title, state, status: state, priority: null, record: { ...message } };
  }

  const answer = (ts: string, message: object): DeskResponse => ({
    status: 200,
    body: { ok: true, channel: CHANNEL, ts, message: { type: 'message', ts, ...message } },
  });

  const ofWebhook = (status: number, text: string) => new Refusal(status, text);

  return {
    routes: {
      [`POST ${hook}`]: (request) => {
        const message = readBody(
          request,
          WebhookMessage,
          () => ofWebhook(400, 'invalid_payload'),
          (issues) => ofWebhook(400, issues[0]?.path[0] === 'blocks' ? 'invalid_blocks' : 'invalid_payload'),
        );
        if (!message.text && !message.blocks) throw ofWebhook(400, 'no_text');
        const made = draft(newTs(), message);
        shelf.save(made, made.title);
        return { status: 200, body: 'ok' };
      },
      'POST /services/:team/:bot/:token': () => ({ status: 404, body: 'no_service' }),
      'POST /api/chat.postMessage': (request) => {
        const message = readBody(request, PostMessage, malformed, refuse);
        assertAllowed(request.headers.authorization, message.channel);
        if (!message.text && !message.blocks) throw refusal('no_text');
        const ts = newTs();
        const parent = message.thread_ts === undefined ? undefined : shelf.find(message.thread_ts);
        if (message.thread_ts !== undefined && !parent) throw refusal('thread_not_found');
        const made = draft(ts, message);
        // An answer in a thread is news of the message that began it.
        shelf.save(parent ?? made, made.title);
        return answer(ts, message);
      },
      'POST /api/chat.update': (request) => {
        const message = readBody(request, Update, malformed, refuse);
        assertAllowed(request.headers.authorization, message.channel);
        // chat.update wants the channel's id, not its name.
        if (message.channel !== CHANNEL) throw refusal('channel_not_found');
        const before: LocalTicket | undefined = shelf.find(message.ts);
        if (!before) throw refusal('message_not_found');
        if (!message.text && !message.blocks) throw refusal('no_text');
        const made = draft(message.ts, message);
        shelf.save({ ...made, externalId: made.externalId ?? before.externalId }, made.title);
        return answer(message.ts, message);
      },
    },
    connections: [{ url, botToken, channel: CHANNEL }, { webhookUrl: `${url}${hook}` }],
    unavailable: () => ({ status: 503, body: { ok: false, error: 'service_unavailable' } }),
    throttled: (seconds) => ({
      status: 429,
      headers: { 'retry-after': String(seconds) },
      body: { ok: false, error: 'ratelimited' },
    }),
    unauthorized: () => refusal('invalid_auth').response,
    missing: () => refusal('unknown_method').response,
  };
};

/** The text of a block. */
const textOf = (block: z.output<typeof Block> | undefined): string =>
  block && 'text' in block ? (block.text?.text ?? '') : '';
