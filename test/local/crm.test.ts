import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { ManualClock } from '../../local/clock.ts';
import { type Delivery, startCrm } from '../../local/crm/index.ts';
import { testCrm, tokenOf } from './crm-support.ts';
import { ask, directory } from './help-desk-support.ts';

const EXPORT = '/api/v2/incremental/tickets/cursor.json';
const FROM_THE_START = `${EXPORT}?start_time=1000000000`;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Tickets of pages by id, and how often each came. */
function ticketsOf(pages: readonly { json: { tickets: { id: number; updated_at: string }[] } }[]) {
  return pages.flatMap(({ json }) => json.tickets);
}

describe('the CRM of this machine: its tickets', () => {
  test('there are a few thousand from the start, the same for every directory', async () => {
    const [one, two] = [await testCrm(), await testCrm()];
    assert.ok(one.crm.tickets().length >= 3000);
    assert.deepEqual(one.crm.tickets(), two.crm.tickets());
    const statuses = new Set(one.crm.tickets().map(({ fields }) => fields.status));
    assert.deepEqual(
      [...statuses].sort(),
      ['closed', 'deleted', 'hold', 'new', 'open', 'pending', 'solved'].sort(),
    );
  });

  test('they change and new ones come as time goes by', async () => {
    const { crm, clock } = await testCrm();
    const before = new Map(crm.tickets().map((ticket) => [ticket.id, ticket]));
    await clock.advance(2 * DAY_MS);
    const now = crm.tickets();
    assert.ok(now.length > before.size + 50);
    const solved = now.filter(
      ({ id, fields }) => fields.status === 'solved' && before.get(id)?.fields.status === 'open',
    );
    assert.ok(solved.length > 10);
    for (const { id, updatedAt } of solved) assert.ok(updatedAt > (before.get(id)?.updatedAt ?? 0));
  });

  test('what somebody changed and when it all began survive a restart', async () => {
    const dataDir = directory();
    const clock = new ManualClock();
    const first = await startCrm({ dataDir, clock });
    const [ticket] = first.tickets().filter(({ fields }) => fields.status === 'open');
    assert.ok(ticket);
    await clock.advance(5000);
    first.change(ticket.id, { priority: 'urgent' });
    const before = first.tickets();
    await first.stop();
    await clock.advance(DAY_MS / 2);
    const { crm } = await testCrm(dataDir, clock);
    const after = new Map(crm.tickets().map((each) => [each.id, each]));
    assert.equal(after.get(ticket.id)?.fields.priority, 'urgent');
    for (const { id, createdAt } of before) assert.equal(after.get(id)?.createdAt, createdAt);
  });

  test('customers have the numbers of the shop', async () => {
    const { get } = await testCrm();
    const { users } = (await get('/api/v2/incremental/users/cursor.json?start_time=1')).json;
    const ids = users.map(({ external_id }: { external_id: string }) => external_id).filter(Boolean);
    assert.ok(ids.includes('C-1001') && ids.includes('C-1399'));
    assert.ok(ids.every((id: string) => /^C-1\d{3}$/.test(id)));
    assert.ok(ids.length < users.length);
  });
});

