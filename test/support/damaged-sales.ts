import { type SalesFields, salesRows } from './sales.ts';

/** Rows that the declaration refuses, by what is wrong with them. */
const WRONG_VALUES = {
  'wrong number': { quantity: 'many' },
  'out of range': { quantity: '0' },
  'missing value': { customer_id: '' },
  'not allowed': { status: 'lost' },
  'wrong address': { customer_email: 'nobody at home' },
  'wrong time': { ordered_at: 'yesterday' },
} as const satisfies Readonly<Record<string, SalesFields>>;

/** Lines that are no rows. */
const BROKEN_LINES = {
  'field less': (line: string) => line.slice(0, line.lastIndexOf(',')),
  'field more': (line: string) => `${line},more`,
  'lost quote': (line: string) => `"${line}`,
  'zero byte': (line: string) => `${line}\0`,
  'not UTF-8': (line: string) => Buffer.concat([Buffer.from(line), Buffer.of(0xff)]),
  'too long': (line: string) => `${line}${'x'.repeat(1024 * 1024)}`,
} as const satisfies Readonly<Record<string, (line: string) => string | Buffer>>;

/** What can be wrong with a row. */
export type SalesDamage = keyof typeof WRONG_VALUES | keyof typeof BROKEN_LINES;

const ROWS_PER_CHUNK = 1000;

export interface DamagedSales {
  /** The file, made while it is read: CSV with comma and LF, UTF-8. */
  chunks(): Generator<Buffer>;
  /** Rows that are good; all others belong in quarantine, each one once. */
  readonly good: number;
  /** Lines on which the damaged rows begin, ascending. */
  readonly lines: readonly number[];
}

/**
 * A CSV file of sales, the same for the same seed, with damaged rows spread evenly over it.
 *
 * @param damage share of the rows, 0 to 1, that has each kind of damage; numbers of rows are rounded down
 */
export function damagedSales(
  rows: number,
  damage: Partial<Readonly<Record<SalesDamage, number>>>,
  options: { readonly seed?: number; readonly days?: number } = {},
): DamagedSales {
  const kinds = Object.entries(damage).flatMap(([kind, share]) =>
    Array.from({ length: Math.floor(rows * share) }, () => kind),
  );
  if (kinds.length > rows) throw new RangeError('More rows are to be damaged than there are.');
  const kindOf = new Map(kinds.map((kind, i) => [Math.floor(((i + 0.5) * rows) / kinds.length), kind]));
  return {
    good: rows - kinds.length,
    lines: [...kindOf.keys()].map((row) => row + 2),
    *chunks() {
      let lines: (string | Buffer)[] = [];
      let n = 0;
      for (const row of salesRows(rows, options)) {
        if (n === 0) lines.push(Object.keys(row).join(','));
        lines.push(lineOf(row, kindOf.get(n++)));
        if (lines.length < ROWS_PER_CHUNK) continue;
        yield bytesOf(lines);
        lines = [];
      }
      yield bytesOf(lines);
    },
  };
}

const wrongValues: Readonly<Record<string, SalesFields>> = WRONG_VALUES;
const brokenLines: Readonly<Record<string, (line: string) => string | Buffer>> = BROKEN_LINES;

function lineOf(row: SalesFields, kind = ''): string | Buffer {
  const line = Object.values({ ...row, ...wrongValues[kind] })
    .map((text) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
    .join(',');
  return brokenLines[kind]?.(line) ?? line;
}

function bytesOf(lines: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')]));
}
