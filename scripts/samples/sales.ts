/** Sales files as a shop exports them, the same at every call. */

const HEAD =
  'order_id,line_number,ordered_at,delivered_at,customer_id,customer_email,product,quantity,unit_price,currency,status';

const PRODUCTS = [
  ['Desk lamp "Aurora"', 39.9],
  ['Office chair, grey', 189],
  ['Notebook A5, dotted', 6.5],
  ['USB-C dock', 129.95],
  ['Standing desk', 549],
  ['Whiteboard 90 x 60', 74.25],
  ['Blend: coffee, 1 kg', 18.4],
] as const;
const STATUSES = ['ordered', 'shipped', 'delivered', 'delivered', 'delivered', 'returned'];
const CUSTOMERS = 40;

/** Numbers from 0 to 1 that look like chance (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

const quoted = (text: string) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Lines of orders of the days before one, oldest first. */
function lines(
  count: number,
  { seed, until, days }: { seed: number; until: string; days: number },
): string[] {
  const next = chance(seed);
  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(next() * values.length)];
  const end = Date.parse(until);
  return Array.from({ length: count }, (_, i) => {
    const orderedAt = end - Math.floor(((count - i) / count) * days * 86_400_000);
    const customer = 1001 + Math.floor(next() ** 2 * CUSTOMERS);
    const [product, price] = pick(PRODUCTS) ?? ['', 0];
    const drawn = pick(STATUSES) ?? '';
    const arrivesAt = orderedAt + 86_400_000 * (1 + Math.floor(next() * 5));
    const delivered = ['delivered', 'returned'].includes(drawn) && arrivesAt < end;
    const status = delivered || drawn === 'ordered' ? drawn : 'shipped';
    return [
      `O-${seed}${String(i + 1).padStart(4, '0')}`,
      '1',
      `${new Date(orderedAt).toISOString().slice(0, 19)}Z`,
      delivered ? new Date(arrivesAt).toISOString().slice(0, 10) : '',
      `C-${customer}`,
      `customer${customer}@example.com`,
      quoted(product),
      String(1 + Math.floor(next() * 4)),
      price.toFixed(2),
      'EUR',
      status,
    ].join(',');
  });
}

const csv = (rows: readonly string[]) => `${[HEAD, ...rows].join('\n')}\n`;

/** Half a year of orders, all as they should be. */
export const goodSales = (): string => csv(lines(400, { seed: 1, until: '2026-11-20T18:00:00Z', days: 180 }));

/** A day of orders, of which four rows are wrong: fewer than the dataset's tolerance. */
export function partlyBadSales(): string {
  const rows = lines(120, { seed: 2, until: '2026-11-21T18:00:00Z', days: 1 });
  const change = (row: number, column: number, value: string) => {
    const cells = (rows[row] ?? '').split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/);
    cells[column] = value;
    rows[row] = cells.join(',');
  };
  change(16, 4, '');
  change(41, 7, '-3');
  change(77, 2, '31.11.2026');
  change(100, 10, 'lost');
  return csv(rows);
}
