import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { ask, helpDesk } from './help-desk-support.ts';

describe('alerts of Jira Service Management', () => {
  async function jsm() {
    const { desk } = await helpDesk();
    const [{ url = '', apiKey = '' }] = desk.connections('jsm');
    const send = (method: string, path: string, body?: unknown, key = apiKey) =>
      ask(method, `${url}/jsm/ops/integration/v2/alerts${path}`, body, { authorization: `GenieKey ${key}` });
    const outcome = async (requestId: string) => (await send('GET', `/requests/${requestId}`)).json.data;
    return { desk, send, outcome };
  }
  const alert = { message: 'It broke', alias: 'a-1', description: 'Quite', priority: 'P2' };

  test('an alias has one open alert; after its close it has another', async () => {
    const { desk, send, outcome } = await jsm();
    const { status, json } = await send('POST', '', alert);
    assert.deepEqual([status, json.result], [202, 'Request will be processed']);
    assert.equal((await outcome(json.requestId)).status, 'Created alert');
    await send('POST', '', alert);
    await send('POST', '/a-1/notes?identifierType=alias', { note: 'Still' });
    await send('POST', '/a-1/close?identifierType=alias', { note: 'Over' });
    await send('POST', '', alert);
    assert.deepEqual(
      desk.tickets().map(({ state, history }) => [state, history.map(({ kind }) => kind)]),
      [
        ['resolved', ['opened', 'updated', 'updated', 'resolved']],
        ['open', ['opened']],
      ],
    );
    assert.equal(desk.tickets()[0]?.record.count, 2);
  });

  test('a request about an alert that is not there is taken, and fails afterwards', async () => {
    const { send, outcome } = await jsm();
    const { status, json } = await send('POST', '/a-9/close?identifierType=alias', {});
    assert.equal(status, 202);
    assert.equal((await outcome(json.requestId)).success, false);
  });

  test('refuses wrong alerts as it publishes', async () => {
    const { send } = await jsm();
    for (const [body, words] of [
      [{ alias: 'a' }, /message/],
      [{ message: 'x'.repeat(131) }, /message/],
      [{ message: 'x', priority: 'high' }, /priority/],
      [{ message: 'x', tags: Array(21).fill('t') }, /tags/],
      [{ message: 'x', details: { count: 3 } }, /details/],
      [{ message: 'x', responders: [{ name: 'ops' }] }, /responders/],
      ['not json', /JSON/],
    ] as const) {
      const answer = await send('POST', '', body);
      assert.equal(answer.status, 422, answer.text);
      assert.match(answer.text, words);
    }
    assert.equal((await send('POST', '', alert, 'guessed')).status, 401);
  });
});

describe('PagerDuty', () => {
  async function pagerduty() {
    const { desk } = await helpDesk();
    const [{ url = '', routingKey }] = desk.connections('pagerduty');
    const event = {
      routing_key: routingKey,
      event_action: 'trigger',
      dedup_key: 'd-1',
      payload: { summary: 'It broke', source: 'millrace', severity: 'error' },
    };
    return { desk, event, send: (body: unknown) => ask('POST', `${url}/v2/enqueue`, body) };
  }

  test('a key has one open incident; after its resolution it has another', async () => {
    const { desk, event, send } = await pagerduty();
    const { payload, ...resolve } = { ...event, event_action: 'resolve' };
    const first = await send(event);
    assert.deepEqual([first.status, first.json.dedup_key], [202, 'd-1']);
    for (const body of [event, resolve, resolve, event]) assert.equal((await send(body)).status, 202);
    assert.deepEqual(
      desk.tickets().map(({ state, history }) => [state, history.map(({ kind }) => kind)]),
      [
        ['resolved', ['opened', 'updated', 'resolved']],
        ['open', ['opened']],
      ],
    );
    const { dedup_key, ...keyless } = event;
    assert.match((await send(keyless)).json.dedup_key, /^\w{32}$/);
  });

  test('refuses wrong events as it publishes', async () => {
    const { event, send } = await pagerduty();
    const { payload, dedup_key, ...bare } = event;
    for (const [body, status] of [
      [{ ...event, payload: { ...payload, severity: 'dire' } }, 400],
      [{ ...event, payload: { ...payload, summary: 'x'.repeat(1025) } }, 400],
      [{ ...event, payload: { summary: 'x', severity: 'info' } }, 400],
      [{ ...event, dedup_key: 'x'.repeat(256) }, 400],
      [{ ...event, routing_key: 'x'.repeat(32) }, 400],
      [{ ...event, links: [{ href: 'docs/operations.md' }] }, 400],
      [{ ...bare, event_action: 'resolve' }, 400],
      ['not json', 400],
      [{ ...event, payload: { ...payload, custom_details: { x: 'x'.repeat(512 * 1024) } } }, 413],
    ] as const) {
      const answer = await send(body);
      assert.equal(answer.status, status, answer.text);
      if (status === 400) assert.equal(answer.json.status, 'invalid event');
    }
  });
});

