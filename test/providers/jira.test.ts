import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { jira } from '../../lambdas/help-desk/providers/jira.ts';
import { type Exchange, json, LONG, RESOLVED, startDesk, TICKET, testClient, testFaults } from './support.ts';

// Shapes and answers of https://developer.atlassian.com/cloud/jira/platform/rest/v3/ (issues, issue search, issue
// comments) and https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/.

const secret = 'token-s3cret';
const connection = (url: string) => ({ url, email: 'ops@example.com', apiToken: secret, projectKey: 'OPS' });
const headers = { authorization: `Basic ${Buffer.from(`ops@example.com:${secret}`).toString('base64')}` };
const label = `millrace-${TICKET.externalId}`;

const Mark = z.union([
  z.strictObject({ type: z.literal('strong') }),
  z.strictObject({ type: z.literal('link'), attrs: z.strictObject({ href: z.url() }) }),
]);
const Text = z.strictObject({
  type: z.literal('text'),
  text: z.string().min(1),
  marks: z.array(Mark).optional(),
});
const Plain = z.strictObject({ type: z.literal('text'), text: z.string().min(1) });
const Paragraph = z.strictObject({ type: z.literal('paragraph'), content: z.array(Text) });
const Node = z.union([
  Paragraph,
  z.strictObject({
    type: z.literal('codeBlock'),
    attrs: z.strictObject({ language: z.string() }),
    content: z.array(Plain),
  }),
  z.strictObject({
    type: z.literal('bulletList'),
    content: z
      .array(z.strictObject({ type: z.literal('listItem'), content: z.array(Paragraph).min(1) }))
      .min(1),
  }),
]);
const Document = z
  .strictObject({ version: z.literal(1), type: z.literal('doc'), content: z.array(Node) })
  .refine((document) => JSON.stringify(document).length < 32_767, 'too long');

const Fields = z.strictObject({
  project: z.strictObject({ key: z.literal('OPS') }),
  issuetype: z.strictObject({ name: z.literal('Task') }),
  summary: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[^\r\n]*$/),
  description: Document,
  labels: z.tuple([z.literal('millrace'), z.literal(label)]),
});
const WithPriority = Fields.extend({
  priority: z.strictObject({ name: z.enum(['Highest', 'High', 'Medium', 'Low']) }),
});

const search = (...issues: unknown[]): Exchange => ({
  request: 'POST /rest/api/3/search/jql',
  headers,
  body: z.strictObject({
    jql: z.literal(`project = "OPS" AND labels = "${label}" AND statusCategory != Done`),
    fields: z.array(z.string()),
    maxResults: z.literal(1),
  }),
  answer: json(200, { issues, isLast: true }),
});
const create = (
  fields: z.ZodType = WithPriority,
  answer = json(201, {
    id: '10000',
    key: 'OPS-24',
    self: 'https://your-domain.atlassian.net/rest/api/3/issue/10000',
  }),
): Exchange => ({
  request: 'POST /rest/api/3/issue',
  headers,
  body: z.strictObject({ fields }),
  answer,
});
const status = (name: string, key: string) => ({
  self: 'https://your-domain.atlassian.net/rest/api/3/status/10001',
  name,
  id: '10001',
  statusCategory: { id: 3, key, colorName: 'green', name },
});
const look = (name: string, category: string): Exchange => ({
  request: 'GET /rest/api/3/issue/OPS-24?fields=status',
  headers,
  answer: json(200, { id: '10000', key: 'OPS-24', fields: { status: status(name, category) } }),
});
const missing = json(404, {
  errorMessages: ['Issue does not exist or you do not have permission to see it.'],
  errors: {},
});
const comment = (answer = json(201, { id: '10000', body: {} })): Exchange => ({
  request: 'POST /rest/api/3/issue/OPS-24/comment',
  headers,
  body: z.strictObject({ body: Document }),
  answer,
});
const TO_DO = { id: '11', name: 'Back to the start', to: status('To Do', 'new') };
const PROGRESS = { id: '21', name: 'Start progress', to: status('In Progress', 'indeterminate') };
const WONT_DO = { id: '41', name: 'Won’t do', to: status('Won’t do', 'done') };
const DONE = { id: '31', name: 'Finish', to: status('Done', 'done') };
const transitions = (...found: unknown[]): Exchange => ({
  request: 'GET /rest/api/3/issue/OPS-24/transitions?expand=transitions.fields',
  headers,
  answer: json(200, { expand: 'transitions', transitions: found }),
});
const move = (id: string, fields?: unknown): Exchange => ({
  request: 'POST /rest/api/3/issue/OPS-24/transitions',
  headers,
  body: z.strictObject({
    transition: z.strictObject({ id: z.literal(id) }),
    ...(fields ? { fields: z.custom((value) => JSON.stringify(value) === JSON.stringify(fields)) } : {}),
  }),
  answer: { status: 204 },
});
const at = { id: 'OPS-24' };

test('an issue is opened under a label of its own, and people find it', async () => {
  const desk = await startDesk();
  const provider = jira(connection(desk.url), testClient());
  const opened = await desk.during([search(), create()], () => provider.open(TICKET));
  assert.deepEqual(opened, { id: 'OPS-24', url: `${desk.url}/browse/OPS-24` });
});

test('an opening that is repeated finds the first issue', async () => {
  const desk = await startDesk();
  const provider = jira(connection(desk.url), testClient());
  const found = await desk.during([search({ id: '10007', key: 'OPS-7', fields: {} })], () =>
    provider.open(TICKET),
  );
  assert.equal(found.id, 'OPS-7');
});

