import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { servicenow } from '../../lambdas/help-desk/providers/servicenow.ts';
import { type Exchange, json, LONG, RESOLVED, startDesk, TICKET, testClient, testFaults } from './support.ts';

// Shapes and answers of the Table API (https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html) and
// of https://www.servicenow.com/docs/r/platform-security/authentication/r_OAuthAPIRequestParameters.html.

const secret = 'key-s3cret';
const connection = (url: string) => ({ url, apiKey: secret });
const SYS_ID = '1c741bd70b2322007518478d83673af3';

const Level = z.enum(['1', '2', '3']);
const Create = z.strictObject({
  short_description: z.string().min(1).max(160),
  description: z.string().max(4_000),
  impact: Level,
  urgency: Level,
  correlation_id: z.string().max(100),
  correlation_display: z.literal('Millrace'),
});
const Note = z
  .string()
  .max(4_000)
  .refine((note) => !/\[\/?code\]/i.test(note), 'shows HTML');
const Update = z.strictObject({ impact: Level, urgency: Level, work_notes: Note });
const Resolve = z.strictObject({
  state: z.literal('6'),
  close_code: z.literal('Solution provided'),
  close_notes: Note,
});
const Reopen = Update.extend({ state: z.literal('2') });

const KEY = { 'x-sn-apikey': secret };
const lookUp = (...result: unknown[]): Exchange => ({
  request: `GET /api/now/table/incident?sysparm_query=correlation_id=${TICKET.externalId}^stateNOT IN7,8&sysparm_fields=sys_id,state,correlation_id&sysparm_limit=1`,
  headers: KEY,
  answer: json(200, { result }),
});
const create = (answer = json(201, { result: { sys_id: SYS_ID, state: '1' } })): Exchange => ({
  request: 'POST /api/now/table/incident?sysparm_fields=sys_id,state',
  headers: KEY,
  body: Create,
  answer,
});
const look = (state: string): Exchange => ({
  request: `GET /api/now/table/incident/${SYS_ID}?sysparm_fields=sys_id,state`,
  headers: KEY,
  answer: json(200, { result: { sys_id: SYS_ID, state } }),
});
const patch = (body: z.ZodType, state: string): Exchange => ({
  request: `PATCH /api/now/table/incident/${SYS_ID}?sysparm_fields=sys_id,state`,
  headers: KEY,
  body,
  answer: json(200, { result: { sys_id: SYS_ID, state } }),
});
const missing = json(404, {
  error: {
    message: 'No Record found',
    detail: 'Record doesn’t exist or ACL restricts the record retrieval',
  },
  status: 'failure',
});

test('an incident is opened under its correlation id, and people find it', async () => {
  const desk = await startDesk();
  const provider = servicenow(connection(desk.url), testClient());
  const at = await desk.during([lookUp(), create()], () => provider.open(TICKET));
  assert.deepEqual(at, {
    id: SYS_ID,
    url: `${desk.url}/nav_to.do?uri=incident.do%3Fsys_id%3D${SYS_ID}`,
  });
});

test('an opening that is repeated finds the first incident, and no other', async () => {
  const desk = await startDesk();
  const provider = servicenow(connection(desk.url), testClient());
  const first = { sys_id: SYS_ID, state: '2', correlation_id: TICKET.externalId };
  const at = await desk.during([lookUp(first)], () => provider.open(TICKET));
  assert.equal(at.id, SYS_ID);
  const other = { sys_id: 'f'.repeat(32), state: '1', correlation_id: '' };
  await desk.during([lookUp(other), create()], () => provider.open(TICKET));
});

test('an incident is updated, resolved and put in progress again', async () => {
  const desk = await startDesk();
  const provider = servicenow(connection(desk.url), testClient());
  const at = { id: SYS_ID };
  await desk.during([look('1'), patch(Update, '1')], () => provider.update(TICKET, at));
  await desk.during([look('2'), patch(Resolve, '6')], () => provider.resolve(RESOLVED, at));
  assert.equal(await desk.during([look('6'), patch(Reopen, '2')], () => provider.reopen(TICKET, at)), at);
});

