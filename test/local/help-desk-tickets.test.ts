import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask, helpDesk } from './help-desk-support.ts';

const DAY_MS = 24 * 3600 * 1000;

describe('Zendesk', () => {
  async function zendesk() {
    const { desk, clock } = await helpDesk();
    const [{ url = '', clientId, clientSecret }] = desk.connections('zendesk');
    const token = (change = {}) =>
      ask('POST', `${url}/oauth/tokens`, {
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret,
        scope: 'tickets:read tickets:write',
        ...change,
      });
    let { access_token } = (await token()).json;
    const send = (method: string, path: string, body?: unknown, headers = {}) =>
      ask(method, `${url}/api/v2${path}`, body, { authorization: `Bearer ${access_token}`, ...headers });
    const renew = async () => {
      access_token = (await token()).json.access_token;
    };
    const opening = {
      ticket: { subject: 'It broke', comment: { body: 'Quite', public: false }, external_id: 'e-1' },
    };
    const open = async () => (await send('POST', '/tickets', opening)).json.ticket.id as number;
    return { desk, clock, token, send, open, opening, renew };
  }

  test('gives a token for the right client only', async () => {
    const { token } = await zendesk();
    assert.equal((await token()).json.token_type, 'bearer');
    for (const [change, status, error] of [
      [{ client_secret: 'guessed' }, 401, 'invalid_client'],
      [{ grant_type: 'password' }, 400, 'unsupported_grant_type'],
      [{ scope: 'everything' }, 400, 'invalid_scope'],
      [{ client_id: 7 }, 400, 'invalid_request'],
    ] as const) {
      const answer = await token(change);
      assert.deepEqual([answer.status, answer.json.error], [status, error]);
    }
  });

  test('wants a token that has not expired', async () => {
    const { send, clock } = await zendesk();
    assert.equal((await send('GET', '/tickets', undefined, { authorization: '' })).status, 401);
    assert.equal((await send('GET', '/tickets')).status, 200);
    await clock.advance(7_200_000);
    assert.equal((await send('GET', '/tickets')).json.error, 'invalid_token');
  });

  test('opens, finds, comments, solves and reopens a ticket', async () => {
    const { desk, send, open } = await zendesk();
    const id = await open();
    assert.equal((await send('GET', '/tickets?external_id=e-1')).json.tickets[0].id, id);
    assert.equal((await send('GET', '/tickets?external_id=e-2')).json.count, 0);
    const search = encodeURIComponent('type:ticket external_id:"e-1" status<solved');
    assert.equal((await send('GET', `/search?query=${search}`)).json.results[0].id, id);
    await send('PUT', `/tickets/${id}`, { ticket: { comment: { html_body: '<p>Still &lt;so&gt;</p>' } } });
    await send('PUT', `/tickets/${id}`, { ticket: { status: 'solved', assignee_id: 1001 } });
    assert.equal((await send('GET', `/search.json?query=${search}`)).json.count, 0);
    await send('PUT', `/tickets/${id}.json`, { ticket: { status: 'open', comment: { body: 'Again' } } });
    assert.deepEqual(
      desk
        .tickets()
        .map(({ externalId, history }) => [externalId, history.map(({ kind, text }) => [kind, text])]),
      [
        [
          'e-1',
          [
            ['opened', 'Quite'],
            ['updated', 'Still <so>'],
            ['resolved', 'status, assignee_id'],
            ['reopened', 'Again'],
          ],
        ],
      ],
    );
    assert.equal((await send('GET', `/tickets/${id}/comments`)).json.count, 3);
  });

  test('the same idempotency key is answered once for two hours, and wants the same body', async () => {
    const { desk, send, opening, clock, renew } = await zendesk();
    const post = (body: unknown) => send('POST', '/tickets', body, { 'idempotency-key': 'k' });
    const [first, second] = [await post(opening), await post(opening)];
    assert.deepEqual(
      [first, second].map(({ headers }) => headers.get('x-idempotency-lookup')),
      ['miss', 'hit'],
    );
    assert.deepEqual(first.json, second.json);
    const other = await post({ ticket: { ...opening.ticket, subject: 'Other' } });
    assert.deepEqual([other.status, other.json.error], [400, 'IdempotentRequestError']);
    await clock.advance(7_200_000);
    await renew();
    assert.equal((await post(opening)).headers.get('x-idempotency-lookup'), 'miss');
    assert.equal(desk.tickets().length, 2);
  });

  test('a ticket that was solved closes after four days and takes no change any more', async () => {
    const { send, open, clock, renew } = await zendesk();
    const id = await open();
    await send('PUT', `/tickets/${id}`, { ticket: { status: 'solved', assignee_id: 1001 } });
    await clock.advance(4 * DAY_MS);
    await renew();
    const { status, json } = await send('PUT', `/tickets/${id}`, { ticket: { status: 'open' } });
    assert.equal(status, 422);
    assert.match(json.details.status[0].description, /closed prevents ticket update/);
  });

  test('refuses wrong tickets as it publishes', async () => {
    const { send, open } = await zendesk();
    const id = await open();
    for (const [method, path, body, status, error] of [
      ['POST', '/tickets', { ticket: { subject: 'No comment' } }, 422, /cannot be blank/],
      ['POST', '/tickets', { ticket: { comment: { Body: 'Capital' } } }, 422, /cannot be blank/],
      ['POST', '/tickets', { ticket: { comment: { body: 'x' }, priority: 'dire' } }, 422, /priority/],
      ['POST', '/tickets', { ticket: { comment: { body: 'x' }, tags: 'one' } }, 400, /Invalid attribute/],
      ['POST', '/tickets', {}, 400, /Invalid attribute/],
      ['POST', '/tickets', 'not json', 422, /could not parse JSON/],
      ['PUT', `/tickets/${id}`, { ticket: { status: 'solved' } }, 422, /Assignee: is required/],
      ['PUT', `/tickets/${id}`, { ticket: { status: 'done' } }, 422, /status/],
      ['PUT', '/tickets/99', { ticket: { status: 'open' } }, 404, /RecordNotFound/],
      ['GET', '/search?query=colour:red', undefined, 422, /Invalid search/],
      ['GET', '/nothing', undefined, 404, /InvalidEndpoint/],
    ] as const) {
      const answer = await send(method, path, body);
      assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)}: ${answer.text}`);
      assert.match(answer.text, error);
    }
  });
});

describe('ServiceNow', () => {
  const TABLE = '/api/now/table/incident';

  async function servicenow() {
    const { desk, clock } = await helpDesk();
    const [oauth, basic = {}, key = {}] = desk.connections('servicenow');
    const { url = '' } = oauth;
    const headers = { 'x-sn-apikey': key.apiKey ?? '' };
    const send = (method: string, path: string, body?: unknown) =>
      ask(method, `${url}${path}`, body, headers);
    const incident = { short_description: 'It broke', urgency: '2', impact: '2', correlation_id: 'c-1' };
    const open = async () => (await send('POST', TABLE, incident)).json.result.sys_id as string;
    return { desk, clock, url, oauth, basic, send, open, incident };
  }

  test('knows a client of OAuth, a user and a key', async () => {
    const { url, oauth, basic, send } = await servicenow();
    const token = (secret: string) =>
      ask(
        'POST',
        `${url}/oauth_token.do`,
        new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: oauth.clientId ?? '',
          client_secret: secret,
        }).toString(),
        { 'content-type': 'application/x-www-form-urlencoded' },
      );
    const bearer = `Bearer ${(await token(oauth.clientSecret ?? '')).json.access_token}`;
    const user = `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
    for (const authorization of [bearer, user]) {
      assert.equal((await ask('GET', `${url}${TABLE}`, undefined, { authorization })).status, 200);
    }
    assert.equal((await send('GET', TABLE)).status, 200);
    assert.equal((await token('guessed')).status, 401);
    const { status, json } = await ask('GET', `${url}${TABLE}`, undefined, { authorization: 'Bearer x' });
    assert.deepEqual([status, json.error.message], [401, 'User Not Authenticated']);
  });

  test('opens, finds, notes, resolves and reopens an incident', async () => {
    const { desk, send, open } = await servicenow();
    const id = await open();
    const find = '?sysparm_query=correlation_id=c-1^state!=7^ORDERBYDESCsys_created_on&sysparm_limit=1';
    const found = (await send('GET', `${TABLE}${find}&sysparm_fields=sys_id,priority`)).json.result;
    assert.deepEqual(found, [{ sys_id: id, priority: '3' }]);
    await send('PATCH', `${TABLE}/${id}`, { work_notes: 'Still' });
    const over = { state: 6, close_code: 'Solution provided', close_notes: 'Over' };
    assert.equal((await send('PATCH', `${TABLE}/${id}`, over)).json.result.state, '6');
    await send('PATCH', `${TABLE}/${id}`, { state: '2', work_notes: 'Again' });
    assert.deepEqual(
      desk.tickets()[0]?.history.map(({ kind, text }) => [kind, text]),
      [
        ['opened', 'short_description, urgency, impact, correlation_id'],
        ['updated', 'Still'],
        ['resolved', 'Over'],
        ['reopened', 'Again'],
      ],
    );
  });

  test('cuts what is too long and leaves out columns that it does not have', async () => {
    const { send, incident } = await servicenow();
    const body = { ...incident, short_description: 'x'.repeat(200), nonsense: 'y' };
    const { result } = (await send('POST', TABLE, body)).json;
    assert.equal(result.short_description.length, 160);
    assert.equal('nonsense' in result, false);
  });

  test('a resolved incident closes after seven days and takes no change any more', async () => {
    const { send, open, clock } = await servicenow();
    const id = await open();
    await send('PATCH', `${TABLE}/${id}`, { state: '6', close_code: 'Known error', close_notes: 'Over' });
    await clock.advance(7 * DAY_MS);
    assert.equal((await send('GET', `${TABLE}/${id}`)).json.result.state, '7');
    assert.equal((await send('PATCH', `${TABLE}/${id}`, { state: '2' })).status, 403);
  });

  test('refuses wrong incidents as it publishes', async () => {
    const { send, open } = await servicenow();
    const id = await open();
    for (const [method, path, body, status, words] of [
      ['PATCH', `${TABLE}/${id}`, { state: '6' }, 403, /Data Policy Exception.*Resolution code/],
      ['POST', TABLE, { description: 'x' }, 403, /Short description/],
      ['POST', TABLE, { short_description: 'x', impact: 'high' }, 400, /impact/],
      ['POST', TABLE, { short_description: ['x'] }, 400, /text/],
      ['POST', TABLE, 'not json', 400, /not valid JSON/],
      ['PATCH', `${TABLE}/${'0'.repeat(32)}`, { state: '2' }, 404, /No Record found/],
      ['GET', `${TABLE}?sysparm_query=corelation_id=c-1`, undefined, 400, /left out/],
      ['GET', '/api/now/nothing', undefined, 400, /resource/],
    ] as const) {
      const answer = await send(method, path, body);
      assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
      assert.match(answer.text, words);
    }
  });
});

