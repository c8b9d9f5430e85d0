import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { slack } from '../../lambdas/help-desk/providers/slack.ts';
import { type Exchange, json, LONG, RESOLVED, startDesk, TICKET, testClient, testFaults } from './support.ts';

// Shapes and answers of https://docs.slack.dev/reference/methods/chat.postMessage, …/chat.update,
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
// https://docs.slack.dev/reference/block-kit/blocks.

const secret = 'xoxb-s3cret';
const bot = (url: string) => ({ url, botToken: secret, channel: '#ops' });
const headers = { authorization: `Bearer ${secret}` };

const PlainText = (most: number) =>
  z.strictObject({
    type: z.literal('plain_text'),
    text: z.string().min(1).max(most),
    emoji: z.literal(false),
  });
/** No control sequences but links. */
const Markup = (most: number) =>
  z.strictObject({
    type: z.literal('mrkdwn'),
    text: z
      .string()
      .min(1)
      .max(most)
      .refine((text) => !/[<>]/.test(text.replace(/<https?:[^<>|]*\|[^<>]*>/g, '')), 'mentions or commands'),
  });
const Block = z.union([
  z.strictObject({ type: z.literal('header'), text: PlainText(150) }),
  z.strictObject({ type: z.literal('section'), text: z.union([PlainText(3_000), Markup(3_000)]) }),
  z.strictObject({ type: z.literal('section'), fields: z.array(Markup(2_000)).min(1).max(10) }),
  z.strictObject({
    type: z.literal('rich_text'),
    elements: z.array(
      z.strictObject({
        type: z.literal('rich_text_preformatted'),
        elements: z.array(z.strictObject({ type: z.literal('text'), text: z.string().min(1) })),
      }),
    ),
  }),
]);
const Fallback = z
  .string()
  .min(1)
  .max(4_000)
  .regex(/^[^<>]*$/);
const Message = z.strictObject({ text: Fallback, blocks: z.array(Block).max(50) });
const Post = Message.extend({
  channel: z.literal('#ops'),
  metadata: z.strictObject({
    event_type: z.literal('millrace_ticket'),
    event_payload: z.strictObject({ external_id: z.literal(TICKET.externalId) }),
  }),
  unfurl_links: z.literal(false),
  unfurl_media: z.literal(false),
});
const Update = Message.extend({ channel: z.literal('C123ABC456'), ts: z.literal('1503435956.000247') });
const Reply = z.strictObject({
  channel: z.literal('C123ABC456'),
  thread_ts: z.literal('1503435956.000247'),
  text: Fallback,
});

const ok = json(200, {
  ok: true,
  channel: 'C123ABC456',
  ts: '1503435956.000247',
  message: { type: 'message' },
});
const fails = (error: string) => json(200, { ok: false, error });
const call = (method: string, body: z.ZodType, answer = ok): Exchange => ({
  request: `POST /api/${method}`,
  headers,
  body,
  answer,
});
const at = { id: 'C123ABC456:1503435956.000247' };

test('a bot posts a message, keeps it up to date, and tells of its end and return below it', async () => {
  const desk = await startDesk();
  const provider = slack(bot(desk.url), testClient());
  assert.deepEqual(await desk.during([call('chat.postMessage', Post)], () => provider.open(TICKET)), at);
  await desk.during([call('chat.update', Update)], () => provider.update(TICKET, at));
  await desk.during([call('chat.update', Update), call('chat.postMessage', Reply)], () =>
    provider.resolve(RESOLVED, at),
  );
  const again = await desk.during([call('chat.update', Update), call('chat.postMessage', Reply)], () =>
    provider.reopen(TICKET, at),
  );
  assert.equal(again, at);
});

test('a message that cannot be changed any more is followed by another', async () => {
  const desk = await startDesk();
  const provider = slack(bot(desk.url), testClient());
  for (const error of ['message_not_found', 'edit_window_closed', 'cant_update_message']) {
    const exchanges = [call('chat.update', Update, fails(error)), call('chat.postMessage', Post)];
    await desk.during(exchanges.slice(0, 1), () =>
      assert.rejects(provider.update(TICKET, at), { name: 'TicketGone' }),
    );
    await desk.during(exchanges, () => provider.resolve(RESOLVED, at));
    assert.deepEqual(await desk.during(exchanges, () => provider.reopen(TICKET, at)), at);
  }
});

