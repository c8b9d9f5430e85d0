import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { customers } from '../../datasets/customers.ts';
import { parquetColumns, partitionOf } from '../../datasets/dataset.ts';
import { documents } from '../../datasets/documents.ts';
import { sales } from '../../datasets/sales.ts';
import { RowsChecksum } from '../../lambdas/maintenance/checksum.ts';
import { compactGroup } from '../../lambdas/maintenance/compact-group.ts';
import { COMPACTED, CompactionSchema, compactionKey } from '../../lambdas/maintenance/contract.ts';
import { type DeleteCursor, deleteFiles } from '../../lambdas/maintenance/delete-files.ts';
import { LakeFiles } from '../../lambdas/maintenance/lake.ts';
import { look } from '../../lambdas/maintenance/look-partition.ts';
import { rowsOf } from '../../lambdas/maintenance/parquet-file.ts';
import { type PlanCursor, plan } from '../../lambdas/maintenance/plan-lake.ts';
import { expiries, type RetainCursor, retain } from '../../lambdas/maintenance/retention.ts';
import { swap } from '../../lambdas/maintenance/swap-group.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import { customer, putFile, rowWith, sale } from '../support/lake-writer.ts';
import { MemoryS3 } from '../support/memory-s3.ts';

const DAY = 86_400_000;
const day = new Date('2026-03-04T05:06:07Z');
const partition = partitionOf(day);
const startedAt = Date.parse('2026-03-10T02:00:00Z');
const settings = { compactAboveFiles: 3, targetBytes: 1024 ** 2, keepSeconds: 24 * 3600 };
const place = { run: 'night', dataset: 'customers', partition, startedAt };

let s3: MemoryS3;
let lake: LakeFiles;
beforeEach(() => {
  s3 = new MemoryS3();
  s3.now = day;
  lake = new LakeFiles(s3.client, 'lake');
});
const at = () => ({ s3: s3.client, lake: 'lake' });

async function putCustomers(count: number): Promise<string[]> {
  const keys: string[] = [];
  for (let i = 0; i < count; i += 1) {
    keys.push(
      await putFile(at(), {
        dataset: customers,
        sourceFile: `raw/customers/${i}.json`,
        landedAt: day,
        rows: [customer(`c${count - i}`, day)],
      }),
    );
  }
  return keys;
}

const compaction = (dataset = 'customers') =>
  CompactionSchema.parse(s3.json(compactionKey(dataset, partition)));

/** Compacts the first group of a partition. */
async function compactFirst(now = startedAt) {
  const { groups } = await look(place, lake, settings);
  assert.equal(groups, 1);
  const compacted = await compactGroup({ ...place, group: 0 }, lake);
  return {
    compacted,
    swap: () => swap({ ...place, group: 0, isLast: true, seconds: 1, ...compacted }, lake, now),
  };
}

