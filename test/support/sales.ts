/** Fields of a row of sales, as texts of CSV. */
export type SalesFields = Readonly<Record<string, string>>;

const COLOURS = ['blue', 'green', 'red', 'white'];
const THINGS = ['teapot', 'kettle', 'cup', 'mill', 'jug', 'bowl', 'tray'];
const STATES = ['ordered', 'shipped', 'delivered'];

/** Rows as a shop exports them: orders of three lines each on the days before 21 November 2026; the same each time. */
export function* salesRows(
  count: number,
  { days = 1, seed = 1 }: { readonly days?: number; readonly seed?: number } = {},
): Generator<SalesFields> {
  const random = generator(seed);
  const upTo = (n: number) => Math.floor(random() * n);
  let orderedAt = 0;
  let customer = 0;
  for (let i = 0; i < count; i++) {
    if (i % 3 === 0) {
      orderedAt = Date.UTC(2026, 10, 21 - days) + upTo(days * 86_400) * 1_000;
      customer = upTo(20_000);
    }
    const status = STATES[upTo(3)] ?? '';
    yield {
      order_id: `A-${seed}-${100_000 + Math.floor(i / 3)}`,
      line_number: String((i % 3) + 1),
      ordered_at: new Date(orderedAt).toISOString(),
      delivered_at:
        status === 'delivered' ? new Date(orderedAt + (1 + upTo(90)) * 3_600_000).toISOString() : '',
      customer_id: `C-${10_000 + customer}`,
      customer_email: `customer.${customer}@example.org`,
      product: `${THINGS[upTo(7)]}, ${COLOURS[upTo(4)]}, size ${1 + upTo(30)}`,
      quantity: String(1 + upTo(5)),
      unit_price: (1 + upTo(20_000) / 100).toFixed(2),
      currency: 'EUR',
      status,
    };
  }
}

/** Park and Miller's minimal standard generator: 0 to 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
