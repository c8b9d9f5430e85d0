import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { zendesk } from '../../lambdas/help-desk/providers/zendesk.ts';
import type { HttpClient } from '../../lambdas/shared/http/client.ts';
import { type Exchange, json, LONG, RESOLVED, startDesk, TICKET, testClient, testFaults } from './support.ts';

// Shapes and answers of https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ and …/oauth/grant_type_tokens/.

const secret = 'client-s3cret';
let clients = 0;
/** A client of its own, so that no token of another test is used. */
const connection = (url: string, clientId = `millrace-${clients++}`) => ({
  url,
  clientId,
  clientSecret: secret,
});

const Comment = z.strictObject({ html_body: z.string().max(65_535), public: z.literal(false) });
const Priority = z.enum(['urgent', 'high', 'normal', 'low']);
const Tag = z.string().regex(/^\S+$/);
const Create = z.strictObject({
  ticket: z.strictObject({
    subject: z.string().min(1).max(150),
    comment: Comment,
    type: z.literal('incident'),
    priority: Priority,
    tags: z.array(Tag),
    external_id: z.literal(TICKET.externalId),
  }),
});
const changeOf = (status?: string, assignee?: number) =>
  z.strictObject({
    ticket: z.strictObject({
      comment: Comment,
      ...(status === 'solved' ? {} : { priority: Priority }),
      ...(status ? { status: z.literal(status) } : {}),
      ...(assignee ? { assignee_id: z.literal(assignee) } : {}),
    }),
  });

const token = (value = 'gErypPlm4dOVgGRvA1ZzMH5MQ3nLo8bo', expires_in?: number): Exchange => ({
  request: 'POST /oauth/tokens',
  body: z.strictObject({
    grant_type: z.literal('client_credentials'),
    client_id: z.string(),
    client_secret: z.literal(secret),
    scope: z.literal('tickets:read tickets:write'),
  }),
  answer: json(200, {
    access_token: value,
    token_type: 'bearer',
    scope: 'tickets:read tickets:write',
    ...(expires_in ? { expires_in } : {}),
  }),
});
const bearer = (value = 'gErypPlm4dOVgGRvA1ZzMH5MQ3nLo8bo') => ({ authorization: `Bearer ${value}` });

const published = (id: number, status = 'new', assignee_id: number | null = null) => ({
  url: `https://example.zendesk.com/api/v2/tickets/${id}.json`,
  id,
  external_id: TICKET.externalId,
  created_at: '2026-03-01T10:00:01Z',
  subject: 'Files fail',
  status,
  requester_id: 20978392,
  submitter_id: 76872,
  assignee_id,
  priority: 'high',
  tags: ['millrace'],
});
const lookUp = (...tickets: unknown[]): Exchange => ({
  request: `GET /api/v2/tickets?external_id=${TICKET.externalId}`,
  headers: bearer(),
  answer: json(200, { tickets, next_page: null, previous_page: null, count: tickets.length }),
});
const create = (answer = json(201, { ticket: published(35436) })): Exchange => ({
  request: 'POST /api/v2/tickets',
  headers: { ...bearer(), 'idempotency-key': TICKET.externalId },
  body: Create,
  answer,
});
const put = (body: z.ZodType, answer = json(200, { ticket: published(35436, 'open') })): Exchange => ({
  request: 'PUT /api/v2/tickets/35436',
  headers: bearer(),
  body,
  answer,
});
const look = (answer = json(200, { ticket: published(35436) })): Exchange => ({
  request: 'GET /api/v2/tickets/35436',
  headers: bearer(),
  answer,
});
const closed = json(422, {
  error: 'RecordInvalid',
  description: 'Record validation errors',
  details: { status: [{ description: 'Status: closed prevents ticket update' }] },
});
const missing = json(404, { error: 'RecordNotFound', description: 'Not found' });