describe('Slack', () => {
  async function slack() {
    const { desk, clock } = await helpDesk();
    const [bot, hook = {}] = desk.connections('slack');
    const api = (method: string, body: unknown, token = bot.botToken) =>
      ask('POST', `${bot.url}/api/${method}`, body, { authorization: `Bearer ${token}` });
    return { desk, clock, api, hook: hook.webhookUrl ?? '', channel: bot.channel };
  }

  test('a message is posted and updated, and its thread is its history', async () => {
    const { desk, api, channel } = await slack();
    const { ok, ts } = (await api('chat.postMessage', { channel, text: 'It broke' })).json;
    assert.equal(ok, true);
    await api('chat.postMessage', { channel, text: 'Still', thread_ts: ts });
    await api('chat.update', { channel, ts, text: 'Resolved: it broke' });
    assert.deepEqual(
      desk.tickets().map(({ id, state, history }) => [id, state, history.map(({ text }) => text)]),
      [[ts, 'resolved', ['It broke', 'Still', 'Resolved: it broke']]],
    );
  });

  test('an incoming webhook takes messages', async () => {
    const { desk, hook } = await slack();
    const { status, text } = await ask('POST', hook, { text: 'It broke' });
    assert.deepEqual([status, text], [200, 'ok']);
    assert.equal(desk.tickets()[0]?.title, 'It broke');
  });

  test('refuses wrong messages as it publishes', async () => {
    const { api, hook, channel } = await slack();
    const section = (text: string) => [{ type: 'section', text: { type: 'mrkdwn', text } }];
    for (const [method, body, error] of [
      ['chat.postMessage', { channel }, 'no_text'],
      ['chat.postMessage', { channel: '#other', text: 'x' }, 'channel_not_found'],
      ['chat.postMessage', { channel, text: 'x', blocks: section('x'.repeat(3001)) }, 'invalid_blocks'],
      ['chat.postMessage', { channel, text: 'x', blocks: [{ type: 'image' }] }, 'invalid_blocks'],
      ['chat.postMessage', { channel, text: 'x'.repeat(40_001) }, 'msg_too_long'],
      ['chat.update', { channel, ts: '1.2', text: 'x' }, 'message_not_found'],
      ['chat.update', { channel: '#millrace', ts: '1.2', text: 'x' }, 'channel_not_found'],
      ['chat.shout', { channel }, 'unknown_method'],
    ] as const) {
      const { status, json } = await api(method, body);
      assert.deepEqual([status, json.ok, json.error], [200, false, error]);
    }
    assert.equal(
      (await api('chat.postMessage', { channel, text: 'x' }, 'guessed')).json.error,
      'invalid_auth',
    );
    for (const [url, body, status, text] of [
      [hook, {}, 400, 'no_text'],
      [hook, 'not json', 400, 'invalid_payload'],
      [hook, { blocks: [{ type: 'section' }] }, 400, 'invalid_blocks'],
      [`${hook}x`, { text: 'x' }, 404, 'no_service'],
    ] as const) {
      const answer = await ask('POST', url, body);
      assert.deepEqual([answer.status, answer.text], [status, text]);
    }
  });
});

describe('a signed webhook', () => {
  async function webhook() {
    const { desk, clock } = await helpDesk();
    const [{ url = '', signingSecret = '' }] = desk.connections('webhook');
    const ticket = {
      externalId: 'e-1',
      severity: 'error',
      pipeline: 'ocr',
      title: 'It broke',
      summary: 'Quite',
    };
    const send = (event: string, change: Record<string, string> = {}, body = JSON.stringify({ ticket })) => {
      const timestamp = change['x-millrace-timestamp'] ?? String(Math.floor(clock.now() / 1000));
      const hmac = createHmac('sha256', signingSecret).update(`${timestamp}.${body}`).digest('hex');
      return ask('POST', url, body, {
        'content-type': 'application/json',
        'x-millrace-timestamp': timestamp,
        'x-millrace-signature': `sha256=${hmac}`,
        'x-millrace-event': event,
        'idempotency-key': event,
        ...change,
      });
    };
    return { desk, send };
  }

  test('opens, updates, resolves and reopens, each once however often it comes', async () => {
    const { desk, send } = await webhook();
    for (const event of ['open', 'open', 'update', 'resolve', 'resolve', 'reopen']) {
      assert.equal((await send(event)).status, 200);
    }
    assert.deepEqual(
      desk.tickets().map(({ history }) => history.map(({ kind }) => kind)),
      [['opened', 'updated', 'resolved', 'reopened']],
    );
  });

  test('refuses what is not signed, too old, or no ticket', async () => {
    const { desk, send } = await webhook();
    for (const [change, body, status] of [
      [{ 'x-millrace-signature': `sha256=${'0'.repeat(64)}` }, undefined, 401],
      [{ 'x-millrace-timestamp': '1500000000' }, undefined, 401],
      [{ 'x-millrace-event': 'shout' }, undefined, 400],
      [{ 'idempotency-key': '' }, undefined, 400],
      [{}, '{"ticket":{}}', 422],
      [{}, 'not json', 400],
    ] as const) {
      assert.equal((await send('open', change, body)).status, status, JSON.stringify(change));
    }
    assert.deepEqual(desk.tickets(), []);
  });
});