describe('the CRM of this machine: the incremental export', () => {
  test('gives each ticket once, in the order of its change, until the end', async () => {
    const { crm, pages } = await testCrm();
    const answers = await pages(`${FROM_THE_START}&per_page=300`);
    const ids = ticketsOf(answers).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    const settled = crm
      .tickets()
      .filter(({ generatedAt }) => generatedAt <= Date.UTC(2026, 0, 1) - MINUTE_MS);
    assert.ok(Math.abs(ids.length - settled.length) < 5);
    assert.ok(answers.slice(0, -1).every(({ json }) => json.tickets.length === 300));
    const times = answers.flatMap(({ json }) =>
      json.tickets.map(({ generated_timestamp }: { generated_timestamp: number }) => generated_timestamp),
    );
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  test('a cursor goes on where it was, a year later too, and brings only what changed', async () => {
    const { clock, pages, get, token, crm } = await testCrm();
    const first = await pages(FROM_THE_START);
    const cursor = first.at(-1)?.json.after_cursor;
    await clock.advance(DAY_MS / 4);
    const fresh = await tokenOf(crm);
    const known = new Map(ticketsOf(first).map((ticket) => [ticket.id, ticket.updated_at]));
    const { json } = await get(`${EXPORT}?cursor=${encodeURIComponent(cursor)}`, fresh);
    assert.notEqual(token, fresh);
    assert.ok(json.tickets.length > 0 && json.tickets.length < 200);
    assert.equal(json.end_of_stream, true);
    for (const { id, updated_at } of json.tickets) assert.ok(updated_at >= (known.get(id) ?? ''));
    // Behind the last page there is nothing, and no cursor either.
    const empty = await get(`${EXPORT}?cursor=${encodeURIComponent(json.after_cursor)}`, fresh);
    assert.deepEqual(
      [empty.json.tickets, empty.json.after_cursor, empty.json.after_url, empty.json.end_of_stream],
      [[], null, null, true],
    );
  });

  test('whatever changes during an export is in one of its pages or of the next', async () => {
    const { crm, clock, get } = await testCrm();
    const seen = new Map<number, string>();
    let cursor: string | undefined;
    let moved = 0;
    for (;;) {
      const start = cursor ? `cursor=${encodeURIComponent(cursor)}` : 'start_time=1';
      const { json } = await get(`${EXPORT}?${start}&per_page=400`, await tokenOf(crm));
      for (const { id, updated_at } of json.tickets) seen.set(id, updated_at);
      cursor = json.after_cursor ?? cursor;
      if (json.end_of_stream) break;
      // Tickets change that were given already, and ones that were not.
      const open = crm.tickets().filter(({ fields }) => fields.status === 'open');
      for (const ticket of [open[0], open.at(-1)])
        if (ticket) crm.change(ticket.id, { tags: [`n${++moved}`] });
      await clock.advance(2 * MINUTE_MS);
    }
    const now = clock.now();
    for (const { id, updatedAt } of crm.tickets()) {
      if (updatedAt > now - MINUTE_MS) continue;
      assert.equal(Date.parse(seen.get(id) ?? ''), updatedAt, `ticket ${id}`);
    }
  });

  test('leaves out the last minute', async () => {
    const { crm, clock, get } = await testCrm();
    const [ticket] = crm.tickets().filter(({ fields }) => fields.status === 'open');
    const at = clock.now();
    crm.change(ticket?.id ?? 0, { priority: 'urgent' });
    const since = `${EXPORT}?start_time=${at / 1000 - MINUTE_MS / 1000}`;
    const ids = async () => (await get(since)).json.tickets.map(({ id }: { id: number }) => id);
    assert.ok(!(await ids()).includes(ticket?.id));
    await clock.advance(MINUTE_MS - 1000);
    assert.ok(!(await ids()).includes(ticket?.id));
    await clock.advance(1000);
    assert.ok((await ids()).includes(ticket?.id));
  });

  test('loads users, organisations and metrics beside the tickets', async () => {
    const { get } = await testCrm();
    const { json } = await get(`${FROM_THE_START}&include=users,organizations,metric_sets&per_page=1000`);
    const users = new Set(json.users.map(({ id }: { id: number }) => id));
    const organizations = new Set(json.organizations.map(({ id }: { id: number }) => id));
    for (const ticket of json.tickets) {
      assert.ok(users.has(ticket.requester_id));
      assert.ok(ticket.organization_id === null || organizations.has(ticket.organization_id));
      assert.equal(
        ticket.metric_set.solved_at !== null,
        ['solved', 'closed'].includes(ticket.status),
        ticket.status,
      );
    }
    assert.equal((await get(FROM_THE_START)).json.users, undefined);
  });

  test('ten requests a minute, and the answers say how it stands', async () => {
    const { get, clock } = await testCrm();
    for (let i = 9; i >= 0; i--) {
      const { status, headers } = await get(`${FROM_THE_START}&per_page=1`);
      assert.equal(status, 200);
      assert.equal(
        headers.get('zendesk-ratelimit-incremental-exports-cursor'),
        `total=10; remaining=${i}; resets=60`,
      );
    }
    await clock.advance(18_500);
    const refused = await get(FROM_THE_START);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '42');
    assert.equal(refused.json.error, 'APIRateLimitExceeded');
    // Other endpoints have the account's limit only.
    const shown = await get('/api/v2/tickets/10001.json');
    assert.equal(shown.status, 200);
    assert.equal(shown.headers.get('x-rate-limit'), '700');
    await clock.advance(42_000);
    assert.equal((await get(FROM_THE_START)).status, 200);
  });

  for (const [what, path, status, error] of [
    ['no start', EXPORT, 400, undefined],
    ['a start that is no number', `${EXPORT}?start_time=yesterday`, 400, undefined],
    ['a start of now', `${EXPORT}?start_time=${Date.UTC(2026, 0, 1) / 1000}`, 400, 'StartTimeTooRecent'],
    ['a cursor of somebody else', `${EXPORT}?cursor=bm9uZQ%3D%3D`, 400, 'InvalidPaginationParameter'],
    ['a page of no size', `${FROM_THE_START}&per_page=none`, 400, undefined],
    ['a path that is not there', '/api/v2/incremental/tickets/nothing', 404, 'InvalidEndpoint'],
    ['a ticket that is not there', '/api/v2/tickets/1', 404, 'RecordNotFound'],
  ] as const) {
    test(`refuses ${what}`, async () => {
      const { get } = await testCrm();
      const answer = await get(path);
      assert.equal(answer.status, status);
      if (error) assert.equal(answer.json.error, error);
      else assert.equal(answer.json.error.title, 'Invalid attribute');
    });
  }

  test('wants a token that is good and for it', async () => {
    const { crm, get, clock, token } = await testCrm();
    assert.equal((await ask('GET', `${crm.url}${FROM_THE_START}`)).json.error, "Couldn't authenticate you");
    assert.equal((await get(FROM_THE_START, 'made-up')).json.error, 'invalid_token');
    const narrow = await tokenOf(crm, 'tickets:read');
    assert.equal((await get(`${FROM_THE_START}&per_page=1`, narrow)).status, 200);
    assert.equal((await get(`${FROM_THE_START}&include=users`, narrow)).status, 403);
    await clock.advance(31 * MINUTE_MS);
    assert.equal((await get(FROM_THE_START, token)).status, 401);
  });

  test('does wrong what it is told to do wrong', async () => {
    const { crm, get } = await testCrm();
    const path = `${FROM_THE_START}&per_page=2`;
    for (const [kind, status] of [
      ['server-error', 503],
      ['throttled', 429],
      ['unauthorized', 401],
      ['nonsense', 200],
    ] as const) {
      const end = crm.fault({ kind, retryAfter: 7 });
      const answer = await get(path);
      assert.equal(answer.status, status, kind);
      assert.equal(answer.json.tickets, undefined, kind);
      if (kind === 'throttled') assert.equal(answer.headers.get('retry-after'), '7');
      end();
    }
    for (const kind of ['down', 'truncated'] as const) {
      await ask('POST', `${crm.url}/faults`, { kind, times: 1 });
      await assert.rejects(get(path), kind);
    }
    assert.equal((await get(path)).status, 200);
  });
});

describe('the CRM of this machine: single tickets', () => {
  test('shows many at once, with who asked; deleted ones are not among them', async () => {
    const { crm, get } = await testCrm();
    const deleted = crm.tickets().find(({ fields }) => fields.status === 'deleted');
    const { json } = await get(
      `/api/v2/tickets/show_many.json?ids=10001,10002,${deleted?.id},7&include=users,organizations`,
    );
    assert.deepEqual(
      json.tickets.map(({ id }: { id: number }) => id),
      [10001, 10002],
    );
    assert.ok(json.users.some(({ id }: { id: number }) => id === json.tickets[0].requester_id));
    assert.equal((await get('/api/v2/tickets/show_many.json?ids=one')).status, 400);
  });

  test('are opened, changed and deleted through the API', async () => {
    const { crm, clock, token, get } = await testCrm();
    const by = { authorization: `Bearer ${token}` };
    const { json } = await ask(
      'POST',
      `${crm.url}/api/v2/tickets.json`,
      { ticket: { subject: 'Lamp', comment: { body: 'It is dark.' }, requester_id: 20_003 } },
      by,
    );
    const path = `${crm.url}/api/v2/tickets/${json.ticket.id}`;
    await clock.advance(10_000);
    await ask('PUT', path, { ticket: { status: 'open', priority: 'high' } }, by);
    const { ticket } = (await get(path)).json;
    assert.deepEqual([ticket.status, ticket.priority, ticket.requester_id], ['open', 'high', 20_003]);
    assert.equal(Date.parse(ticket.updated_at) - Date.parse(ticket.created_at), 10_000);
    assert.equal((await ask('DELETE', path, undefined, by)).status, 204);
    assert.equal((await get(path)).status, 404);
    await clock.advance(MINUTE_MS);
    const { tickets } = (await get(`${EXPORT}?start_time=${Date.parse(ticket.updated_at) / 1000}`)).json;
    assert.equal(tickets.find(({ id }: { id: number }) => id === ticket.id).status, 'deleted');
  });
});

describe('the CRM of this machine: its webhook', () => {
  interface Call {
    readonly headers: NodeJS.Dict<string | string[]>;
    readonly body: string;
  }

  /** Somebody who is called. @param statuses what is answered, one after the other, and 200 after them */
  async function subscriber(statuses: number[] = []) {
    const calls: Call[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        calls.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        const status = statuses.shift() ?? 200;
        response.writeHead(status, { ...(status === 503 && { 'retry-after': '7' }) }).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    after(() => server.close());
    return { calls, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/zendesk` };
  }

  test('tells of each change at once, signed', async () => {
    const { crm } = await testCrm();
    const { calls, url } = await subscriber();
    crm.subscribe({ url, secret: 'signing' });
    const [ticket] = crm.tickets().filter(({ fields }) => fields.status === 'open');
    crm.change(ticket?.id ?? 0, { status: 'pending' });
    await crm.deliver();
    const event = JSON.parse(calls[0]?.body ?? '');
    assert.equal(calls.length, 1);
    assert.equal(event.type, 'zen:event-type:ticket.status_changed');
    assert.deepEqual([event.event.current, event.event.previous], ['PENDING', 'OPEN']);
    assert.equal(event.subject, `zen:ticket:${ticket?.id}`);
    assert.equal(event.detail.id, String(ticket?.id));
    assert.match(String(calls[0]?.headers['x-zendesk-webhook-signature']), /^[\w+/]{43}=$/);
  });

  test('tells of what happens by itself when it happens', async () => {
    const { crm, clock } = await testCrm();
    const { url } = await subscriber();
    const deliveries: Delivery[] = [];
    crm.onDelivery((delivery) => deliveries.push(delivery));
    crm.subscribe({ url, secret: 'signing' });
    await clock.advance(3 * 60 * MINUTE_MS);
    await crm.deliver();
    assert.ok(deliveries.length >= 4);
    assert.ok(deliveries.some(({ type }) => type.endsWith('ticket.created')));
  });

  test('tries again with the same invocation, and gives up after three more', async () => {
    const { crm, clock } = await testCrm();
    const { calls, url } = await subscriber([503, 409, 200, 409, 409, 409, 409, 500, 429]);
    const attempts: Delivery[] = [];
    crm.onDelivery((delivery) => {
      attempts.push(delivery);
      // Its pause begins behind this.
      setImmediate(() => clock.advance(10_000));
    });
    crm.subscribe({ url, secret: 'signing' });
    const [ticket] = crm.tickets().filter(({ fields }) => fields.status === 'open');
    crm.change(ticket?.id ?? 0, { priority: 'urgent' });
    await crm.deliver();
    assert.deepEqual(
      attempts.map(({ status }) => status),
      [503, 409, 200],
    );
    assert.equal(new Set(calls.map(({ headers }) => headers['x-zendesk-webhook-invocation-id'])).size, 1);
    crm.change(ticket?.id ?? 0, { priority: 'low' });
    await crm.deliver();
    assert.equal(attempts.length, 3 + 4);
    // Neither a failure nor a refusal that does not say when to come back.
    for (const status of [500, 429]) {
      crm.change(ticket?.id ?? 0, { priority: 'high' });
      await crm.deliver();
      assert.equal(attempts.at(-1)?.status, status);
    }
    assert.equal(attempts.length, 3 + 4 + 2);
  });
});