test('a ticket is opened under its external id, and people find it', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  const at = await desk.during([token(), lookUp(), create()], () => provider.open(TICKET));
  assert.deepEqual(at, { id: '35436', url: `${desk.url}/agent/tickets/35436` });
});

test('an opening that is repeated finds the first ticket, unless that is closed', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  const found = await desk.during([token(), lookUp(published(7, 'closed'), published(8))], () =>
    provider.open(TICKET),
  );
  assert.equal(found.id, '8');
  const anew = await desk.during([lookUp(published(7, 'closed')), create()], () => provider.open(TICKET));
  assert.equal(anew.id, '35436');
});

test('an opening that meets its own idempotency key under another body finds the ticket', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  const refused = json(400, {
    error: 'IdempotentRequestError',
    description: 'Idempotency key was used with different request parameters',
  });
  const at = await desk.during([token(), lookUp(), create(refused), lookUp(published(9))], () =>
    provider.open(TICKET),
  );
  assert.equal(at.id, '9');
  await desk.during([lookUp(), create(refused), lookUp()], () =>
    assert.rejects(provider.open(TICKET), { name: 'DeskUnavailable' }),
  );
});

test('a ticket is updated, solved and opened again', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  const at = { id: '35436', url: 'x' };
  await desk.during([token(), put(changeOf())], () => provider.update(TICKET, at));
  await desk.during([look(), put(changeOf('solved', 76872))], () => provider.resolve(RESOLVED, at));
  assert.deepEqual(await desk.during([put(changeOf('open'))], () => provider.reopen(TICKET, at)), at);
});

test('a closed ticket cannot be opened again or updated, and counts as resolved', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  const at = { id: '35436' };
  for (const gone of [closed, missing]) {
    const forget = gone === closed ? [token()] : [];
    const reopened = await desk.during([...forget, put(changeOf('open'), gone)], () =>
      provider.reopen(TICKET, at),
    );
    assert.equal(reopened, undefined);
    const solving = gone === closed ? [look(), put(changeOf('solved', 76872), gone)] : [look(gone)];
    await desk.during(solving, () => provider.resolve(RESOLVED, at));
    await desk.during([put(changeOf(), gone)], () =>
      assert.rejects(provider.update(TICKET, at), { name: 'TicketGone' }),
    );
  }
});

test('a ticket that somebody took stays theirs when it is solved', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  const taken = json(200, { ticket: published(35436, 'open', 235323) });
  await desk.during([token(), look(taken), put(changeOf('solved'))], () =>
    provider.resolve(RESOLVED, { id: '35436' }),
  );
});

test('a refused change says what is wrong with it', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  const invalid = json(422, {
    error: 'RecordInvalid',
    description: 'Record validation errors',
    details: { base: [{ description: 'Department: is required when solving a ticket' }] },
  });
  await desk.during([token(), look(), put(changeOf('solved', 76872), invalid)], () =>
    assert.rejects(provider.resolve(RESOLVED, { id: '35436' }), {
      name: 'DeskRefused',
      message: /422 .*Department: is required when solving a ticket/,
    }),
  );
});

test('one token serves until shortly before it expires, whoever asks', async () => {
  const desk = await startDesk();
  let now = 1_000_000;
  const http: HttpClient = testClient(() => now);
  const make = () => zendesk(connection(desk.url, 'expiring'), http);
  const at = { id: '35436' };
  await desk.during([token(undefined, 300), put(changeOf())], () => make().update(TICKET, at));
  now += 239_000;
  await desk.during([put(changeOf())], () => make().update(TICKET, at));
  now += 2_000;
  await desk.during([token(undefined, 300), put(changeOf())], () => make().update(TICKET, at));
});

