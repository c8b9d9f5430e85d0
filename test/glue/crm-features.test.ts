import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { manyOnSpark, onDuckDb, onSpark, SKIP } from './engines.ts';
import { DAY_MS, type Fields, type Lake, lakeOf, together, writeLake } from './lake.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-features-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const runAt = new Date('2026-11-21T20:00:00.000Z');
const ago = (days: number, ms = 0) => new Date(runAt.getTime() - days * DAY_MS + ms);
const customer = (customer_id: string): Fields => ({ customer_id });
const ticket = (ticket_id: string, fields: Fields = {}): Fields => ({
  ticket_id,
  customer_id: 'C-1',
  is_open: false,
  created_at: ago(5),
  updated_at: ago(1),
  landed_at: ago(0),
  ...fields,
});

let lakesWritten = 0;
function written(lake: Partial<Lake>) {
  const empty: Lake = { runAt, tickets: [], customers: [[customer('C-1')]], documents: [] };
  return writeLake(join(folder, String(++lakesWritten)), { ...empty, ...lake });
}

/** The features of a lake by customer, without where they came from. */
async function features(lake: Partial<Lake>): Promise<Record<string, Record<string, unknown>>> {
  const rows = await onDuckDb(written(lake));
  return Object.fromEntries(rows.map((row) => [row.customer_id, { ...row }]));
}

describe('customer features', () => {
  test('a ticket counts in its newest version; of two of the same time, in the one that came later', async () => {
    const { 'C-1': found } = await features({
      tickets: [
        [
          ticket('1', { is_open: true, updated_at: ago(2) }),
          ticket('1', { is_open: false, updated_at: ago(1) }),
        ],
        [
          ticket('2', { is_open: false, landed_at: ago(1) }),
          ticket('2', { is_open: true, landed_at: ago(0) }),
        ],
      ],
    });
    assert.equal(found?.tickets_total, 2n);
    assert.equal(found?.tickets_open, 1n);
    assert.deepEqual(found?.last_contact_at, ago(1));
  });

  test('thirty days are thirty days: a ticket changed exactly then counts, one a millisecond earlier does not', async () => {
    const old = (ms: number) => ({ created_at: ago(90), updated_at: ago(30, ms) });
    const lake = (ms: number) => ({ tickets: [[ticket('1', old(ms))]] });
    assert.equal((await features(lake(0)))['C-1']?.tickets_30d, 0n);
    assert.deepEqual(await features(lake(-1)), {});
  });

  test('tickets in total are all there ever were, those of thirty days the ones opened within', async () => {
    const tickets = [[ticket('1', { created_at: ago(400) }), ticket('2', { created_at: ago(30) })]];
    const { 'C-1': found } = await features({ tickets });
    assert.equal(found?.tickets_total, 2n);
    assert.equal(found?.tickets_30d, 1n);
  });

  test('nobody is there who has no ticket of late, or whom the CRM does not know', async () => {
    const found = await features({
      customers: [['C-1', 'C-2'].map(customer)],
      tickets: [
        [ticket('1'), ticket('2', { customer_id: 'C-3' }), ticket('3', { customer_id: null })],
        [ticket('4', { customer_id: 'C-2', created_at: ago(40), updated_at: ago(31) })],
      ],
    });
    assert.deepEqual(Object.keys(found), ['C-1']);
  });

  test('hours to solution are the mean over tickets that are solved and stayed so', async () => {
    const solved = (hours: number) => new Date(ago(5).getTime() + hours * 3_600_000);
    const { 'C-1': found } = await features({
      tickets: [
        [
          ticket('1', { solved_at: solved(1) }),
          ticket('2', { solved_at: solved(4) }),
          ticket('3', { solved_at: solved(100), is_open: true }),
          ticket('4'),
        ],
      ],
    });
    assert.equal(found?.mean_resolution_hours, 2.5);
  });

  test('sentiment of tickets is of the last thirty days, that of documents of all that name the customer', async () => {
    const document = (file_id: string, customer_id: string | null): Fields => ({
      file_id,
      customer_id,
      score_positive: 0.75,
      score_negative: 0.25,
    });
    const { 'C-1': found } = await features({
      tickets: [
        [
          ticket('1', { sentiment_score: -0.5, priority: 'urgent' }),
          ticket('2', { sentiment_score: 1, created_at: ago(60), updated_at: ago(40), priority: 'high' }),
          ticket('3', { priority: 'normal' }),
        ],
      ],
      // The second was loaded twice, and the fourth names somebody without tickets.
      documents: [
        [document('a', 'C-1'), document('b', 'C-1'), document('b', 'C-1')],
        [document('c', null), document('d', 'C-2')],
      ],
    });
    assert.equal(found?.ticket_sentiment, -0.5);
    assert.equal(found?.tickets_high_priority, 2n);
    assert.equal(found?.document_sentiment, 0.5);
    assert.equal(found?.documents_total, 2n);
  });

  test('what nobody knows is null, and what nobody did is none', async () => {
    const { 'C-1': found } = await features({ tickets: [[ticket('1')]], olderDocuments: true });
    const { mean_resolution_hours, ticket_sentiment, document_sentiment, documents_total } = found ?? {};
    assert.deepEqual(
      { mean_resolution_hours, ticket_sentiment, document_sentiment, documents_total },
      { mean_resolution_hours: null, ticket_sentiment: null, document_sentiment: null, documents_total: 0n },
    );
  });

  test('rows are counted from one, in the order of the customers', async () => {
    const ids = ['C-2', 'C-10', 'Ä', 'C-1'];
    const found = await onDuckDb(
      written({
        customers: [ids.map(customer)],
        tickets: [ids.map((customer_id, n) => ticket(String(n), { customer_id }))],
      }),
    );
    assert.deepEqual(
      found.map(({ customer_id, line, landed_at }) => ({ customer_id, line, landed_at })),
      ['C-1', 'C-10', 'C-2', 'Ä'].map((customer_id, n) => ({
        customer_id,
        line: BigInt(n + 1),
        landed_at: runAt,
      })),
    );
  });
});

