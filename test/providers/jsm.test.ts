import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { jsm } from '../../lambdas/help-desk/providers/jsm.ts';
import { type Exchange, json, LONG, RESOLVED, startDesk, TICKET, testClient, testFaults } from './support.ts';

// Shapes and answers of
// https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events/.

const secret = 'genie-s3cret';
const connection = (url: string) => ({ url, apiKey: secret });
const ALERTS = '/jsm/ops/integration/v2/alerts';
const alias = TICKET.externalId;

/** Alerts show HTML. */
const Words = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^<>]*$/);
const Create = z.strictObject({
  message: Words(130),
  alias: z.literal(alias),
  description: Words(15_000),
  tags: z.array(z.string().max(50)).max(20),
  details: z.record(z.string(), Words(8_000)),
  entity: z.string().max(512),
  source: z.string().max(100),
  priority: z.enum(['P1', 'P2', 'P3', 'P4', 'P5']),
});
const Action = z.strictObject({ note: Words(25_000), source: z.string().max(100) });

const accepted = json(202, {
  result: 'Request will be processed',
  took: 0.107,
  requestId: '43a29c5c-3dbf-4fa4-9c26-f4f71023e120',
});
const post = (path: string, body: z.ZodType, answer = accepted): Exchange => ({
  request: `POST ${path}`,
  headers: { authorization: `GenieKey ${secret}` },
  body,
  answer,
});

test('an alert is created, noted on, closed and created again under one alias', async () => {
  const desk = await startDesk();
  const provider = jsm(connection(desk.url), testClient());
  const at = await desk.during([post(ALERTS, Create)], () => provider.open(TICKET));
  assert.deepEqual(at, { id: alias });
  await desk.during([post(`${ALERTS}/${alias}/notes?identifierType=alias`, Action)], () =>
    provider.update(TICKET, at),
  );
  await desk.during([post(`${ALERTS}/${alias}/close?identifierType=alias`, Action)], () =>
    provider.resolve(RESOLVED, at),
  );
  assert.deepEqual(await desk.during([post(ALERTS, Create)], () => provider.reopen(TICKET, at)), at);
});

test('an alert says everything, and nothing of it as HTML', async () => {
  const desk = await startDesk();
  const provider = jsm(connection(desk.url), testClient());
  await desk.during([post(ALERTS, Create)], () => provider.open(TICKET));
  const alert = Create.parse(JSON.parse(desk.received.at(-1)?.body ?? ''));
  assert.equal(alert.priority, 'P2');
  assert.equal(alert.details.Owner, 'data@example.com');
  assert.match(alert.description, /AccessDenied ‹!channel›/);
  assert.match(alert.description, /^npx millrace redrive /m);
  assert.match(alert.description, /^Execution: https:\/\/console/m);
  await desk.during([post(ALERTS, Create)], () => provider.open(LONG));
});

test('the address is Atlassian’s unless another is given', () => {
  assert.doesNotThrow(() => jsm({ apiKey: secret }, testClient()));
  assert.throws(() => jsm({}, testClient()), /apiKey: expected string/);
});

const refusal = (message: string) => ({
  message,
  took: 0.0,
  requestId: '8743a1ce-3b44-4e01-b56a-f4e5a5d59f15',
});

testFaults({
  name: 'jsm',
  provider: (url, http) => jsm(connection(url), http),
  secret,
  refusals: [
    {
      answer: json(401, refusal('Could not authenticate')),
      error: 'DeskRefused',
      says: /Could not authenticate/,
    },
    { answer: json(403, refusal('Api key is not authorized')), error: 'DeskRefused', says: /not authorized/ },
    { answer: json(404, refusal('Not found')), error: 'DeskRefused' },
    { answer: json(409, refusal('Conflict')), error: 'DeskUnavailable' },
    {
      answer: json(422, refusal('Request body is not processable. Please check the errors.')),
      error: 'DeskRefused',
      says: /not processable/,
    },
    { answer: json(429, refusal('You are making too many requests!')), error: 'DeskThrottled' },
    { answer: json(500, refusal('Internal Server Error')), error: 'DeskUnavailable' },
  ],
});