test('a token that is refused is renewed once', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  const at = { id: '35436' };
  const invalid = json(401, {
    error: 'invalid_token',
    error_description:
      'The access token provided is expired, revoked, malformed or invalid for other reasons.',
  });
  await desk.during(
    [token(), put(changeOf(), invalid), token('second'), { ...put(changeOf()), headers: bearer('second') }],
    () => provider.update(TICKET, at),
  );
  await desk.during(
    [
      { ...put(changeOf(), invalid), headers: bearer('second') },
      token('third'),
      { ...put(changeOf(), invalid), headers: bearer('third') },
    ],
    () => assert.rejects(provider.update(TICKET, at), { name: 'DeskRefused', message: /401 .*expired/ }),
  );
});

test('credentials that are refused say so without being shown', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  const refused = {
    ...token(),
    answer: json(401, { error: 'invalid_client', error_description: `No client with ${secret}` }),
  };
  await desk.during([refused], () =>
    assert.rejects(provider.open(TICKET), (error: Error) => {
      assert.equal(error.name, 'DeskRefused');
      assert.match(error.message, /invalid_client: No client with \*\*\*/);
      return true;
    }),
  );
  // What was refused is not kept.
  await desk.during([token(), lookUp(), create()], () => provider.open(TICKET));
});

test('what a ticket says is shown as it is: no markup, no placeholders', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  await desk.during([token(), lookUp(), create()], () => provider.open(TICKET));
  const { ticket } = Create.parse(JSON.parse(desk.received.at(-1)?.body ?? ''));
  const html = ticket.comment.html_body;
  assert.match(html, /AccessDenied &lt;!channel&gt; &#123;&#123;ticket\.requester\.email&#125;&#125;/);
  assert.match(html, /<pre><code>npx millrace redrive --pipeline document-ingestion [^<]*<\/code><\/pre>/);
  assert.match(html, /<a href="https:\/\/console\.aws\.amazon\.com\/[^"]*">Execution<\/a>/);
  assert.match(html, /Runbook: docs\/operations\.md#failed-executions/);
  assert.match(html, /<b>Happened<\/b>: 12 times/);
  assert.match(html, /<b>Waits for<\/b>: 3 files/);
  assert.match(html, /<b>Owner<\/b>: data@example\.com/);
  assert.match(html, /2026-03-01 09:30:00 UTC/);
});

test('a ticket of any length fits', async () => {
  const desk = await startDesk();
  const provider = zendesk(connection(desk.url), testClient());
  await desk.during([token(), lookUp(), create()], () => provider.open(LONG));
});

test('a connection that is not complete says what is missing, and nothing of what is there', () => {
  const make = () => zendesk({ url: 'acme.zendesk.com', clientSecret: secret }, testClient());
  assert.throws(make, (error: Error) => {
    assert.equal(error.name, 'DeskRefused');
    assert.match(error.message, /url: expected an address/);
    assert.match(error.message, /clientId: expected string/);
    assert.doesNotMatch(error.message, /acme|s3cret/);
    return true;
  });
});

testFaults({
  name: 'zendesk',
  provider: (url, http) => zendesk(connection(url), http),
  before: ({ path }) => (path === '/oauth/tokens' ? token().answer : undefined),
  secret,
  refusals: [
    { answer: json(401, { error: "Couldn't authenticate you" }), error: 'DeskRefused', says: /authenticate/ },
    {
      answer: json(403, { error: { title: 'Forbidden', message: 'You do not have access to this page.' } }),
      error: 'DeskRefused',
      says: /You do not have access/,
    },
    { answer: missing, error: 'DeskRefused', says: /RecordNotFound/ },
    { answer: json(409, { error: 'Conflict', message: 'Try again' }), error: 'DeskUnavailable' },
    { answer: json(422, { error: 'RecordInvalid' }), error: 'DeskRefused', says: /RecordInvalid/ },
    {
      answer: { status: 429, text: 'Number of allowed API requests per minute exceeded' },
      error: 'DeskThrottled',
    },
    { answer: json(500, { error: 'InternalError' }), error: 'DeskUnavailable' },
  ],
});
