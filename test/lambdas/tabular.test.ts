import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { csv, keysOf, manySales, sale } from '../support/tabular-files.ts';
import { type Read, readSales } from '../support/tabular-memory.ts';

/** What may happen to a line of a file. */
const DAMAGE: Readonly<Record<string, (line: string) => string | Buffer>> = {
  nothing: (line) => line,
  'a value that is none': (line) => line.replace('EUR', 'gold'),
  'a missing value': (line) => line.replace('EUR', ''),
  'a column too few': (line) => line.slice(0, line.lastIndexOf(',')),
  'a column too many': (line) => `${line},more`,
  'an open quote': (line) => line.replace('EUR', '"EUR'),
  'a quote in the midst': (line) => line.replace('EUR', 'E"U"R'),
  'nothing at all': () => '',
  'only separators': (line) => line.replaceAll(/[^,]/g, ''),
  'bytes of no text': (line) => Buffer.concat([Buffer.from(line), Buffer.from([0xff, 0xfe, 0x00])]),
  'another letter': (line) => line.replace('ordered', 'orderéd'),
  'a line twice': (line) => `${line}\n${line}`,
  'a line end of Windows': (line) => `${line}\r`,
};

/** Damage is rare, as in life; what happens to a row may happen to many. */
const damage = fc.oneof(
  { weight: 6, arbitrary: fc.constant('nothing') },
  { weight: 1, arbitrary: fc.constantFrom(...Object.keys(DAMAGE)) },
);

const file = fc.array(fc.tuple(fc.nat({ max: 80 }), damage), { minLength: 1, maxLength: 40 }).map((rows) => {
  const [header = '', ...lines] = csv(rows.map(([n]) => sale(n))).split('\n');
  const damaged = lines.map((line, i) => DAMAGE[rows[i]?.[1] ?? 'nothing']?.(line) ?? line);
  return Buffer.concat([header, ...damaged].flatMap((line) => [Buffer.from(line), Buffer.from('\n')]));
});

/** Rows without what says where they came from. */
const contents = ({ rows }: Read) =>
  rows.map((row) => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? `${v}` : v))).sort();

test('whatever is wrong with a file, every row that was read is in a part or in quarantine', async () => {
  await fc.assert(
    fc.asyncProperty(file, async (bytes) => {
      const { compared, rows, lines, verdict } = await readSales(bytes, 1e9);
      if (!compared) return assert.equal(verdict, 'REJECTED');
      assert.equal(compared.rowsRead, compared.rows + compared.quarantined);
      assert.equal(rows.length, compared.rows);
      const codes = Object.values(compared.codes).reduce((sum, n) => sum + n, 0);
      assert.equal(codes, compared.quarantined);
      assert(new Set(lines.map(({ line }) => line)).size <= compared.quarantined);
      assert.equal(new Set(keysOf(rows)).size, rows.length, 'no key twice');
    }),
    { numRuns: 150, seed: 20261121 },
  );
});

test('a file that is read in parts gives the same rows and the same quarantine', async () => {
  await fc.assert(
    fc.asyncProperty(file, fc.integer({ min: 100, max: 2_000 }), async (bytes, splitBytes) => {
      const whole = await readSales(bytes, 1e9);
      const split = await readSales(bytes, splitBytes);
      assert.deepEqual([split.verdict, split.code], [whole.verdict, whole.code]);
      // An open quote is found to be wrong by what follows it, which may be in the next part.
      const said = ({ lines }: Read) => lines.map(({ message: _, ...line }) => line);
      assert.deepEqual(said(split), said(whole));
      assert.deepEqual(contents(split), contents(whole));
      const { again: _, ...counts } = whole.compared ?? { again: [] };
      assert.deepEqual({ ...split.compared, again: [] }, { ...counts, again: [] });
    }),
    { numRuns: 100, seed: 20261121 },
  );
});

test('reading a file again writes the same bytes', async () => {
  const rows = [...manySales(40), ...manySales(2, 10)];
  const once = await readSales(Buffer.from(csv(rows)), 700);
  const twice = await readSales(Buffer.from(csv(rows)), 700);
  assert(once.lake.objects.size > 10);
  assert.deepEqual(twice.lake.objects, once.lake.objects);
});

test('of rows with one key the first stays, in whatever part it is', async () => {
  const rows = [...manySales(60), sale(3, { product: 'later' }), sale(59, { product: 'later' })];
  const { compared, rows: kept, lines } = await readSales(Buffer.from(csv(rows)), 900);
  assert.deepEqual(compared?.codes, { DUPLICATE_KEY: 2 });
  assert.deepEqual(
    lines.map(({ line }) => line),
    [62, 63],
  );
  assert.deepEqual(keysOf(kept), keysOf(manySales(60)));
  assert(kept.every(({ product }) => product !== 'later'));
});

test('parts of a first reading that a second one does not have are deleted', async () => {
  // The only row of its day is a duplicate: its part has to go.
  const last = sale(0, { ordered_at: '2026-10-09T00:00:00Z' });
  const { rows, lake } = await readSales(Buffer.from(csv([...manySales(60), last])), 900);
  assert.equal(rows.length, 60);
  const parts = [...lake.objects.keys()].filter((key) => key.startsWith('loaded/'));
  assert(parts.every((key) => !key.includes('day=09')));
});
