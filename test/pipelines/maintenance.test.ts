import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  RedriveExecutionCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { customers } from '../../datasets/customers.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import { sales } from '../../datasets/sales.ts';
import { COMPACTED, CompactionSchema, compactionKey } from '../../lambdas/maintenance/contract.ts';
import { MovableClock } from '../../local/clock.ts';
import type { RuleInput } from '../../local/faults/rules.ts';
import { Account } from '../support/account.ts';
import { comparable, readLake } from '../support/lake-reader.ts';
import { customer, putFile, sale } from '../support/lake-writer.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const Output = z.object({
  outcome: z.literal('SUCCEEDED'),
  report: z.string(),
  partitions: z.number(),
  failed: z.number(),
  filesBefore: z.number(),
  filesAfter: z.number(),
  deleted: z.number(),
});
const Line = z.looseObject({ dataset: z.string() });

describe('the lake, looked after at night,', { timeout: 600_000 }, () => {
  const clock = new MovableClock();
  let runtime: TestRuntime;
  let account: Account;
  before(async () => {
    runtime = await startTestRuntime({ clock });
    account = new Account(runtime);
  });
  after(() => runtime?.stop());

  async function end(executionArn: string | undefined): Promise<DescribeExecutionCommandOutput> {
    return account.until(
      'the end of the maintenance',
      async () => {
        const execution = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
        return execution.status !== 'RUNNING' && execution;
      },
      120,
    );
  }

  /** @param later milliseconds from now, as of which the run judges ages */
  async function start(later = 7 * HOUR): Promise<string | undefined> {
    const { executionArn } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: runtime.deployment.output('MaintenanceStateMachineArn'),
        input: JSON.stringify({ startedAt: new Date(Date.now() + later).toISOString() }),
      }),
    );
    return executionArn;
  }

  async function maintain(later?: number): Promise<z.output<typeof Output>> {
    const { status, output = '', error, cause } = await end(await start(later));
    assert.equal(status, 'SUCCEEDED', `${error}: ${cause}`);
    return Output.parse(JSON.parse(output));
  }

  /** A day of its own for each test, so that none sees another's files. */
  const daysOf = (function* () {
    for (let day = Date.UTC(2026, 0, 1); ; day += DAY) yield new Date(day);
  })();
  const nextDay = (): Date => {
    const { value } = daysOf.next();
    assert.ok(value instanceof Date);
    return value;
  };
  const partitionOf = (day: Date) =>
    `year=${day.getUTCFullYear()}/month=${String(day.getUTCMonth() + 1).padStart(2, '0')}/day=${String(day.getUTCDate()).padStart(2, '0')}/`;

  const keysOn = (dataset: Dataset, day: Date) =>
    account.keys(account.lake, `loaded/${dataset.name}/${partitionOf(day)}`);
  const compactionOn = async (dataset: Dataset, day: Date) =>
    CompactionSchema.parse(
      JSON.parse(await account.text(account.lake, compactionKey(dataset.name, partitionOf(day)))),
    );
  const read = async (dataset: Dataset) => comparable(await readLake(account, dataset));

  /** Files of customers, a row each, a few hours old. */
  async function putCustomers(day: Date, count: number, name = 'page'): Promise<string[]> {
    const keys: string[] = [];
    for (let i = 0; i < count; i += 1) {
      keys.push(
        await putFile(account, {
          dataset: customers,
          sourceFile: `raw/customers/${name}-${day.toISOString()}-${i}.json`,
          landedAt: new Date(day.getTime() + i * 1000),
          rows: [customer(`${name}-${i}`, day)],
        }),
      );
    }
    return keys;
  }

  test('many small files become one, the same rows are seen, and a day later the old files are gone', async () => {
    const day = nextDay();
    const small = await putCustomers(day, 12);
    const seen = await read(customers);
    assert.ok(seen.length >= 12);

    const run = await maintain();
    assert.deepEqual([run.filesBefore, run.filesAfter, run.failed], [12, 1, 0]);
    assert.deepEqual(await read(customers), seen);
    const compaction = await compactionOn(customers, day);
    assert.deepEqual(compaction.retired.toSorted(), small.toSorted());
    assert.equal(compaction.added.length, 1);
    assert.equal((await keysOn(customers, day)).length, 13);

    const report = (await account.text(account.lake, run.report)).trim().split('\n');
    const line = report
      .map((text) => Line.parse(JSON.parse(text)))
      .find(({ dataset }) => dataset === 'customers');
    assert.deepEqual([line?.files_before, line?.files_after, line?.rows, line?.failed], [12, 1, 12, 0]);

    // Again: there is nothing left to do.
    assert.deepEqual((await maintain()).filesBefore, 0);
    assert.equal((await keysOn(customers, day)).length, 13);

    // What pages brought stays as long as the run that fetched them can be redriven.
    assert.equal((await maintain(2 * DAY)).deleted, 0);
    assert.equal((await maintain(16 * DAY)).deleted, 12);
    assert.deepEqual(await keysOn(customers, day), compaction.added);
    assert.deepEqual(await read(customers), seen);
    assert.deepEqual((await compactionOn(customers, day)).retired.toSorted(), small.toSorted());
  });

  test('a file that was written in the last hours, or that nobody has published, is left alone', async () => {
    const day = nextDay();
    const settled = await putCustomers(day, 11, 'settled');
    const unpublished = await putFile(account, {
      dataset: customers,
      sourceFile: 'raw/customers/unfinished.json',
      landedAt: day,
      rows: [customer('unfinished', day)],
      published: false,
    });
    const seen = await read(customers);
    // All of them are minutes old.
    assert.equal((await maintain(HOUR)).filesBefore, 0);

    assert.equal((await maintain()).filesBefore, 11);
    assert.deepEqual(await read(customers), seen);
    const { retired } = await compactionOn(customers, day);
    assert.deepEqual(retired.toSorted(), settled.toSorted());
    const keys = await keysOn(customers, day);
    assert.ok(keys.includes(unpublished));

    // Nobody can go on with it after two weeks; what is published stays.
    assert.equal((await maintain(10 * DAY)).deleted, 0);
    assert.equal((await maintain(15 * DAY + 6 * HOUR)).deleted >= 1, true);
    assert.equal((await keysOn(customers, day)).includes(unpublished), false);
    assert.deepEqual(await read(customers), seen);
  });

  test('a later version of a landed file hides the earlier one, before and after its rows are compacted', async () => {
    const day = nextDay();
    const versions = async (from: number, to: number, hours: number) => {
      for (let i = from; i < to; i += 1) {
        await putFile(account, {
          dataset: sales,
          sourceFile: `sales/shop-${i}.csv`,
          landedAt: new Date(day.getTime() + hours * HOUR),
          rows: [sale(`order-${i}`, day, BigInt(100 * hours + i)), sale(`extra-${i}`, day, 7n)],
        });
      }
    };
    await versions(0, 12, 1);
    await versions(0, 3, 2);
    const seen = await read(sales);
    assert.equal(seen.length, 24);
    const run = await maintain();
    assert.equal(run.filesBefore, 15);
    assert.deepEqual(await read(sales), seen);
    const [file = ''] = (await compactionOn(sales, day)).added;
    assert.ok(file.includes(COMPACTED));

    // One that comes when its predecessor's rows are in a compacted file.
    await versions(3, 5, 3);
    const corrected = await read(sales);
    assert.equal(corrected.length, 24);
    assert.notDeepEqual(corrected, seen);
  });

  test('killed at any moment of any step, a run ends with the same rows, none of them twice', async () => {
    for (const moment of ['before', 'during', 'after'] as const) {
      const day = nextDay();
      await putCustomers(day, 12, moment);
      const seen = await read(customers);
      const steps = ['Plan', 'Look', 'Compact', 'Swap', 'Delete', 'Expired', 'Retain', 'Report'];
      const rules = steps.map(
        (step): RuleInput => ({ fault: 'crashed', moment, function: `Maintenance${step}`, count: 1 }),
      );
      runtime.runtime.faults.set({ rules });
      const run = await maintain();
      const { rules: met } = runtime.runtime.faults.report();
      runtime.runtime.faults.clear();
      assert.deepEqual(
        met.filter((rule) => rule.met === 0),
        [],
        `not killed ${moment} its work`,
      );
      assert.equal(run.failed, 0);
      assert.deepEqual(await read(customers), seen, moment);
      const { added, retired } = await compactionOn(customers, day);
      assert.deepEqual([added.length, retired.length], [1, 12], moment);
    }
  });

  test('a partition that cannot be compacted stays as it was, holds up no other, and fails the run', async () => {
    const [broken, whole] = [nextDay(), nextDay()];
    await putCustomers(broken, 12, 'broken');
    await putCustomers(whole, 12, 'whole');
    const seen = await read(customers);
    const overwrite = (...names: string[]) =>
      putFile(account, {
        dataset: customers,
        sourceFile: `raw/customers/broken-${broken.toISOString()}-0.json`,
        landedAt: broken,
        rows: names.map((name) => customer(name, broken)),
        published: false,
      });
    // Not what its publication says.
    await overwrite('broken-0', 'somebody-else');

    const { status, error, cause } = await end(await start());
    assert.deepEqual([status, error], ['FAILED', 'MaintenanceIncomplete']);
    assert.match(cause ?? '', /1 partitions could not be compacted.*customers year=2026/);
    assert.equal((await keysOn(customers, broken)).length, 12);
    assert.equal((await compactionOn(customers, whole)).added.length, 1);

    await overwrite('broken-0');
    assert.deepEqual(await read(customers), seen);
    assert.equal((await maintain()).filesBefore, 12);
    assert.deepEqual(await read(customers), seen);
  });

  test('an execution that failed goes on where it failed, and brings the same rows', async () => {
    const day = nextDay();
    await putCustomers(day, 12, 'redriven');
    const seen = await read(customers);
    runtime.runtime.faults.set({
      rules: [
        {
          fault: 'failing',
          service: 's3',
          operations: ['PutObject'],
          by: 'MaintenanceDelete',
          error: { code: 'AccessDenied', status: 403 },
        },
      ],
    });
    const executionArn = await start();
    const failed = await account.until(
      'a failure',
      async () => {
        clock.jump(60_000);
        const execution = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
        return execution.status !== 'RUNNING' && execution;
      },
      120,
    );
    runtime.runtime.faults.clear();
    assert.equal(failed.status, 'FAILED');
    assert.deepEqual(await read(customers), seen);
    await account.sfn.send(new RedriveExecutionCommand({ executionArn }));
    const { status, output = '' } = await end(executionArn);
    assert.equal(status, 'SUCCEEDED');
    assert.equal(Output.parse(JSON.parse(output)).filesBefore, 12);
    assert.deepEqual(await read(customers), seen);
  });

  test('two runs at once compact each file once', async () => {
    const day = nextDay();
    await putCustomers(day, 14, 'twice');
    const seen = await read(customers);
    const runs = await Promise.all([start(), start()]);
    for (const run of runs) {
      const { status, cause } = await end(run);
      assert.equal(status, 'SUCCEEDED', cause);
    }
    assert.deepEqual(await read(customers), seen);
    const { added, retired } = await compactionOn(customers, day);
    assert.deepEqual([added.length, retired.length, new Set(retired).size], [1, 14, 14]);
  });

  test('what is over goes, out of the warehouse and out of the lake, and nothing else does', async () => {
    const [over, kept] = [new Date('2009-02-03T04:05:06Z'), nextDay()];
    for (const day of [over, kept]) {
      await putFile(account, {
        dataset: sales,
        sourceFile: `sales/retention-${day.toISOString()}.csv`,
        landedAt: day,
        rows: [sale(`retention-${day.getUTCFullYear()}`, day, 1n)],
      });
    }
    const table = `${runtime.deployment.output('WarehouseSchema')}.sales`;
    const inWarehouse = async () =>
      (
        await account.sql(`SELECT order_id FROM ${table} WHERE order_id LIKE 'retention-%' ORDER BY 1`)
      ).flat();
    // Their publications have been loaded.
    await account.until(
      'both rows in the warehouse',
      async () => (await inWarehouse().catch(() => [])).length === 2,
    );
    const days = async () =>
      (await account.sql(`SELECT DISTINCT EXTRACT(YEAR FROM "day") FROM ${table}_daily`)).flat().map(Number);
    assert.ok((await days()).includes(over.getUTCFullYear()));
    const seen = await read(sales);
    await maintain();
    assert.deepEqual(await inWarehouse(), [`retention-${kept.getUTCFullYear()}`]);
    assert.ok(!(await days()).includes(over.getUTCFullYear()));
    assert.deepEqual(
      await read(sales),
      seen.filter((row) => !row.includes('retention-2009')),
    );
    assert.deepEqual(await account.keys(account.lake, 'curated/sales/year=2009/'), []);
  });
});