test('a closed, cancelled or deleted incident cannot be opened again or updated, and counts as resolved', async () => {
  const desk = await startDesk();
  const provider = servicenow(connection(desk.url), testClient());
  const at = { id: SYS_ID };
  for (const gone of [look('7'), look('8'), { ...look(''), answer: missing }]) {
    assert.equal(await desk.during([gone], () => provider.reopen(TICKET, at)), undefined);
    await desk.during([gone], () => provider.resolve(RESOLVED, at));
    await desk.during([gone], () => assert.rejects(provider.update(TICKET, at), { name: 'TicketGone' }));
  }
});

test('a user and a password authorise as well, and so does an OAuth client', async () => {
  const desk = await startDesk();
  const user = { url: desk.url, username: 'millrace', password: 'pä55', closeCode: 'Solved (Permanently)' };
  const basic = { authorization: `Basic ${Buffer.from('millrace:pä55').toString('base64')}` };
  await desk.during(
    [
      { ...look('2'), headers: basic },
      { ...patch(Resolve.extend({ close_code: z.literal('Solved (Permanently)') }), '6'), headers: basic },
    ],
    () => servicenow(user, testClient()).resolve(RESOLVED, { id: SYS_ID }),
  );
  const client = { url: desk.url, clientId: 'be3aeb58', clientSecret: secret };
  const token: Exchange = {
    request: 'POST /oauth_token.do',
    form: { grant_type: 'client_credentials', client_id: 'be3aeb58', client_secret: secret },
    answer: json(200, {
      access_token: 'token',
      scope: 'useraccount',
      token_type: 'Bearer',
      expires_in: 1799,
    }),
  };
  const headers = { authorization: 'Bearer token' };
  await desk.during([token, { ...lookUp(), headers }, { ...create(), headers }], () =>
    servicenow(client, testClient()).open(TICKET),
  );
});

test('work notes show nothing as HTML, and a ticket of any length fits', async () => {
  const desk = await startDesk();
  const provider = servicenow(connection(desk.url), testClient());
  await desk.during([lookUp(), create()], () => provider.open(LONG));
  await desk.during([look('1'), patch(Update, '1')], () => provider.update(TICKET, { id: SYS_ID }));
  const notes = Update.parse(JSON.parse(desk.received.at(-1)?.body ?? '')).work_notes;
  assert.match(notes, /\(code\)<b>x<\/b>\(\/code\)/);
  assert.match(notes, /^npx millrace redrive --pipeline document-ingestion --error AccessDenied --yes$/m);
});

test('a connection that is not complete says what is missing for the credentials that are there', () => {
  const make = (members: object) => () =>
    servicenow({ url: 'https://acme.service-now.com', ...members }, testClient());
  assert.throws(make({}), /clientId: expected string; clientSecret: expected string/);
  assert.throws(make({ username: 'a' }), /password: expected string/);
  assert.throws(make({ apiKey: 1 }), /apiKey: expected string/);
});

testFaults({
  name: 'servicenow',
  provider: (url, http) => servicenow(connection(url), http),
  secret,
  refusals: [
    {
      answer: json(401, {
        error: { message: 'User Not Authenticated', detail: 'Required to provide Auth information' },
        status: 'failure',
      }),
      error: 'DeskRefused',
      says: /User Not Authenticated/,
    },
    {
      answer: json(403, {
        error: { message: 'Insufficient rights to query records', detail: null },
        status: 'failure',
      }),
      error: 'DeskRefused',
      says: /Insufficient rights/,
    },
    { answer: missing, error: 'DeskRefused' },
    { answer: json(400, { error: { message: 'Invalid table' }, status: 'failure' }), error: 'DeskRefused' },
    {
      answer: json(429, { error: { message: 'Rate limit exceeded', detail: '' }, status: 'failure' }),
      error: 'DeskThrottled',
    },
    { answer: json(500, { error: { message: 'Unknown' }, status: 'failure' }), error: 'DeskUnavailable' },
  ],
});
