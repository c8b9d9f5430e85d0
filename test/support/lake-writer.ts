import { createHash } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { customers } from '../../datasets/customers.ts';
import { type Dataset, parquetColumns, partitionOf } from '../../datasets/dataset.ts';
import { sales } from '../../datasets/sales.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import type { Row, Value } from '../../lambdas/shared/dataset/values.ts';
import { partKey, publicationKey } from '../../lambdas/shared/publication.ts';

export interface LakeFile {
  readonly dataset: Dataset;
  readonly sourceFile: string;
  readonly landedAt: Date;
  /** Without what says where they came from. */
  readonly rows: readonly Row[];
  /** Left out of the lake, the file is unfinished work. @default true */
  readonly published?: boolean;
}

/** Where the lake is: an account of the runtime, for example. */
export interface LakeAt {
  readonly s3: Pick<S3Client, 'send'>;
  /** Name of the bucket. */
  readonly lake: string;
}

/** Writes a file's rows as its pipeline would have done, all into one partition. Answers the key of its part. */
export async function putFile({ s3, lake }: LakeAt, file: LakeFile): Promise<string> {
  const { dataset, sourceFile, landedAt, rows, published = true } = file;
  const { name, origin, columns, partitionBy } = dataset;
  if (origin === 'records') throw new Error(`${name} has no publications`);
  const fileId = createHash('sha256').update(`${sourceFile}|${landedAt.toISOString()}`).digest('hex');
  const event = rows[0]?.[columns.findIndex((column) => column.name === partitionBy)];
  if (!(event instanceof Date)) throw new Error(`${sourceFile} has no ${partitionBy}`);
  const key = partKey(name, partitionOf(event), fileId, 0);
  const body = parquetOf(
    parquetColumns(dataset),
    rows.map((row, i) => [...row, sourceFile, fileId, BigInt(i + 1), landedAt]),
  );
  const put = (Key: string, Body: Uint8Array | string) =>
    s3.send(new PutObjectCommand({ Bucket: lake, Key, Body }));
  await put(key, body);
  if (published) {
    await put(
      publicationKey(origin, name, partitionOf(landedAt), fileId),
      JSON.stringify({
        dataset: name,
        fileId,
        sourceFile,
        landedAt: landedAt.toISOString(),
        rows: rows.length,
        parts: [{ key, rows: rows.length, bytes: body.byteLength }],
      }),
    );
  }
  return key;
}

/** A row of a dataset with these values, and nothing in its other columns. */
export function rowWith(dataset: Dataset, values: Readonly<Record<string, Value>>): Row {
  const unknown = Object.keys(values).filter(
    (name) => !dataset.columns.some((column) => column.name === name),
  );
  if (unknown.length > 0) throw new Error(`${dataset.name} has no ${unknown.join(', ')}`);
  return dataset.columns.map(({ name }) => values[name] ?? null);
}

/** A customer who was created on a day. */
export const customer = (id: string, createdAt: Date): Row =>
  rowWith(customers, {
    customer_id: id,
    crm_id: id,
    email: `${id}@example.com`,
    created_at: createdAt,
    updated_at: createdAt,
  });

/** A line of an order. */
export const sale = (order: string, orderedAt: Date, cents: bigint): Row =>
  rowWith(sales, {
    order_id: order,
    line_number: 1,
    ordered_at: orderedAt,
    customer_id: 'c1',
    product: 'Lamp',
    quantity: 1,
    unit_price: cents,
    currency: 'EUR',
    status: 'ordered',
  });
