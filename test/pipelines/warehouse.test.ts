import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  RedriveExecutionCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { customers } from '../../datasets/customers.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import { sales } from '../../datasets/sales.ts';
import { tickets } from '../../datasets/tickets.ts';
import { manifestOf, publishedEntry, writeManifest } from '../../lambdas/shared/load-manifest.ts';
import { s3Objects } from '../../lambdas/shared/objects.ts';
import type { LoadOutput, ManifestEntry } from '../../lambdas/warehouse-load/contract.ts';
import { millrace } from '../cli/millrace.ts';
import { Account } from '../support/account.ts';
import { type LandedFile, publish } from '../support/local-warehouse.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { customer, order, ticket } from '../support/tabular-rows.ts';

describe('the warehouse', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  let schema: string;
  before(async () => {
    runtime = await startTestRuntime();
    account = new Account(runtime);
    schema = runtime.deployment.output('WarehouseSchema');
  });
  after(() => runtime?.stop());

  const put = (Key: string, Body: string | Uint8Array) =>
    account.s3.send(new PutObjectCommand({ Bucket: account.lake, Key, Body }));

  /** Publishes where no event is sent, as the CRM's pipeline does. */
  const entryOf = async (dataset: Dataset, file: LandedFile): Promise<ManifestEntry> => {
    const { key, body } = await publish(dataset, file, put);
    return publishedEntry(key, body);
  };

  const start = async (dataset: Dataset, entries: readonly ManifestEntry[], salt = ''): Promise<string> => {
    const input = await writeManifest(
      s3Objects(account.s3),
      account.lake,
      manifestOf(dataset.name, entries, salt),
    );
    const { executionArn = '' } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: account.machine('warehouse-load'),
        name: `${input.loadId}-0123456789a`,
        input: JSON.stringify(input),
      }),
    );
    return executionArn;
  };

  const ended = async (executionArn: string) =>
    account.until(`the end of ${executionArn}`, async () => {
      const found = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
      return found.status !== 'RUNNING' && found;
    });

  const load = async (...args: Parameters<typeof start>): Promise<LoadOutput> => {
    const { status, cause, output } = await ended(await start(...args));
    assert.equal(status, 'SUCCEEDED', cause);
    return JSON.parse(output ?? '');
  };

  const content = (dataset: Dataset) =>
    account.sql(
      `SELECT ${dataset.columns.map(({ name }) => `"${name}"`).join(', ')}, file_id, line FROM ${schema}.${dataset.name} ORDER BY ALL`,
    );

  test('a publication of a landed file is loaded by its event, and the file is marked', async () => {
    const { publication } = await publish(
      sales,
      {
        name: 'sales/2026-11-21.csv',
        landedAt: '2026-11-21T05:00:00Z',
        rows: [order('1'), order('2', { customer_id: 'C-2' })],
      },
      put,
    );
    const item = await account.until('the mark', async () => {
      const rows = await account.auditRows(publication.fileId);
      return rows.find(({ status }) => status === 'LOADED');
    });
    assert.equal(item.fileName, 'sales/2026-11-21.csv');
    assert.equal((await content(sales)).length, 2);
  });

  test('publications of the CRM are loaded by whoever published them, and what refers to nothing is told', async () => {
    const output = await load(tickets, [
      await entryOf(tickets, {
        name: 'raw/tickets/1.json',
        landedAt: '2026-11-21T06:00:00Z',
        rows: [ticket('1', '2026-11-21T05:00:00Z'), ticket('2', '2026-11-21T05:00:00Z')],
      }),
      await entryOf(tickets, {
        name: 'raw/tickets/2.json',
        landedAt: '2026-11-21T06:01:00Z',
        rows: [ticket('2', '2026-11-21T05:30:00Z', { status: 'solved', is_open: false })],
      }),
    ]);
    assert.deepEqual(output, {
      outcome: 'SUCCEEDED',
      dataset: 'tickets',
      rows: 3,
      files: 2,
      loadStatus: 'LOADED',
      rowsLoaded: 2,
      rowsNew: 2,
      rowsRemoved: 0,
      missingReferences: [{ dataset: 'tickets', column: 'customer_id', references: 'customers', rows: 2 }],
    });
    const people = await load(customers, [
      await entryOf(customers, {
        name: 'raw/users/1.json',
        landedAt: '2026-11-21T06:02:00Z',
        rows: [customer('C-1'), customer('C-2')],
      }),
    ]);
    assert.deepEqual(
      people.missingReferences?.map(({ dataset, rows }) => [dataset, rows]),
      [['tickets', 0]],
    );
  });

  test('a load that was stopped, or lost a file for a while, ends the same when it is redriven', async () => {
    const file = {
      name: 'raw/tickets/3.json',
      landedAt: '2026-11-21T07:00:00Z',
      rows: [ticket('3', '2026-11-21T06:30:00Z')],
    };
    const { key, body, publication } = await publish(tickets, file, put);
    const [part] = publication.parts;
    assert.ok(part);
    const Part = { Bucket: account.lake, Key: part.key };
    const bytes = await (await account.s3.send(new GetObjectCommand(Part))).Body?.transformToByteArray();
    await account.s3.send(new DeleteObjectCommand(Part));
    const before = await content(tickets);
    const arn = await start(tickets, [publishedEntry(key, body)]);
    const failed = await ended(arn);
    assert.equal(failed.status, 'FAILED');
    assert.deepEqual(await content(tickets), before);
    await put(part.key, bytes ?? '');
    await account.sfn.send(new RedriveExecutionCommand({ executionArn: arn }));
    const redriven = await ended(arn);
    assert.equal(redriven.status, 'SUCCEEDED', redriven.cause);
    const after = await content(tickets);
    assert.equal(after.length, before.length + 1);

    // The statement goes on while nobody waits for it any more.
    const stopped = await start(tickets, [publishedEntry(key, body)], 'stopped');
    await account.until('a statement', async () =>
      (await account.history(stopped)).some(({ type }) => type === 'WaitStateEntered'),
    );
    await account.sfn.send(new StopExecutionCommand({ executionArn: stopped }));
    await account.sfn.send(new RedriveExecutionCommand({ executionArn: stopped }));
    assert.equal((await ended(stopped)).status, 'SUCCEEDED');
    assert.deepEqual(await content(tickets), after);
  });

  test('loads of several datasets at once wait for each other and all succeed', async () => {
    const before = await Promise.all([sales, tickets, customers].map(content));
    const files = [
      { dataset: tickets, rows: [ticket('1', '2026-11-21T04:00:00Z', { status: 'older' })] },
      { dataset: customers, rows: [customer('C-1')] },
      { dataset: tickets, rows: [ticket('2', '2026-11-21T05:10:00Z', { status: 'older' })] },
    ];
    const arns = await Promise.all(
      files.map(async ({ dataset, rows }, i) =>
        start(dataset, [
          await entryOf(dataset, { name: `raw/${i}`, landedAt: `2026-11-21T03:0${i}:00Z`, rows }),
        ]),
      ),
    );
    for (const { status, cause } of await Promise.all(arns.map(ended)))
      assert.equal(status, 'SUCCEEDED', cause);
    assert.deepEqual(await Promise.all([sales, tickets, customers].map(content)), before);
  });

  test('the command line asks the warehouse, and does nothing but ask', async () => {
    const at = ['--endpoint-url', runtime.client.endpoint];
    const joined = await millrace([
      'query',
      'SELECT c.customer_id, h.orders_90d, COUNT(t.ticket_id) AS tickets FROM customers AS c JOIN customer_health AS h' +
        ' ON h.customer_id = c.customer_id LEFT JOIN tickets AS t ON t.customer_id = c.customer_id GROUP BY 1, 2 ORDER BY 1;',
      '--json',
      ...at,
    ]);
    assert.equal(joined.status, 0, joined.stderr);
    assert.deepEqual(
      (joined.json() as Record<string, unknown>[]).map(({ customer_id, tickets: count }) => [
        customer_id,
        count,
      ]),
      [
        ['C-1', 3],
        ['C-2', 0],
      ],
    );
    const first = await millrace([
      'query',
      'SELECT order_id FROM sales ORDER BY 1',
      '--limit',
      '1',
      '--csv',
      ...at,
    ]);
    assert.deepEqual([first.status, first.stdout], [0, 'order_id\n1\n']);
    assert.match(first.stderr, /The first 1 of 2 rows/);
    const wrong = await millrace(['query', 'SELECT nothing FROM sales', ...at]);
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /nothing/);
    const all = await millrace(['datasets', '--json', ...at]);
    const shown = all.json() as { dataset: string; rows: number; freshness: string | null }[];
    assert.deepEqual(
      shown
        .filter(({ rows }) => rows > 0)
        .map(({ dataset, rows }) => [dataset, rows])
        .sort(),
      [
        ['customers', 2],
        ['sales', 2],
        ['tickets', 3],
      ],
    );
    assert.equal(shown.find(({ dataset }) => dataset === 'sales')?.freshness, 'FRESH');
  });
});
