import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { webhook } from '../../lambdas/help-desk/providers/webhook.ts';
import { type Exchange, json, RESOLVED, startDesk, TICKET, testClient, testFaults } from './support.ts';

const secret = 'signing-s3cret';
const NOW = Date.parse('2026-03-01T12:00:00.750Z');
const connection = (url: string) => ({ url: `${url}/hook?token=t0ken`, signingSecret: secret });

const Body = (event: string, deskId?: string) =>
  z.strictObject({
    event: z.literal(event),
    ticket: z.looseObject({ externalId: z.literal(TICKET.externalId), title: z.literal(TICKET.title) }),
    ...(deskId ? { deskId: z.literal(deskId) } : {}),
  });
const post = (event: string, key: string, deskId?: string, answer = json(200, {})): Exchange => ({
  request: 'POST /hook?token=t0ken',
  headers: {
    'x-millrace-event': event,
    'x-millrace-timestamp': String(Math.floor(NOW / 1000)),
    'x-millrace-signature': /^sha256=[0-9a-f]{64}$/,
    'idempotency-key': `${TICKET.externalId}-${key}`,
  },
  body: Body(event, deskId),
  answer,
});

test('every change is posted under a key of its own, with the id that the receiver gave', async () => {
  const desk = await startDesk();
  const provider = webhook(
    connection(desk.url),
    testClient(() => NOW),
  );
  const named = json(201, { id: 'INC-7', url: 'https://desk.example.com/INC-7' });
  const at = await desk.during([post('open', 'open', undefined, named)], () => provider.open(TICKET));
  assert.deepEqual(at, { id: 'INC-7', url: 'https://desk.example.com/INC-7' });
  await desk.during([post('update', 'update-12-2026-03-01T10:00:00Z', 'INC-7')], () =>
    provider.update(TICKET, at),
  );
  await desk.during([post('resolve', 'resolve-2026-03-01T11:00:00.000Z', 'INC-7')], () =>
    provider.resolve(RESOLVED, at),
  );
  const again = await desk.during([post('reopen', 'reopen-12-2026-03-01T10:00:00Z', 'INC-7')], () =>
    provider.reopen(TICKET, at),
  );
  assert.equal(again, at);
});

test('the signature is that of the timestamp and the very bytes of the body', async () => {
  const desk = await startDesk();
  const provider = webhook(
    connection(desk.url),
    testClient(() => NOW),
  );
  const umlaut = { ...TICKET, summary: 'für 😀 alle' };
  await desk.during([post('open', 'open')], () => provider.open(umlaut));
  const { headers, body } = desk.received[0] ?? assert.fail();
  const expected = createHmac('sha256', secret)
    .update(`${headers['x-millrace-timestamp']}.${body}`)
    .digest('hex');
  assert.equal(headers['x-millrace-signature'], `sha256=${expected}`);
});

test('a receiver may answer anything with a 2xx; without an id, the ticket’s own serves', async () => {
  const desk = await startDesk();
  const provider = webhook(
    connection(desk.url),
    testClient(() => NOW),
  );
  for (const answer of [{ status: 204 }, { status: 200, text: 'ok' }, json(200, { id: 7 }), json(202, [])]) {
    const at = await desk.during([post('open', 'open', undefined, answer)], () => provider.open(TICKET));
    assert.deepEqual(at, { id: TICKET.externalId });
  }
});

test('a connection that is not complete says what is missing', () => {
  assert.throws(
    () => webhook({ url: 'nowhere' }, testClient()),
    /url: expected a URL; signingSecret: expected string/,
  );
});

// What testFaults holds against desks whose answers mean something does not hold here.
const LENIENT = ['HTML instead of JSON', 'JSON of another kind', 'an empty answer'];

testFaults({
  name: 'webhook',
  provider: (url, http) => webhook(connection(url), http),
  secret: 't0ken',
  takes: LENIENT,
  refusals: [
    { answer: json(401, { error: 'bad signature' }), error: 'DeskRefused', says: /bad signature/ },
    { answer: { status: 403, text: '' }, error: 'DeskRefused' },
    { answer: { status: 404, text: '' }, error: 'DeskRefused' },
    { answer: { status: 409, text: '' }, error: 'DeskUnavailable' },
    { answer: json(422, { message: 'no such pipeline' }), error: 'DeskRefused', says: /no such pipeline/ },
    { answer: { status: 429, text: '' }, error: 'DeskThrottled' },
    { answer: { status: 500, text: '' }, error: 'DeskUnavailable' },
  ],
});