test('errors of the Web API come with 200 and are errors nonetheless', async () => {
  const desk = await startDesk();
  const provider = slack(bot(desk.url), testClient());
  const expected = {
    invalid_auth: 'DeskRefused',
    channel_not_found: 'DeskRefused',
    not_in_channel: 'DeskRefused',
    msg_blocks_too_long: 'DeskRefused',
    ratelimited: 'DeskThrottled',
    internal_error: 'DeskUnavailable',
    service_unavailable: 'DeskUnavailable',
  };
  for (const [error, name] of Object.entries(expected)) {
    await desk.during([call('chat.postMessage', Post, fails(error))], () =>
      assert.rejects(provider.open(TICKET), { name, message: new RegExp(error) }),
    );
  }
});

test('what a message says mentions nobody, runs nothing, and shows the command as it is', async () => {
  const desk = await startDesk();
  const provider = slack(bot(desk.url), testClient());
  await desk.during([call('chat.postMessage', Post)], () => provider.open(TICKET));
  const body = desk.received.at(-1)?.body ?? '';
  const { text, blocks } = Post.parse(JSON.parse(body));
  assert.equal(text, 'Open: Files fail at &lt;Publish&gt; &amp; "Read"');
  assert.ok(body.includes(JSON.stringify({ type: 'text', text: TICKET.command })));
  assert.match(body, /<https:\/\/console[^|]*x%7Cy\|Execution>/);
  assert.match(body, /Runbook: docs\/operations\.md/);
  assert.ok(blocks.length <= 50);
  await desk.during([call('chat.postMessage', Post)], () => provider.open(LONG));
});

const HOOK = '/services/T00000000/B00000000/XXXXs3cretXXXX';
const hook = (answer = { status: 200, text: 'ok' }): Exchange => ({
  request: `POST ${HOOK}`,
  body: Message,
  answer,
});

test('a webhook posts every change', async () => {
  const desk = await startDesk();
  const provider = slack({ webhookUrl: `${desk.url}${HOOK}` }, testClient());
  assert.deepEqual(await desk.during([hook()], () => provider.open(TICKET)), { id: TICKET.externalId });
  await desk.during([hook()], () => provider.update(TICKET, at));
  await desk.during([hook()], () => provider.resolve(RESOLVED, at));
  await desk.during([hook()], () => provider.reopen(TICKET, at));
});

test('a connection that is neither says what is missing', () => {
  assert.throws(
    () => slack({ url: 'https://slack.com' }, testClient()),
    /botToken: expected string; channel/,
  );
  assert.throws(() => slack({ webhookUrl: 'hooks' }, testClient()), /webhookUrl: expected an address/);
});

testFaults({
  name: 'slack bot',
  provider: (url, http) => slack(bot(url), http),
  secret,
  refusals: [
    { answer: { status: 403, text: '' }, error: 'DeskRefused' },
    { answer: { status: 404, text: '' }, error: 'DeskRefused' },
    {
      answer: json(429, { ok: false, error: 'ratelimited' }, { 'retry-after': '93' }),
      error: 'DeskThrottled',
    },
    { answer: { status: 500, text: '' }, error: 'DeskUnavailable' },
  ],
});

testFaults({
  name: 'slack webhook',
  provider: (url, http) => slack({ webhookUrl: `${url}${HOOK}` }, http),
  secret: 's3cret',
  refusals: [
    { answer: { status: 400, text: 'invalid_payload' }, error: 'DeskRefused', says: /invalid_payload/ },
    { answer: { status: 403, text: 'action_prohibited' }, error: 'DeskRefused', says: /action_prohibited/ },
    { answer: { status: 404, text: 'channel_not_found' }, error: 'DeskRefused', says: /channel_not_found/ },
    {
      answer: { status: 410, text: 'channel_is_archived' },
      error: 'DeskRefused',
      says: /channel_is_archived/,
    },
    { answer: { status: 429, text: 'rate_limited' }, error: 'DeskThrottled' },
    { answer: { status: 500, text: 'rollup_error' }, error: 'DeskUnavailable' },
  ],
});
