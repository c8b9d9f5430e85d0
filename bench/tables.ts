import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { GetObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { DuckDBInstance } from '@duckdb/node-api';
import { Account } from '../test/support/account.ts';
import { startTestRuntime, type TestRuntime } from '../test/support/runtime.ts';
import { jsonBytes, salesCsv } from './sales.ts';
import type { Figure, Section } from './section.ts';
import { spreadOf } from './statistics.ts';

/** Rows of a file, each of about 130 bytes; the long one is of a gigabyte. */
const ROWS = 500_000;
const LONG_ROWS = 8_200_000;
const DAYS = 30;
const QUERIES = 15;
const MIB = 1024 ** 2;

/** A CSV file of sales from the landing bucket to the warehouse: speed, memory, sizes, and what partitions are good for. */
export const tables: Section = async ({ long, say }) => {
  const rows = long ? LONG_ROWS : ROWS;
  say(`tables: a CSV file of ${rows.toLocaleString('en')} rows over ${DAYS} days`);
  const test = await startTestRuntime();
  const account = new Account(test);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    const began = performance.now();
    const { fileId, bytes } = await upload(test, account, rows);
    const uploaded = performance.now();
    say(`tables: ${(bytes / MIB).toFixed(0)} MiB were put in ${((uploaded - began) / 1000).toFixed(1)} s`);
    const published = await statusOf(test, account, fileId, ({ status }) => status === 'SUCCEEDED');
    const loaded = await statusOf(test, account, fileId, ({ loadStatus }) => loadStatus === 'LOADED');
    const parts = await partsOf(account);
    const parquet = parts.reduce((sum, { size }) => sum + size, 0);
    const json = jsonBytes(rows, DAYS);
    const memory = await mostMemory(test);
    const queries = await queryTimes(account, parts, folder);
    const share = (of: number) => 100 * (1 - parquet / of);
    const figures: Figure[] = [
      { what: 'CSV to Parquet, published', value: rows / seconds(uploaded, published), unit: 'rows/s' },
      { what: 'the same', value: bytes / MIB / seconds(uploaded, published), unit: 'MiB/s' },
      { what: 'CSV to loaded', value: rows / seconds(uploaded, loaded), unit: 'rows/s' },
      { what: 'Parquet smaller than JSON Lines', value: share(json), unit: '%', aim: 70, more: 'better' },
      { what: 'Parquet smaller than CSV', value: share(bytes), unit: '%' },
      { what: 'most memory of a function', value: memory.used, unit: 'MB', aim: 512, spread: memory.of },
      ...queries,
    ];
    return {
      figures,
      notes: [
        `The file has ${(bytes / MIB).toFixed(0)} MiB, its ${parts.length} Parquet files ${(parquet / MIB).toFixed(0)} MiB; as JSON Lines it would have ${(json / MIB).toFixed(0)}.`,
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await test.stop();
  }
};

const seconds = (from: number, to: number) => (to - from) / 1000;

async function upload(test: TestRuntime, { s3, landing }: Account, rows: number) {
  let bytes = 0;
  const body = salesCsv(rows, DAYS).on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
  });
  const key = 'sales/benchmark.csv';
  const { VersionId = '' } = await new Upload({
    client: s3,
    params: { Bucket: landing, Key: key, Body: body },
    partSize: 16 * MIB,
  }).done();
  return { fileId: test.fileId(key, VersionId), bytes };
}

/** When the audit table said so, milliseconds of `performance.now()`. */
async function statusOf(
  { deployment }: TestRuntime,
  account: Account,
  fileId: string,
  isSo: (state: { readonly status: string; readonly loadStatus: string | undefined }) => boolean,
): Promise<number> {
  await account.until(
    'an outcome of the file',
    async () => {
      const state = (await deployment.states([fileId])).get(fileId);
      if (state && ['FAILED', 'REJECTED'].includes(state.status)) throw new Error(JSON.stringify(state));
      return state !== undefined && isSo(state);
    },
    1800,
  );
  return performance.now();
}

interface Part {
  readonly key: string;
  readonly size: number;
}

async function partsOf({ s3, lake }: Account): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const { Contents } of paginateListObjectsV2(
    { client: s3 },
    { Bucket: lake, Prefix: 'loaded/sales/' },
  )) {
    for (const { Key = '', Size = 0 } of Contents ?? []) parts.push({ key: Key, size: Size });
  }
  return parts;
}

/** The most that any function of ours says it has used. */
async function mostMemory(test: TestRuntime): Promise<{ used: number; of: string }> {
  const client = new CloudWatchLogsClient(test.client);
  let most = { used: 0, of: '' };
  for await (const { logGroups } of paginateDescribeLogGroups({ client }, {})) {
    for (const { logGroupName = '' } of logGroups ?? []) {
      const input = { logGroupName, filterPattern: '"Max Memory Used"' };
      for await (const { events } of paginateFilterLogEvents({ client }, input)) {
        for (const { message = '' } of events ?? []) {
          const used = Number(/Max Memory Used: (\d+) MB/.exec(message)?.[1] ?? 0);
          if (used > most.used) most = { used, of: logGroupName };
        }
      }
    }
  }
  client.destroy();
  return most;
}

/** One day's revenue, asked of files in their partitions and of the same rows in one file. */
async function queryTimes({ s3, lake }: Account, parts: readonly Part[], folder: string): Promise<Figure[]> {
  for (const { key } of parts) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: lake, Key: key }));
    const file = join(folder, key);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, (await Body?.transformToByteArray()) ?? '');
  }
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const whole = join(folder, 'whole.parquet');
  const partitioned = `read_parquet('${folder}/loaded/sales/**/*.parquet', hive_partitioning = true)`;
  await connection.run(
    `COPY (SELECT * EXCLUDE (year, month, day) FROM ${partitioned} ORDER BY order_id) TO '${whole}' (FORMAT parquet)`,
  );
  const revenue = 'SELECT SUM(quantity * unit_price), COUNT(*) FROM';
  const asked = {
    'revenue of a day, partitioned': `${revenue} ${partitioned} WHERE year = 2026 AND month = 11 AND day = 10`,
    'revenue of a day, not partitioned': `${revenue} '${whole}' WHERE ordered_at >= TIMESTAMP '2026-11-10' AND ordered_at < TIMESTAMP '2026-11-11'`,
  };
  const figures: Figure[] = [];
  const answers = new Set<string>();
  for (const [what, sql] of Object.entries(asked)) {
    const times: number[] = [];
    for (let i = 0; i < QUERIES; i++) {
      const began = performance.now();
      const reader = await connection.runAndReadAll(sql);
      times.push(performance.now() - began);
      answers.add(JSON.stringify(reader.getRows().map((row) => row.map(String))));
    }
    const { median, min, max } = spreadOf(times);
    figures.push({
      what,
      value: median,
      unit: 'ms',
      spread: `${min.toFixed(1)} to ${max.toFixed(1)}, n=${QUERIES}`,
    });
  }
  if (answers.size !== 1) throw new Error(`The two do not agree: ${[...answers].join(' and ')}`);
  connection.closeSync();
  return figures;
}