describe('compaction', () => {
  test('replaces nothing by a file that lost a row, changed a value, or has one twice', async () => {
    const keys = await putCustomers(5);
    await look(place, lake, settings);
    const columns = parquetColumns(customers);
    const good = s3.onPut;
    const damages: ((rows: Awaited<ReturnType<typeof rowsOf>>) => typeof rows)[] = [
      (rows) => rows.slice(1),
      (rows) => [...rows, ...rows.slice(0, 1)],
      (rows) => [...rows.slice(1), ...rows.slice(1, 2)],
      (rows) => rows.map((row, i) => (i === 2 ? row.with(1, 'somebody else') : row)),
    ];
    for (const damage of damages) {
      const sound = await rowsOf('sound', await soundFile(), columns);
      s3.onPut = (key, body) =>
        key.includes(COMPACTED) ? Buffer.from(parquetOf(columns, damage(sound))) : body;
      await assert.rejects(compactGroup({ ...place, group: 0 }, lake), { name: 'NotCompacted' });
      s3.onPut = good;
    }
    assert.equal(s3.json(compactionKey('customers', partition)), null);
    for (const key of keys) assert.ok(s3.objects.has(key));

    async function soundFile(): Promise<Uint8Array> {
      s3.onPut = good;
      const { file } = await compactGroup({ ...place, group: 0 }, lake);
      return lake.bytes(file?.key ?? '');
    }
  });

  test('writes rows in the order of the key, and keeps every value as it was', async () => {
    const row = customer('unicode-ü-🚀', new Date('2026-03-04T05:06:07.089Z'));
    const keys = [
      ...(await putCustomers(4)),
      await putFile(at(), { dataset: customers, sourceFile: 'x', landedAt: day, rows: [row] }),
    ];
    const before = new RowsChecksum();
    for (const key of keys) {
      for (const each of await rowsOf(key, await lake.bytes(key), parquetColumns(customers)))
        before.add(each);
    }
    const { compacted } = await compactFirst();
    const key = compacted.file?.key ?? '';
    const rows = await rowsOf(key, await lake.bytes(key), parquetColumns(customers));
    const after = new RowsChecksum();
    for (const each of rows) after.add(each);
    assert.equal(`${after}`, `${before}`);
    assert.deepEqual(
      rows.map(([id]) => id),
      ['c1', 'c2', 'c3', 'c4', 'unicode-ü-🚀'],
    );
  });

  test('is refused by the swap when rows are missing, whatever the step before it said', async () => {
    await putCustomers(5);
    const { compacted } = await compactFirst();
    const file = compacted.file && { ...compacted.file, rows: 4 };
    await assert.rejects(
      swap({ ...place, group: 0, isLast: true, seconds: 1, ...compacted, file }, lake, startedAt),
      { name: 'NotCompacted' },
    );
    assert.equal(s3.json(compactionKey('customers', partition)), null);
  });

  test('is swapped in once, and a run that was overtaken changes nothing', async () => {
    await putCustomers(5);
    const [first, second] = [await compactFirst(), await compactFirst()];
    assert.equal((await first.swap()).filesBefore, 5);
    const swapped = compaction();
    assert.equal((await first.swap()).filesBefore, 5);
    assert.deepEqual(compaction(), swapped);
    // The same rows make the same file, so that the other run's is this one's.
    assert.equal((await second.swap()).filesBefore, 5);
    assert.deepEqual(compaction(), swapped);

    await putFile(at(), {
      dataset: customers,
      sourceFile: 'late',
      landedAt: day,
      rows: [customer('late', day)],
    });
    const { compacted } = first;
    const other = compacted.file && {
      ...compacted.file,
      key: compacted.file.key.replace(COMPACTED, `${COMPACTED}0`),
    };
    const overtaken = await swap(
      { ...place, group: 0, isLast: true, seconds: 1, ...compacted, file: other },
      lake,
      startedAt,
    );
    assert.equal(overtaken.filesBefore, 0);
    assert.deepEqual(compaction(), swapped);
  });

  test('does not write over what another run wrote between reading and writing', async () => {
    await putCustomers(5);
    const { swap: swapIn } = await compactFirst();
    const { client } = s3;
    const key = compactionKey('customers', partition);
    let reads = 0;
    const racing = new LakeFiles(
      {
        send: (async (command: { input: { Key?: string; Body?: unknown } }) => {
          const answer = client.send(command as never);
          if (command.input.Key === key && command.input.Body === undefined && reads++ === 0) {
            await Promise.resolve(answer).catch(() => {});
            s3.objects.set(key, { body: Buffer.from('{}'), modified: day });
          }
          return answer;
        }) as never,
      },
      'lake',
    );
    const { compacted } = { compacted: await compactGroup({ ...place, group: 0 }, lake) };
    await assert.rejects(
      swap({ ...place, group: 0, isLast: true, seconds: 1, ...compacted }, racing, startedAt),
      { name: 'SwapConflict' },
    );
    s3.objects.delete(key);
    assert.equal((await swapIn()).filesBefore, 5);
  });

  test('leaves out rows of a landed file whose later version is in the partition', async () => {
    const put = (source: string, hours: number, cents: bigint) =>
      putFile(at(), {
        dataset: sales,
        sourceFile: source,
        landedAt: new Date(day.getTime() + hours * 3_600_000),
        rows: [sale(`${source}-1`, day, cents), sale(`${source}-2`, day, cents)],
      });
    await put('a', 0, 1n);
    await put('a', 1, 2n);
    await put('b', 0, 3n);
    await put('c', 0, 90_071_992_547_409_931n);
    const of = { ...place, dataset: 'sales' };
    await look(of, lake, settings);
    const compacted = await compactGroup({ ...of, group: 0 }, lake);
    assert.deepEqual([compacted.superseded, compacted.file?.rows], [2, 6]);
    const key = compacted.file?.key ?? '';
    const price = parquetColumns(sales).findIndex(({ name }) => name === 'unit_price');
    const rows = await rowsOf(key, await lake.bytes(key), parquetColumns(sales));
    assert.deepEqual(
      rows.map((row) => row[price]),
      [2n, 2n, 3n, 3n, 90_071_992_547_409_931n, 90_071_992_547_409_931n],
    );
  });

  test('takes every file of records, those of earlier deployments too', async () => {
    const columns = parquetColumns(documents);
    const former = [...documents.columns, { name: 'load_id', type: 'string', description: '' } as const];
    for (let i = 0; i < 5; i += 1) {
      const id = `${i}`.repeat(64);
      const row = rowWith(documents, { file_id: id, received_at: day, bytes: 1n });
      const file = i === 0 ? parquetOf(former, [[...row, id]]) : parquetOf(columns, [[...row, day]]);
      await lake.write(`loaded/documents/${partition}${id}.parquet`, file);
    }
    const of = { ...place, dataset: 'documents' };
    assert.deepEqual(await look(of, lake, settings), { groups: 1 });
    const { file } = await compactGroup({ ...of, group: 0 }, lake);
    const rows = await rowsOf('file', await lake.bytes(file?.key ?? ''), columns);
    assert.deepEqual(
      rows.map((row) => row.at(-1)),
      [null, day, day, day, day],
    );
  });

  test('finds the same partitions however many pages a batch has', async () => {
    await putCustomers(5);
    for (let i = 0; i < 2100; i += 1)
      s3.objects.set(`loaded/sales/${partition}${i}.parquet`, { body: Buffer.from('x'), modified: day });
    const planned = async (run: string, maxPages?: number) => {
      let cursor: PlanCursor | null = null;
      let batch = 0;
      do {
        const answer: Awaited<ReturnType<typeof plan>> = await plan(
          { run, startedAt, batch, cursor },
          lake,
          settings,
          maxPages,
        );
        ({ cursor, batch } = answer);
      } while (cursor);
      return s3
        .keys(`operations/maintenance/work/${run}/plan/`)
        .map((key) => [key.split('/')[5], s3.json(key)]);
    };
    const all = await planned('all');
    assert.deepEqual(all, [
      ['customers', { dataset: 'customers', partition, small: 5 }],
      ['sales', { dataset: 'sales', partition, small: 2100 }],
    ]);
    assert.deepEqual(await planned('one', 1), all);
  });
});

