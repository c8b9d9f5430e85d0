import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkCustomers, checkTickets, digestOf, textOf } from '../../lambdas/crm-tickets/check.ts';
import type { PageFormat, RawPage } from '../../lambdas/crm-tickets/contract.ts';
import { recordsOf } from '../../lambdas/crm-tickets/sources/records.ts';
import { smallTicket } from '../support/small-zendesk.ts';

const page = (format: PageFormat, body: unknown, mapping?: RawPage['mapping']): RawPage => ({
  format,
  source: 'test',
  sequence: 1,
  fetchedAt: '2026-11-21T00:00:00.000Z',
  position: '',
  next: '',
  end: true,
  tickets: 0,
  ...(mapping && { mapping }),
  body: JSON.stringify(body),
});

/** A good ticket of which some members are anything. */
const ticket = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.dictionary(fc.constantFrom(...members()), fc.jsonValue()))
  .map(([id, damage]) => ({ ...smallTicket(id), ...damage }));
const anything = fc.oneof({ weight: 3, arbitrary: ticket }, { weight: 1, arbitrary: fc.jsonValue() });

function members(): string[] {
  return Object.keys(smallTicket(1));
}

test('every record of a page is accepted or quarantined, whatever it is', () => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 30 }), fc.array(fc.jsonValue()), (tickets, users) => {
      const records = recordsOf(page('zendesk', { tickets, users }));
      assert.equal(records.tickets.length, tickets.length);
      for (const { counts, rows, quarantined } of [checkTickets(records), checkCustomers(records)]) {
        assert.equal(counts.read, counts.accepted + counts.quarantined);
        assert.equal(rows.length, counts.accepted);
        const lines = new Set([...rows.map(({ line }) => line), ...quarantined.map(({ line }) => line)]);
        assert.equal(lines.size, counts.read);
      }
    }),
  );
});

test('a page of a REST source is read whatever its items are', () => {
  const mapping = {
    items: '/list',
    ticket: { ticket_id: '/id', status: '/status', created_at: '/a/b', updated_at: '/tags/0' },
    customer: { customer_id: '/requester_id' },
  };
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 30 }), (list) => {
      const records = recordsOf(page('rest', { list }, mapping));
      const { counts } = checkTickets(records);
      assert.equal(counts.read, list.length);
      assert.equal(counts.read, counts.accepted + counts.quarantined);
    }),
  );
});

test('quarantine never tells the personal values of customers', () => {
  const name = 'Jane Miller';
  const email = `${'j'.repeat(400)}@example.com`;
  const records = recordsOf(
    page('zendesk', { tickets: [], users: [{ id: 1, role: 'end-user', name: { name }, email }] }),
  );
  const { quarantined } = checkCustomers(records);
  assert(quarantined.some(({ column }) => column === 'email'));
  assert.doesNotMatch(JSON.stringify(quarantined), /Jane|example/);
});

test('the same text has the same digest, whatever else of the ticket changes; no text has none', () => {
  const records = (changes: object) =>
    recordsOf(page('zendesk', { tickets: [{ ...smallTicket(1), ...changes }] }));
  const digest = (changes: object) => {
    const [first] = records(changes).tickets;
    return first ? digestOf(textOf(first)) : undefined;
  };
  assert.equal(digest({ status: 'closed', tags: [] }), digest({}));
  assert.notEqual(digest({ subject: 'Another' }), digest({}));
  assert.equal(digest({ subject: ' ', description: null }), null);
});

test('tags that are too many, and a subject that is too long, are cut to what their columns hold', () => {
  const tags = Array.from({ length: 2_000 }, (_, n) => `tag-${n}`);
  const records = recordsOf(page('zendesk', { tickets: [{ ...smallTicket(1), tags }] }));
  const analysis = { language: 'en', sentiment: 'NEUTRAL', sentimentScore: 0, subject: 'ü'.repeat(2_000) };
  const { counts, rows } = checkTickets(records, () => analysis);
  assert.equal(counts.accepted, 1);
  const texts = rows.flatMap(({ row }) => row.filter((value) => typeof value === 'string'));
  assert.equal(Math.max(...texts.map((text) => Buffer.byteLength(text))) <= 4_096, true);
});
