import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { after, describe, test } from 'node:test';
import type { RawPage, Records } from '../../lambdas/crm-tickets/contract.ts';
import { CRM, KINDS } from '../../lambdas/crm-tickets/sources/index.ts';
import { recordsOf } from '../../lambdas/crm-tickets/sources/records.ts';
import type { Source } from '../../lambdas/crm-tickets/sources/source.ts';
import { createHttpClient } from '../../lambdas/shared/http/client.ts';

const http = createHttpClient({ remote: CRM, allowPrivate: true, totalMs: 2_000 });
const stops: (() => void)[] = [];
after(() => {
  for (const stop of stops) stop();
});

interface Answer {
  readonly body: unknown;
  readonly headers?: Record<string, string>;
  readonly status?: number;
}

/** A server that answers by a function of the address, and keeps what it was asked. */
async function serve(answer: (url: URL, request: IncomingMessage, base: string) => Answer) {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const { port } = Object(server.address());
    const base = `http://127.0.0.1:${port}`;
    const url = new URL(request.url ?? '', base);
    await request.toArray();
    asked.push(`${url.pathname}${url.search}`);
    const { body, headers = {}, status = 200 } = answer(url, request, base);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { base: `http://127.0.0.1:${Object(server.address()).port}`, asked };
}

/** Fetches to the end; answers the records of each page and where the next export begins. */
async function exportAll(
  source: Source,
  from: string,
): Promise<{ readonly pages: readonly Records[]; readonly next: string }> {
  const pages: Records[] = [];
  let position = from;
  for (let requests = 0; requests < 20; requests++) {
    const { body, tickets, next, end } = await source.fetch(position);
    const raw: RawPage = {
      format: 'rest',
      source: source.name,
      sequence: 1,
      fetchedAt: '2026-11-21T00:00:00.000Z',
      position,
      next,
      end,
      tickets,
      ...(source.mapping && { mapping: source.mapping }),
      body,
    };
    if (tickets > 0) pages.push(recordsOf(raw));
    position = next;
    if (end) return { pages, next };
  }
  throw new Error('it does not end');
}

const idsOf = (pages: readonly Records[]) => pages.map(({ tickets }) => tickets.map((t) => t.ticket_id));