describe('deleting', () => {
  const loadStatus = new Map<string, string>();
  async function sweep(now: number, planned = 0) {
    const problems: string[] = [];
    let cursor: DeleteCursor | null = null;
    let batch = 0;
    do {
      const answer: Awaited<ReturnType<typeof deleteFiles>> = await deleteFiles(
        { run: `night-${now}`, startedAt: now, batch, cursor, planned },
        {
          lake,
          dynamo: {
            send: (async ({ input }: { input: { Key: { pk: { S: string } } } }) => {
              const LoadStatus = loadStatus.get(input.Key.pk.S);
              return LoadStatus ? { Item: { LoadStatus: { S: LoadStatus } } } : {};
            }) as never,
          },
          auditTable: 'audit',
          settings,
        },
      );
      ({ cursor, batch } = answer);
      problems.push(...answer.problems);
    } while (cursor);
    return problems;
  }

  test('waits until the warehouse has a landed file’s rows', async () => {
    const keys: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      keys.push(
        await putFile(at(), {
          dataset: sales,
          sourceFile: `${i}`,
          landedAt: day,
          rows: [sale(`${i}`, day, 1n)],
        }),
      );
    }
    const of = { ...place, dataset: 'sales' };
    await look(of, lake, settings);
    await swap(
      { ...of, group: 0, isLast: true, seconds: 1, ...(await compactGroup({ ...of, group: 0 }, lake)) },
      lake,
      startedAt,
    );
    const [first = '', ...others] = keys;
    const idOf = (key: string) => key.slice(key.lastIndexOf('/') + 1).slice(0, 64);
    loadStatus.set(idOf(first), 'FAILED');
    for (const key of others) loadStatus.set(idOf(key), 'LOADED');

    await sweep(startedAt + DAY - 1);
    assert.ok(keys.every((key) => s3.objects.has(key)));
    await sweep(startedAt + DAY);
    assert.deepEqual(
      keys.filter((key) => s3.objects.has(key)),
      [first],
    );
    loadStatus.set(idOf(first), 'LOADED');
    await sweep(startedAt + DAY);
    assert.equal(s3.objects.has(first), false);
    assert.deepEqual(compaction('sales').waiting, []);
    assert.equal(compaction('sales').retired.length, 5);
  });

  test('keeps what was replaced when the file that replaced it is gone', async () => {
    const keys = await putCustomers(5);
    await (await compactFirst()).swap();
    const [added = ''] = compaction().added;
    s3.objects.delete(added);
    const [problem = ''] = await sweep(startedAt + 30 * DAY);
    assert.match(problem, /is gone, and so the files that it replaced are kept/);
    assert.ok(keys.every((key) => s3.objects.has(key)));
  });

  test('takes what nobody published, and never what a publication lists, wherever that lies', async () => {
    const [listed = ''] = await putCustomers(1);
    const put = (name: string) =>
      putFile(at(), {
        dataset: customers,
        sourceFile: name,
        landedAt: day,
        rows: [customer(name, day)],
        published: false,
      });
    const [abandoned, misplaced] = [await put('abandoned'), await put('misplaced')];
    const misplacedId = misplaced.slice(misplaced.lastIndexOf('/') + 1).slice(0, 64);
    s3.objects.set(`published/customers/year=2020/month=01/day=01/${misplacedId}.json`, {
      body: Buffer.from('{}'),
      modified: day,
    });
    const orphan = `loaded/customers/${partition}${COMPACTED}${'0'.repeat(64)}.parquet`;
    s3.objects.set(orphan, { body: Buffer.from('x'), modified: day });
    const records = `loaded/documents/${partition}${'1'.repeat(64)}.parquet`;
    s3.objects.set(records, { body: Buffer.from('x'), modified: day });

    const now = day.getTime() + 15 * DAY;
    await plan({ run: `night-${now - 1}`, startedAt: now - 1, batch: 0, cursor: null }, lake, settings);
    await sweep(now - 1, 1);
    assert.equal(s3.keys('loaded/').length, 5);
    await plan({ run: `night-${now}`, startedAt: now, batch: 0, cursor: null }, lake, settings);
    const problems = await sweep(now, 1);
    assert.deepEqual(s3.keys('loaded/'), [listed, misplaced, records].sort());
    assert.equal(problems.length, 1);
    assert.ok(!s3.objects.has(abandoned));
  });
});

