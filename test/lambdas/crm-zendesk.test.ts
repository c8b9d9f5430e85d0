import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CRM, KINDS } from '../../lambdas/crm-tickets/sources/index.ts';
import { recordsOf } from '../../lambdas/crm-tickets/sources/records.ts';
import type { Source } from '../../lambdas/crm-tickets/sources/source.ts';
import { createHttpClient } from '../../lambdas/shared/http/client.ts';
import { SmallZendesk, says, smallTicket } from '../support/small-zendesk.ts';

const http = (options = {}) =>
  createHttpClient({ remote: CRM, allowPrivate: true, totalMs: 2_000, ...options });

describe('Zendesk as a source', () => {
  let zendesk: SmallZendesk;
  let source: Source;
  before(async () => {
    zendesk = await new SmallZendesk().start();
    zendesk.changes.push(...Array.from({ length: 25 }, (_, n) => smallTicket(n + 1)));
  });
  after(() => zendesk.stop());
  beforeEach(() => {
    zendesk.odd.length = 0;
    source = KINDS.zendesk(JSON.parse(zendesk.connection()), http());
  });

  test('goes from page to page to the end, and keeps its cursor where there is nothing new', async () => {
    const seen: number[] = [];
    let position = source.first(new Date('2026-01-01T00:00:00Z'));
    for (let end = false; !end; ) {
      const page = await source.fetch(position);
      seen.push(page.tickets);
      position = page.next;
      end = page.end;
    }
    assert.deepEqual(seen, [10, 10, 5]);
    const again = await source.fetch(position);
    assert.deepEqual([again.tickets, again.next, again.end], [0, position, true]);
  });

  test('begins in the past by a minute at least', () => {
    const start = Number(new URLSearchParams(source.first(new Date())).get('start_time'));
    assert(start <= Date.now() / 1000 - 59);
  });

  test('asks for users, organisations and the times of solution beside the tickets', async () => {
    await source.fetch('cursor=0');
    assert.match(zendesk.requests.at(-1) ?? '', /include=users%2Corganizations%2Cmetric_sets/);
  });

  test('renews a token that is refused, once', async () => {
    const { tokens } = zendesk;
    zendesk.expire();
    await source.fetch('cursor=0');
    assert.equal(zendesk.tokens, tokens + 1);
  });

  test('is told to wait by Retry-After, and by limits that are used up', async () => {
    zendesk.odd.push(says(429, '{}', { 'retry-after': '23' }));
    await assert.rejects(source.fetch('cursor=0'), { name: 'CrmThrottled', retryAfterSeconds: 23 });
    const page = '{"tickets":[],"after_cursor":null,"end_of_stream":true}';
    const limit = 'total=10; remaining=0; resets=41';
    zendesk.odd.push(says(200, page, { 'zendesk-ratelimit-incremental-exports-cursor': limit }));
    assert.equal((await source.fetch('cursor=0')).waitSeconds, 41);
    zendesk.odd.push(says(200, page, { 'ratelimit-remaining': '699', 'ratelimit-reset': '9' }));
    assert.equal((await source.fetch('cursor=0')).waitSeconds, 0);
  });

  const WRONG: Readonly<Record<string, readonly [name: string, answer: Parameters<typeof says>]>> = {
    'a server error': ['CrmUnavailable', [500]],
    'a page for browsers': ['CrmUnavailable', [200, '<html>maintenance</html>']],
    'half an answer': ['CrmUnavailable', [200, '{"tickets":[{"id":1']],
    'JSON of another kind': ['CrmUnavailable', [200, '{"hello":1}']],
    'more without a cursor': [
      'CrmUnavailable',
      [200, '{"tickets":[],"after_cursor":null,"end_of_stream":false}'],
    ],
    'no right to exports': ['CrmRefused', [403, '{"error":"Forbidden"}']],
    'an address that is not there': ['CrmRefused', [404]],
    'a redirect to another host': ['CrmRefused', [302, '', { location: 'https://example.com/' }]],
  };
  for (const [what, [name, answer]] of Object.entries(WRONG)) {
    test(`${what} is ${name}`, async () => {
      zendesk.odd.push(says(...answer));
      await assert.rejects(source.fetch('cursor=0'), { name });
    });
  }

  test('an answer that is too large is not read to its end', async () => {
    const small = KINDS.zendesk(JSON.parse(zendesk.connection()), http({ maxBytes: 1_000 }));
    await assert.rejects(small.fetch('cursor=0'), {
      name: 'CrmUnavailable',
      message: /more than 1000 bytes/,
    });
  });

  test('wrong credentials are refused without naming them', async () => {
    zendesk.expire();
    zendesk.odd.push(says(401), says(401));
    await assert.rejects(source.fetch('cursor=0'), (error: Error) => {
      assert.equal(error.name, 'CrmRefused');
      assert.doesNotMatch(error.message, /s3cret|token-/);
      return true;
    });
  });

  test('an address that is not https is refused unless it is allowed', async () => {
    const strict = KINDS.zendesk(JSON.parse(zendesk.connection()), http({ allowPrivate: false }));
    await assert.rejects(strict.fetch('cursor=0'), {
      name: 'CrmRefused',
      message: /crm\.allowPrivateTargets/,
    });
  });

  test('a connection that is not whole says what is missing', () => {
    assert.throws(() => KINDS.zendesk({ url: 'https://acme.zendesk.com' }, http()), {
      name: 'CrmRefused',
      message: /clientId.*clientSecret/,
    });
  });

  test('tickets and customers have the shop’s numbers where there are any, and agents are no customers', async () => {
    const { body } = await source.fetch('cursor=0');
    const { tickets, customers } = recordsOf({
      format: 'zendesk',
      source: 'x',
      sequence: 1,
      fetchedAt: '2026-11-21T00:00:00.000Z',
      position: '',
      next: '',
      end: true,
      tickets: 10,
      body,
    });
    assert.equal(tickets.length, 10);
    assert.deepEqual(customers.map(({ customer_id }) => customer_id).sort(), [
      '100',
      'C-101',
      'C-102',
      'C-103',
      'C-104',
      'C-105',
      'C-106',
    ]);
    const [first, second] = tickets;
    assert.deepEqual(
      [first?.ticket_id, first?.customer_id, first?.is_open, first?.solved_at, second?.is_open],
      ['1', 'C-101', true, null, false],
    );
    assert.equal(second?.solved_at, '2026-10-01T03:00:00.000Z');
    assert.equal(customers[0]?.organization, 'Acme');
  });
});