describe('Spark, the job’s own script, gives what the laptop gives, row by row', { skip: SKIP }, () => {
  test('for generated lakes', { timeout: 600_000 }, async (t) => {
    // The days on which clocks change, and a leap day.
    const times = ['2026-03-29T01:30:00.000Z', '2026-10-25T00:59:59.999Z', '2028-02-29T23:59:59.999Z'];
    const generated = times.map((time, n) => {
      const runAt = new Date(time);
      const lakes = fc.sample(lakeOf(runAt), { numRuns: 40, seed: 20_261_121 + n });
      return written({ ...together(runAt, lakes), olderDocuments: n === 1 });
    });
    const spark = await manyOnSpark(folder, generated);
    const duck = await Promise.all(generated.map(onDuckDb));
    for (const [n, rows] of spark.entries()) assert.deepEqual(rows, duck[n], times[n]);
    const rows = duck.flat();
    assert.ok(rows.length > 200);
    for (const name of ['mean_resolution_hours', 'ticket_sentiment', 'document_sentiment']) {
      assert.ok(
        rows.some((row) => typeof row[name] === 'number'),
        name,
      );
      assert.ok(
        rows.some((row) => row[name] === null),
        name,
      );
    }
    t.diagnostic(`${rows.length} rows`);
  });

  test('for a lake of thousands of rows; and run again, it replaces what it wrote', {
    timeout: 600_000,
  }, async () => {
    const ids = Array.from({ length: 1000 }, (_, n) => `C-${n}`);
    const lake = written({
      customers: [ids.map(customer)],
      tickets: [0, 1, 2].map((file) =>
        ids.map((customer_id, n) =>
          ticket(`${file}-${n % 700}`, {
            customer_id,
            updated_at: ago((n * 7) % 60, n),
            sentiment_score: Math.sin(file * 1000 + n),
            line: BigInt(n),
          }),
        ),
      ),
    });
    const duck = await onDuckDb(lake);
    assert.ok(duck.length > 300);
    assert.deepEqual(await onSpark(lake), duck);
    assert.deepEqual(await onSpark(lake), duck);
  });
});