describe('retention', () => {
  const now = Date.parse('2036-03-05T02:00:00Z');
  async function retainAll(except: readonly string[] = []) {
    let cursor: RetainCursor | null = null;
    let batch = 0;
    do {
      const answer: Awaited<ReturnType<typeof retain>> = await retain(
        { run: 'night', startedAt: now, batch, cursor, except },
        lake,
      );
      ({ cursor, batch } = answer);
    } while (cursor);
  }
  const put = (source: string, landed: string, ordered: string) =>
    putFile(at(), {
      dataset: sales,
      sourceFile: source,
      landedAt: new Date(landed),
      rows: [sale(source, new Date(ordered), 1n)],
    });

  test('deletes days that are over, the warehouse’s first, and nothing of what has no end', async () => {
    await put('old', '2026-03-04T05:00:00Z', '2026-03-03T05:00:00Z');
    const young = await put('young', '2026-03-10T05:00:00Z', '2026-03-10T05:00:00Z');
    s3.objects.set(compactionKey('sales', 'year=2026/month=03/day=03/'), {
      body: Buffer.from('{}'),
      modified: day,
    });
    await putCustomers(1);
    const kept = s3.keys('loaded/customers/');

    assert.deepEqual(await expiries(now, 'millrace', lake), [
      {
        dataset: 'sales',
        sqls: [
          'LOCK TABLE millrace.load_lock',
          `DELETE FROM millrace.sales WHERE "ordered_at" < '2026-03-08'`,
          `DELETE FROM millrace.sales_daily WHERE "day" < '2026-03-08'`,
        ],
      },
    ]);
    await retainAll(['sales']);
    assert.equal(s3.keys('loaded/sales/').length, 2);
    await retainAll();
    assert.deepEqual(s3.keys('loaded/'), [...kept, young]);
    assert.deepEqual(s3.keys('operations/compaction/'), []);
    assert.equal(s3.keys('curated/sales/').length, 1);
    assert.deepEqual(await expiries(now, 'millrace', lake), []);
  });

  test('keeps the publication that hides an earlier version which has rows left', async () => {
    await put('shop', '2026-03-01T05:00:00Z', '2026-03-20T05:00:00Z');
    await put('shop', '2026-03-02T05:00:00Z', '2026-03-01T05:00:00Z');
    await put('other', '2026-03-02T05:00:00Z', '2026-03-01T05:00:00Z');
    await retainAll();
    const left = s3.keys('curated/sales/').map((key) => s3.json(key));
    assert.deepEqual(
      left.map((publication) => (publication as { sourceFile: string }).sourceFile),
      ['shop', 'shop'],
    );
  });
});
