import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { customerFeatures } from '../../datasets/customer-features.ts';
import { customers } from '../../datasets/customers.ts';
import { type Column, parquetColumns } from '../../datasets/dataset.ts';
import { documents } from '../../datasets/documents.ts';
import { tickets } from '../../datasets/tickets.ts';
import { inputColumns } from '../../lambdas/crm-tickets/features-input.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import type { Value } from '../../lambdas/shared/dataset/values.ts';

export const DAY_MS = 86_400_000;

/** Fields by column; what is not given is null, or something that fits where the column is required. */
export type Fields = Readonly<Record<string, Value>>;

/** Rows of each dataset, file by file. */
export interface Lake {
  readonly runAt: Date;
  readonly tickets: readonly (readonly Fields[])[];
  readonly customers: readonly (readonly Fields[])[];
  readonly documents: readonly (readonly Fields[])[];
  /** Whether documents are from before they named customers. */
  readonly olderDocuments?: boolean;
}

/** What the job is given for a lake, written below a folder. Addresses are `file://`. */
export interface Written {
  readonly folder: string;
  readonly input: string;
  readonly output: string;
  readonly columns: string;
}

const NEEDED: Readonly<Record<Column['type'], Value>> = {
  string: 'x',
  integer: 1,
  bigint: 1n,
  double: 0,
  decimal: 0n,
  boolean: false,
  date: new Date(0),
  timestamp: new Date(0),
};

const FILE_ID = 'f'.repeat(64);

/** Writes the rows as the pipelines write them, and the job's input as PlanFeatures writes it. */
export function writeLake(folder: string, lake: Lake): Written {
  mkdirSync(folder, { recursive: true });
  const rowsOf = { tickets: lake.tickets, customers: lake.customers, documents: lake.documents };
  const datasets = { tickets, customers, documents };
  const names = ['tickets', 'customers', 'documents'] as const;
  const views = Object.fromEntries(
    names.map((name) => {
      const dataset = datasets[name];
      const isOlder = name === 'documents' && lake.olderDocuments;
      const columns = parquetColumns(dataset).filter((column) => !isOlder || column.name !== 'customer_id');
      const files = rowsOf[name].map((rows, n) => {
        const path = join(folder, `${name}-${n}.parquet`);
        const values = rows.map((fields) => columns.map((column) => valueIn(column, fields)));
        writeFileSync(path, parquetOf(columns, values));
        return `file://${path}`;
      });
      return [name, { columns: inputColumns(dataset), files }];
    }),
  );
  const run = {
    run_at: lake.runAt.toISOString(),
    file_id: FILE_ID,
    source_file: 'raw/crm-work/features/it’s a test/input.json',
  };
  const input = join(folder, 'input.json');
  writeFileSync(input, JSON.stringify({ run, views }));
  return {
    folder,
    input: `file://${input}`,
    output: `file://${join(folder, 'rows')}`,
    columns: parquetColumns(customerFeatures)
      .map(({ name }) => name)
      .join(),
  };
}

function valueIn({ name, type, required }: Column, fields: Fields): Value {
  const given = fields[name];
  return given === undefined ? (required ? NEEDED[type] : null) : given;
}

/** Few customers and tickets, so that they meet; times around the limits; nothing that has to be there. */
export function lakeOf(runAt: Date): fc.Arbitrary<Lake> {
  const moment = fc
    .tuple(
      fc.constantFrom(0, -1, -29, -30, -31, -365, 1),
      fc.constantFrom(0, 0, 1, -1, 1000, 3_599_999, -7_200_000),
    )
    .map(([days, ms]) => new Date(runAt.getTime() + days * DAY_MS + ms));
  const maybe = <Some>(some: fc.Arbitrary<Some>) => fc.option(some, { nil: null, freq: 4 });
  const customer = fc.constantFrom('C-1', 'C-2', 'C-10', 'Ä-1', 'unknown', '');
  const score = fc.oneof(
    fc.double({ min: -1, max: 1, noNaN: true }),
    fc.constantFrom(-1, -0, 0, 1, 0.5, 0.1, 0.3, 0.0000005, -0.0000005, 0.1234565),
  );
  const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1, 0.25));
  const origin = {
    file_id: fc.constantFrom('a'.repeat(64), 'b'.repeat(64)),
    line: fc.bigInt({ min: 1n, max: 3n }),
    landed_at: moment,
  };
  const files = (fields: Record<string, fc.Arbitrary<Value>>, rows: number) =>
    fc.array(fc.array(fc.record(fields), { minLength: rows / 2, maxLength: rows }), {
      minLength: 1,
      maxLength: 3,
    });
  return fc.record({
    runAt: fc.constant(runAt),
    tickets: files(
      {
        ...origin,
        ticket_id: fc.constantFrom(...'123456789'),
        customer_id: maybe(customer),
        is_open: fc.boolean(),
        priority: maybe(fc.constantFrom('low', 'normal', 'high', 'urgent')),
        created_at: moment,
        updated_at: moment,
        solved_at: maybe(moment),
        sentiment_score: maybe(score),
      },
      20,
    ).map(distinctPlaces),
    customers: files({ ...origin, customer_id: fc.constantFrom('C-1', 'C-2', 'C-10', 'Ä-1', '') }, 6),
    documents: files(
      {
        file_id: fc.constantFrom(...'123456'),
        customer_id: maybe(customer),
        published_at: maybe(moment),
        received_at: moment,
        score_positive: maybe(share),
        score_negative: maybe(share),
      },
      8,
    ),
  });
}

/** A row's file and line are its own. */
const distinctPlaces = (files: readonly (readonly Fields[])[]) =>
  files.map((rows, file) => rows.map((row, line) => ({ ...row, line: BigInt(file * 1000 + line) })));

/** Columns whose values are told apart where lakes become one. */
const NAMES = ['ticket_id', 'customer_id'];

/** Many small lakes of the same time as one, in which nobody of one meets anybody of another. */
export function together(runAt: Date, lakes: readonly Lake[]): Lake {
  const apart = (of: 'tickets' | 'customers' | 'documents', names: readonly string[]) =>
    [0, 1, 2].map((file) =>
      lakes.flatMap((lake, n) =>
        (lake[of][file] ?? []).map((fields) =>
          Object.fromEntries(
            Object.entries(fields).map(([name, value]) => [
              name,
              names.includes(name) && typeof value === 'string' ? `${n}/${value}` : value,
            ]),
          ),
        ),
      ),
    );
  return {
    runAt,
    tickets: apart('tickets', NAMES),
    customers: apart('customers', NAMES),
    documents: apart('documents', [...NAMES, 'file_id']),
  };
}
