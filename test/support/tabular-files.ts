import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { parquetReadObjects } from 'hyparquet';
import { z } from 'zod';
import { plainOf } from '../../lambdas/shared/audit.ts';
import { PublicationSchema } from '../../lambdas/shared/publication.ts';
import { Account } from './account.ts';
import type { TestRuntime } from './runtime.ts';

const Ref = z.object({ bucket: z.string(), key: z.string() });

/** What the audit table says of a file that has an outcome. */
export const Settled = z.looseObject({
  Status: z.enum(['SUCCEEDED', 'REJECTED', 'FAILED']),
  Reason: z.looseObject({ code: z.string().optional(), message: z.string() }).optional(),
  Result: z
    .looseObject({
      rowsRead: z.number(),
      rows: z.number(),
      quarantined: z.number(),
      record: Ref.optional(),
      quarantine: Ref.optional(),
      archive: Ref.optional(),
      codes: z.record(z.string(), z.number()),
      schemaChange: z.object({ added: z.array(z.string()), missing: z.array(z.string()) }).optional(),
    })
    .optional(),
});
export type SettledFile = z.output<typeof Settled>;

const Line = z.object({
  line: z.number(),
  column: z.string().nullable(),
  code: z.string(),
  valueClass: z.string(),
  value: z.string().optional(),
  message: z.string(),
});
export type Line = z.output<typeof Line>;

export interface Sale extends Record<string, string> {
  order_id: string;
  line_number: string;
  ordered_at: string;
  customer_id: string;
  customer_email: string;
  product: string;
  quantity: string;
  unit_price: string;
  currency: string;
  status: string;
  delivered_at: string;
}

/** The n-th of rows that are all different and all right, of orders of three days. */
export function sale(n: number, changes: Readonly<Record<string, string>> = {}): Sale {
  return {
    order_id: `A-${Math.floor(n / 2)}`,
    line_number: String(1 + (n % 2)),
    ordered_at: new Date(Date.UTC(2026, 9, 1 + (n % 3), 8, n % 60)).toISOString(),
    customer_id: `C-${n % 7}`,
    customer_email: `person${n}@example.com`,
    product: n % 2 === 0 ? 'Desk, oak' : 'Lamp "Luna"',
    quantity: String(1 + (n % 5)),
    unit_price: `${10 + (n % 90)}.95`,
    currency: 'EUR',
    status: 'ordered',
    delivered_at: '',
    ...changes,
  };
}

export const manySales = (count: number, from = 0): Sale[] =>
  Array.from({ length: count }, (_, i) => sale(from + i));

/** What identifies rows, in an order of its own. */
export const keysOf = (rows: readonly Readonly<Record<string, unknown>>[]): string[] =>
  rows.map(({ order_id, line_number }) => `${order_id}/${line_number}`).sort();

/** CSV of rows, with whatever columns the first one has. */
export function csv(rows: readonly Readonly<Record<string, string>>[], delimiter = ','): string {
  const header = Object.keys(rows[0] ?? sale(0));
  const cell = (text = '') =>
    /[\n\r"]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
  return [header, ...rows.map((row) => header.map((name) => row[name]))]
    .map((cells) => `${cells.map(cell).join(delimiter)}\n`)
    .join('');
}

/** Files of sales in a deployment, as a person sees them. */
export class TabularFiles {
  readonly #test: TestRuntime;
  readonly account: Account;

  constructor(test: TestRuntime) {
    this.#test = test;
    this.account = new Account(test);
  }

  /** Drops a file below `sales/` and waits for its outcome. */
  async send(name: string, body: string | Buffer): Promise<SettledFile & { readonly fileId: string }> {
    const fileId = await this.#test.drop(`sales/${name}`, body);
    return { fileId, ...(await this.outcome(fileId)) };
  }

  async item(fileId: string): Promise<Record<string, unknown>> {
    const { Item = {} } = await this.account.dynamo.send(
      new GetItemCommand({
        TableName: this.#test.deployment.auditTable,
        Key: { pk: { S: fileId }, sk: { S: 'CURRENT' } },
      }),
    );
    return plainOf(Item);
  }

  async outcome(fileId: string, seconds = 60): Promise<SettledFile> {
    return this.account.until(
      `the outcome of ${fileId}`,
      async () => Settled.safeParse(await this.item(fileId)).data,
      seconds,
    );
  }

  /** The rows that a publication makes visible. @throws Error when parts and publication disagree */
  async published({ Result }: SettledFile): Promise<Record<string, unknown>[]> {
    const { bucket, key } = Ref.parse(Result?.record);
    const publication = PublicationSchema.parse(JSON.parse(await this.account.text(bucket, key)));
    const rows = (await Promise.all(publication.parts.map((part) => this.rowsOf(part.key)))).flat();
    if (rows.length !== publication.rows)
      throw new Error(`${rows.length} rows, and ${publication.rows} are published.`);
    return rows;
  }

  async rowsOf(key: string): Promise<Record<string, unknown>[]> {
    const bytes = await this.account.bytes(this.account.lake, key);
    return parquetReadObjects({ file: new Uint8Array(bytes).buffer });
  }

  /** Lines of the quarantine of a file, whatever became of it. */
  async quarantined(fileId: string): Promise<Line[]> {
    const keys = await this.account.keys(this.account.lake, `quarantine/sales/${fileId}`);
    const texts = await Promise.all(
      keys.filter((key) => key.endsWith('.jsonl')).map((key) => this.account.text(this.account.lake, key)),
    );
    return texts
      .flatMap((text) => text.trimEnd().split('\n'))
      .map((line) => Line.parse(JSON.parse(line)))
      .sort((a, b) => a.line - b.line);
  }

  /** Keys of the Parquet parts of a file, published or not. */
  async parts(fileId: string): Promise<string[]> {
    const keys = await this.account.keys(this.account.lake, 'loaded/sales/');
    return keys.filter((key) => key.includes(fileId));
  }
}