describe('a REST source', () => {
  test('Microsoft Graph: next links to the end, then changes by the delta link', async () => {
    const item = (id: number) => ({
      id: `m${id}`,
      subject: `Request ${id}`,
      bodyPreview: 'Where is my order?',
      from: { emailAddress: { address: `p${id}@example.com`, name: `Person ${id}` } },
      flag: { flagStatus: id === 2 ? 'complete' : 'flagged' },
      receivedDateTime: `2026-11-0${id}T10:00:00Z`,
      lastModifiedDateTime: `2026-11-0${id}T11:00:00Z`,
    });
    let tokens = 0;
    const { base, asked } = await serve((url, request, self) => {
      if (url.pathname.endsWith('/token')) {
        tokens++;
        return { body: { access_token: 'graph', expires_in: '3600', token_type: 'Bearer' } };
      }
      if (request.headers.authorization !== 'Bearer graph') return { status: 401, body: {} };
      const link = (query: string) => `${self}/v1.0/users/support/messages/delta?${query}`;
      const after = url.searchParams.get('$deltatoken');
      if (after)
        return {
          body: { value: after === 'd1' ? [item(3)] : [], '@odata.deltaLink': link('$deltatoken=d2') },
        };
      return url.searchParams.has('$skiptoken')
        ? { body: { value: [item(2)], '@odata.deltaLink': link('$deltatoken=d1') } }
        : { body: { value: [item(1)], '@odata.nextLink': link('$skiptoken=s1') } };
    });
    const source = KINDS.rest(
      {
        url: base,
        path: '/v1.0/users/support/messages/delta',
        items: '/value',
        pagination: { kind: 'next-link', pointer: '/@odata.nextLink', delta: '/@odata.deltaLink' },
        authentication: {
          kind: 'oauth',
          tokenUrl: `${base}/tenant/oauth2/v2.0/token`,
          clientId: 'app',
          clientSecret: 'secret',
          scope: 'https://graph.microsoft.com/.default',
        },
        ticket: {
          ticket_id: '/id',
          customer_id: '/from/emailAddress/address',
          subject: '/subject',
          description: '/bodyPreview',
          status: '/flag/flagStatus',
          created_at: '/receivedDateTime',
          updated_at: '/lastModifiedDateTime',
        },
        openStatuses: ['flagged', 'notflagged'],
        customer: {
          customer_id: '/from/emailAddress/address',
          email: '/from/emailAddress/address',
          name: '/from/emailAddress/name',
          created_at: '/receivedDateTime',
          updated_at: '/lastModifiedDateTime',
        },
      },
      http,
    );
    const first = await exportAll(source, source.first(new Date('2026-01-01T00:00:00Z')));
    assert.deepEqual(idsOf(first.pages), [['m1'], ['m2']]);
    assert.equal(first.pages[0]?.customers[0]?.name, 'Person 1');
    assert.deepEqual(
      first.pages.map(({ tickets: [ticket] }) => ticket?.is_open),
      [true, false],
    );
    const second = await exportAll(source, first.next);
    assert.deepEqual(idsOf(second.pages), [['m3']]);
    assert.deepEqual(idsOf((await exportAll(source, second.next)).pages), []);
    assert.equal(tokens, 1);
    assert(asked.some((address) => address.includes('deltatoken=d2')));
  });

  const ISSUE = {
    items: '',
    ticket: {
      ticket_id: '/number',
      customer_id: '/user/login',
      subject: '/title',
      status: '/state',
      created_at: '/created_at',
      updated_at: '/updated_at',
    },
  };
  const issue = (number: number, minute = number) => ({
    number,
    title: `Issue ${number}`,
    state: 'open',
    user: { login: 'octo' },
    created_at: '2026-11-01T00:00:00Z',
    updated_at: `2026-11-01T00:${String(minute).padStart(2, '0')}:00Z`,
  });

  test('links in a header, as GitHub has them; what comes again at the end is no news', async () => {
    const issues = Array.from({ length: 5 }, (_, n) => issue(n + 1));
    const { base, asked } = await serve((url, _request, self) => {
      const since = Date.parse(url.searchParams.get('since') ?? '');
      const page = Number(url.searchParams.get('page') ?? 1);
      const found = issues.filter(({ updated_at }) => Date.parse(updated_at) >= since);
      const rest = found.slice(page * 2);
      const next = new URL(url, self);
      next.searchParams.set('page', String(page + 1));
      return {
        body: found.slice((page - 1) * 2, page * 2),
        headers: { ...(rest.length > 0 && { link: `<${next}>; rel="next", <${self}/last>; rel="last"` }) },
      };
    });
    const source = KINDS.rest(
      {
        url: base,
        path: '/repos/acme/shop/issues',
        query: { state: 'all', sort: 'updated', direction: 'asc' },
        since: { parameter: 'since' },
        pagination: { kind: 'link-header' },
        authentication: { kind: 'bearer', token: 't' },
        ...ISSUE,
      },
      http,
    );
    const first = await exportAll(source, source.first(new Date('2026-01-01T00:00:00Z')));
    assert.deepEqual(idsOf(first.pages), [['1', '2'], ['3', '4'], ['5']]);
    assert.match(asked[1] ?? '', /page=2/);
    const again = await exportAll(source, first.next);
    assert.deepEqual(idsOf(again.pages), []);
    issues.push(issue(6, 5));
    assert.deepEqual(idsOf((await exportAll(source, again.next)).pages), [['5', '6']]);
  });

  test('counted pages in the order of changes skip nothing when an item changes in between', async () => {
    const issues = Array.from({ length: 6 }, (_, n) => issue(n + 1));
    let requests = 0;
    const { base } = await serve((url, request) => {
      assert.equal(request.headers.authorization, `Basic ${Buffer.from('me:pw').toString('base64')}`);
      if (++requests === 2) Object.assign(issues[0] ?? {}, issue(1, 30));
      const since = Number(url.searchParams.get('changed_after')) * 1000;
      const offset = Number(url.searchParams.get('skip'));
      const found = issues
        .filter(({ updated_at }) => Date.parse(updated_at) >= since)
        .sort((a, b) => Date.parse(a.updated_at) - Date.parse(b.updated_at));
      return { body: { list: found.slice(offset, offset + 2) } };
    });
    const source = KINDS.rest(
      {
        url: base,
        path: '/tickets',
        since: { parameter: 'changed_after', as: 'unix', isSorted: true },
        pagination: { kind: 'offset', parameter: 'skip', limitParameter: 'top', limit: 2 },
        authentication: { kind: 'basic', user: 'me', password: 'pw' },
        ...ISSUE,
        items: '/list',
      },
      http,
    );
    const { pages } = await exportAll(source, source.first(new Date('2026-01-01T00:00:00Z')));
    assert.deepEqual([...new Set(idsOf(pages).flat())].sort(), ['1', '2', '3', '4', '5', '6']);
  });

  test('a cursor in the body goes back as a parameter, and stays where the API says that it is the last', async () => {
    const { base, asked } = await serve((url) => {
      const cursor = Number(url.searchParams.get('after') ?? 0);
      return {
        body: {
          data: cursor < 2 ? [issue(cursor + 1)] : [],
          page: { next: String(Math.min(cursor + 1, 2)), more: cursor < 1 },
        },
      };
    });
    const source = KINDS.rest(
      {
        url: base,
        path: '/t',
        pagination: { kind: 'cursor', pointer: '/page/next', parameter: 'after', more: '/page/more' },
        authentication: { kind: 'none' },
        ...ISSUE,
        items: '/data',
      },
      http,
    );
    const { pages, next } = await exportAll(source, source.first(new Date()));
    assert.deepEqual(idsOf(pages), [['1'], ['2']]);
    assert.deepEqual(idsOf((await exportAll(source, next)).pages), []);
    assert.deepEqual(asked, ['/t', '/t?after=1', '/t?after=2']);
  });

  test('a link to another host is not followed: the credentials are not for it', async () => {
    const { base } = await serve(() => ({ body: { value: [issue(1)], next: 'https://evil.example.com/x' } }));
    const source = KINDS.rest(
      {
        url: base,
        path: '/t',
        pagination: { kind: 'next-link', pointer: '/next' },
        authentication: { kind: 'bearer', token: 'secret' },
        ...ISSUE,
        items: '/value',
      },
      http,
    );
    const { next } = await source.fetch(source.first(new Date()));
    await assert.rejects(source.fetch(next), { name: 'CrmRefused', message: /evil\.example\.com/ });
  });

  test('items that are not where the secret says are told', async () => {
    const { base } = await serve(() => ({ body: { other: [] } }));
    const source = KINDS.rest(
      {
        url: base,
        path: '/t',
        pagination: { kind: 'none' },
        authentication: { kind: 'none' },
        ...ISSUE,
        items: '/value',
      },
      http,
    );
    await assert.rejects(source.fetch(source.first(new Date())), { name: 'CrmUnavailable' });
  });
});
