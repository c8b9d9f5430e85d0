import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { pagerduty } from '../../lambdas/help-desk/providers/pagerduty.ts';
import { type Exchange, json, LONG, RESOLVED, startDesk, TICKET, testClient, testFaults } from './support.ts';

// Shapes and answers of https://developer.pagerduty.com/docs/send-alert-event and …/events-api-v2-overview.

const secret = 'R0s3cretroutingkey0000000000000a';
const connection = (url: string) => ({ url, routingKey: secret });
const key = TICKET.externalId;

const Trigger = z.strictObject({
  routing_key: z.literal(secret),
  event_action: z.literal('trigger'),
  dedup_key: z.literal(key),
  client: z.string(),
  client_url: z.url(),
  links: z.array(z.strictObject({ href: z.url(), text: z.string() })),
  payload: z.strictObject({
    summary: z.string().min(1).max(1_024),
    source: z.string().min(1),
    severity: z.enum(['critical', 'error', 'warning', 'info']),
    timestamp: z.iso.datetime(),
    component: z.string(),
    group: z.string(),
    custom_details: z.record(z.string(), z.string()),
  }),
});
const Resolve = z.strictObject({
  routing_key: z.literal(secret),
  event_action: z.literal('resolve'),
  dedup_key: z.literal(key),
});

const enqueue = (body: z.ZodType): Exchange => ({
  request: 'POST /v2/enqueue',
  body,
  answer: json(202, { status: 'success', message: 'Event processed', dedup_key: key }),
});

test('an incident is triggered, triggered on, resolved and triggered again under one key', async () => {
  const desk = await startDesk();
  const provider = pagerduty(connection(desk.url), testClient());
  const at = await desk.during([enqueue(Trigger)], () => provider.open(TICKET));
  assert.deepEqual(at, { id: key });
  await desk.during([enqueue(Trigger)], () => provider.update(TICKET, at));
  await desk.during([enqueue(Resolve)], () => provider.resolve(RESOLVED, at));
  assert.deepEqual(await desk.during([enqueue(Trigger)], () => provider.reopen(TICKET, at)), at);
});

test('an incident says what happened, and what to do about it', async () => {
  const desk = await startDesk();
  const provider = pagerduty(connection(desk.url), testClient());
  await desk.during([enqueue(Trigger)], () => provider.open(TICKET));
  const { payload, links } = Trigger.parse(JSON.parse(desk.received.at(-1)?.body ?? ''));
  assert.equal(payload.severity, 'error');
  assert.match(payload.summary, /^Files fail at <Publish> & "Read"\. AccessDenied/);
  assert.equal(payload.custom_details['To mend it'], TICKET.command);
  assert.equal(payload.custom_details.Runbook, 'docs/operations.md#failed-executions');
  assert.deepEqual(
    links.map(({ text }) => text),
    ['Execution'],
  );
});

test('a ticket of any length fits', async () => {
  const desk = await startDesk();
  const provider = pagerduty(connection(desk.url), testClient());
  await desk.during([enqueue(Trigger)], () => provider.open(LONG));
  assert.ok((desk.received.at(-1)?.body.length ?? 0) < 512 * 1024);
});

test('the address is PagerDuty’s unless another is given', () => {
  assert.doesNotThrow(() => pagerduty({ routingKey: secret }, testClient()));
  assert.throws(() => pagerduty({ connected: true }, testClient()), /routingKey: expected string/);
});

testFaults({
  name: 'pagerduty',
  provider: (url, http) => pagerduty(connection(url), http),
  secret,
  refusals: [
    {
      answer: json(400, {
        status: 'invalid event',
        message: 'Event object is invalid',
        errors: [`'routing_key' ${secret} is invalid`],
      }),
      error: 'DeskRefused',
      says: /Event object is invalid: 'routing_key' \*\*\* is invalid/,
    },
    { answer: { status: 403, text: 'Forbidden' }, error: 'DeskRefused' },
    { answer: { status: 404, text: '' }, error: 'DeskRefused' },
    { answer: json(429, { status: 'throttle exceeded' }), error: 'DeskThrottled' },
    { answer: json(500, { status: 'error' }), error: 'DeskUnavailable' },
  ],
});