describe('Jira', () => {
  const doc = (text: string) => ({
    type: 'doc',
    version: 1,
    content: [{ type: 'paragraph', content: [{ type: 'text', text }] }],
  });

  async function jira() {
    const { desk } = await helpDesk();
    const [{ url = '', email, apiToken, projectKey: key }] = desk.connections('jira');
    const authorization = `Basic ${Buffer.from(`${email}:${apiToken}`).toString('base64')}`;
    const send = (method: string, path: string, body?: unknown, headers = {}) =>
      ask(method, `${url}/rest/api/3${path}`, body, { authorization, ...headers });
    const fields = {
      project: { key },
      issuetype: { name: 'Task' },
      summary: 'It broke',
      labels: ['millrace-1'],
      description: doc('Quite'),
    };
    const open = async () => (await send('POST', '/issue', { fields })).json.key as string;
    return { desk, send, open, fields };
  }

  test('opens, finds, comments, moves and moves back an issue', async () => {
    const { desk, send, open } = await jira();
    const key = await open();
    const jql = 'project = "OPS" AND labels = "millrace-1" AND statusCategory != Done ORDER BY created DESC';
    const search = async () => (await send('POST', '/search/jql', { jql, fields: ['status'] })).json.issues;
    assert.deepEqual(
      (await search()).map((issue: { key: string }) => issue.key),
      [key],
    );
    await send('POST', `/issue/${key}/comment`, { body: doc('Still') });
    const { transitions } = (await send('GET', `/issue/${key}/transitions`)).json;
    const to = (category: string) =>
      transitions.find(
        (t: { to: { statusCategory: { key: string } } }) => t.to.statusCategory.key === category,
      );
    await send('POST', `/issue/${key}/transitions`, { transition: { id: to('done').id } });
    assert.deepEqual(await search(), []);
    await send('POST', `/issue/${key}/transitions`, { transition: { id: to('new').id } });
    assert.deepEqual(
      desk.tickets()[0]?.history.map(({ kind, text }) => [kind, text]),
      [
        ['opened', 'Quite'],
        ['updated', 'Still'],
        ['resolved', 'Done'],
        ['reopened', 'To Do'],
      ],
    );
  });

  test('refuses wrong issues as it publishes', async () => {
    const { send, open, fields } = await jira();
    const key = await open();
    const but = (change: object) => ({ fields: { ...fields, ...change } });
    for (const [method, path, body, status, words] of [
      ['POST', '/issue', but({ summary: undefined }), 400, /must specify a summary/],
      ['POST', '/issue', but({ summary: 'a\nb' }), 400, /newline/],
      ['POST', '/issue', but({ summary: 'x'.repeat(256) }), 400, /summary/],
      ['POST', '/issue', but({ labels: ['two words'] }), 400, /spaces/],
      ['POST', '/issue', but({ description: 'plain' }), 400, /Atlassian Document/],
      ['POST', '/issue', but({ severity: 'high' }), 400, /cannot be set/],
      ['POST', '/issue', but({ project: { key: 'NO' } }), 400, /project/],
      [
        'POST',
        `/issue/${key}/transitions`,
        { transition: { id: '99' } },
        400,
        /not valid for the current state/,
      ],
      ['POST', '/issue/OPS-99/comment', { body: doc('x') }, 404, /does not exist/],
      ['POST', '/search/jql', { jql: 'ORDER BY created' }, 400, /Unbounded JQL/],
      ['POST', '/search/jql', { jql: 'text ~ "x"' }, 400, /not understood/],
      ['POST', '/search', { jql: 'project = OPS' }, 410, /has been removed/],
    ] as const) {
      const answer = await send(method, path, body);
      assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)}: ${answer.text}`);
      assert.match(answer.text, words);
    }
    assert.equal(
      (await send('GET', `/issue/${key}`, undefined, { authorization: 'Basic eDp5' })).status,
      401,
    );
  });
});