test('a project without priorities, or with others, gets the issue without', async () => {
  const desk = await startDesk();
  const provider = jira(connection(desk.url), testClient());
  const refused = json(400, {
    errorMessages: [],
    errors: { priority: "Field 'priority' cannot be set. It is not on the appropriate screen, or unknown." },
  });
  await desk.during([search(), create(WithPriority, refused), create(Fields)], () => provider.open(TICKET));
  const other = json(400, { errorMessages: [], errors: { issuetype: 'Specify a valid issue type' } });
  await desk.during([search(), create(WithPriority, other)], () =>
    assert.rejects(provider.open(TICKET), { name: 'DeskRefused', message: /Specify a valid issue type/ }),
  );
});

test('an issue is commented on, moved to done and moved back along its workflow', async () => {
  const desk = await startDesk();
  const provider = jira(connection(desk.url), testClient());
  await desk.during([comment()], () => provider.update(TICKET, at));
  await desk.during(
    [look('In Progress', 'indeterminate'), transitions(TO_DO, WONT_DO, DONE), move('31'), comment()],
    () => provider.resolve(RESOLVED, at),
  );
  const reopened = await desk.during(
    [look('Done', 'done'), transitions(DONE, PROGRESS, TO_DO), move('21'), comment()],
    () => provider.reopen(TICKET, at),
  );
  assert.equal(reopened, at);
});

test('a resolution is given where the transition insists on one', async () => {
  const desk = await startDesk();
  const provider = jira(connection(desk.url), testClient());
  const fields = {
    resolution: {
      required: true,
      name: 'Resolution',
      allowedValues: [
        { id: '1', name: 'Cannot reproduce' },
        { id: '2', name: 'Fixed' },
      ],
    },
  };
  await desk.during(
    [
      look('To Do', 'new'),
      transitions({ ...DONE, fields }),
      move('31', { resolution: { name: 'Fixed' } }),
      comment(),
    ],
    () => provider.resolve(RESOLVED, at),
  );
});

test('a resolution that is repeated moves nothing twice', async () => {
  const desk = await startDesk();
  const provider = jira(connection(desk.url), testClient());
  await desk.during([look('Done', 'done'), comment()], () => provider.resolve(RESOLVED, at));
  await desk.during([look('To Do', 'new'), comment()], () => provider.reopen(TICKET, at));
});

test('a workflow without a way back needs a new issue, one without a way to done needs somebody', async () => {
  const desk = await startDesk();
  const provider = jira(connection(desk.url), testClient());
  const back = await desk.during([look('Done', 'done'), transitions(WONT_DO)], () =>
    provider.reopen(TICKET, at),
  );
  assert.equal(back, undefined);
  await desk.during([look('To Do', 'new'), transitions(PROGRESS)], () =>
    assert.rejects(provider.resolve(RESOLVED, at), { name: 'DeskRefused', message: /no transition/ }),
  );
});

test('a deleted issue cannot be opened again or updated, and counts as resolved', async () => {
  const desk = await startDesk();
  const provider = jira(connection(desk.url), testClient());
  const gone = { ...look('', ''), answer: missing };
  assert.equal(await desk.during([gone], () => provider.reopen(TICKET, at)), undefined);
  await desk.during([gone], () => provider.resolve(RESOLVED, at));
  await desk.during([comment(missing)], () =>
    assert.rejects(provider.update(TICKET, at), { name: 'TicketGone' }),
  );
});

test('what an issue says is text, links and the command', async () => {
  const desk = await startDesk();
  const provider = jira(connection(desk.url), testClient());
  await desk.during([search(), create()], () => provider.open(TICKET));
  const body = desk.received.at(-1)?.body ?? '';
  assert.match(body, /"text":"AccessDenied <!channel> \{\{ticket/);
  assert.ok(body.includes(JSON.stringify({ type: 'text', text: TICKET.command })));
  assert.match(body, /"marks":\[\{"type":"link","attrs":\{"href":"https:\/\/console/);
  assert.match(body, /"text":"Runbook: docs\/operations\.md/);
  await desk.during([search(), create()], () => provider.open(LONG));
});

test('a connection that is not complete says what is missing', () => {
  assert.throws(
    () => jira({ url: 'https://acme.atlassian.net', email: 'a@b.c', projectKey: 'ops x' }, testClient()),
    /apiToken: expected string; projectKey: invalid format/,
  );
});

testFaults({
  name: 'jira',
  provider: (url, http) => jira(connection(url), http),
  secret,
  refusals: [
    {
      answer: { status: 401, text: 'Client must be authenticated to access this resource.' },
      error: 'DeskRefused',
      says: /Mend the credentials/,
    },
    {
      answer: json(403, { errorMessages: ['You do not have permission.'], errors: {} }),
      error: 'DeskRefused',
      says: /You do not have permission/,
    },
    { answer: missing, error: 'DeskRefused' },
    {
      answer: json(400, {
        errorMessages: ["The value 'OPS' does not exist for the field 'project'."],
        errors: {},
      }),
      error: 'DeskRefused',
      says: /does not exist for the field/,
    },
    { answer: json(409, { errorMessages: ['Conflict'] }), error: 'DeskUnavailable' },
    { answer: json(422, { errorMessages: ['Unprocessable'] }), error: 'DeskRefused' },
    { answer: json(429, { errorMessages: ['Rate limit exceeded.'] }), error: 'DeskThrottled' },
    { answer: json(500, { errorMessages: ['Internal server error'] }), error: 'DeskUnavailable' },
  ],
});
