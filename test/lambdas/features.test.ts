import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { customerFeatures } from '../../datasets/customer-features.ts';
import { type Column, parquetColumns } from '../../datasets/dataset.ts';
import { documents } from '../../datasets/documents.ts';
import { tickets } from '../../datasets/tickets.ts';
import type { FeatureSettings } from '../../lambdas/crm-tickets/contract.ts';
import { isOffPeak, outputPrefix, planFeatures, workersFor } from '../../lambdas/crm-tickets/features.ts';
import { shownFiles } from '../../lambdas/crm-tickets/features-input.ts';
import { publishFeatures } from '../../lambdas/crm-tickets/features-result.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import type { Value } from '../../lambdas/shared/dataset/values.ts';

const settings: FeatureSettings = {
  everyHours: 24,
  minWorkers: 2,
  maxWorkers: 10,
  gigabytesPerWorker: 10,
  flexFromHour: 20,
  flexUntilHour: 6,
  timeZone: 'Europe/Berlin',
};
const DAY = 'year=2026/month=11/day=21/';
const id = (digit: string) => digit.repeat(64);

/** A lake in memory. */
class MemoryLake {
  readonly objects = new Map<string, Uint8Array>();

  put(key: string, body: Uint8Array | object | number): void {
    const bytes =
      typeof body === 'number'
        ? new Uint8Array(body)
        : body instanceof Uint8Array
          ? body
          : Buffer.from(JSON.stringify(body));
    this.objects.set(key, bytes);
  }

  readonly files = {
    list: async function* (this: MemoryLake, prefix: string) {
      for (const key of [...this.objects.keys()].sort())
        if (key.startsWith(prefix)) yield { key, bytes: this.objects.get(key)?.length ?? 0 };
    }.bind(this),
    read: async (key: string) => Buffer.from(this.objects.get(key) ?? []).toString(),
  };
  readonly writer = {
    write: async ({ key }: { key: string }, body: string) => void this.put(key, Buffer.from(body)),
  };
  readonly parquet = {
    read: async (key: string) => new Uint8Array(this.objects.get(key) ?? []).buffer,
    write: async (key: string, bytes: Uint8Array) => void this.put(key, bytes),
  };
}

describe('files that the job reads', () => {
  test('are those that a publication shows, and compacted ones instead of what they replace', async () => {
    const lake = new MemoryLake();
    const loaded = `loaded/tickets/${DAY}`;
    for (const name of [`${id('a')}-0`, `${id('a')}-1`, `${id('b')}-0`, `${id('c')}-0`])
      lake.put(`${loaded}${name}.parquet`, 10);
    for (const name of ['1', '2']) lake.put(`${loaded}compacted-${id(name)}.parquet`, 7);
    for (const file of ['a', 'b']) lake.put(`published/tickets/${DAY}${id(file)}.json`, {});
    lake.put(`operations/compaction/tickets/${DAY}compaction.json`, {
      dataset: 'tickets',
      partition: DAY,
      added: [`${loaded}compacted-${id('1')}.parquet`],
      retired: [`${loaded}${id('a')}-0.parquet`],
      waiting: [],
    });
    const shown = (await shownFiles(tickets, lake.files)).map(({ key }) => key.slice(loaded.length));
    assert.deepEqual(shown.sort(), [
      `${id('a')}-1.parquet`,
      `${id('b')}-0.parquet`,
      `compacted-${id('1')}.parquet`,
    ]);
  });

  test('of documents are all that are not replaced: they have no publications', async () => {
    const lake = new MemoryLake();
    lake.put(`loaded/documents/${DAY}${id('a')}.parquet`, 1);
    lake.put(`loaded/documents/${DAY}compacted-${id('b')}.parquet`, 1);
    const shown = (await shownFiles(documents, lake.files)).map(({ key }) => key);
    assert.deepEqual(shown, [`loaded/documents/${DAY}${id('a')}.parquet`]);
  });
});

describe('the plan', () => {
  const plan = (lake: MemoryLake, at: string, changes: Partial<FeatureSettings> = {}, claimed: object = {}) =>
    planFeatures(new Date(at), {
      lake: lake.files,
      objects: lake.writer,
      lakeBucket: 'lake',
      settings: { ...settings, ...changes },
      claim: async () => claimed,
    });

  test('writes down what the job reads, and where its rows come from', async () => {
    const lake = new MemoryLake();
    lake.put(`loaded/documents/${DAY}${id('a')}.parquet`, 5);
    const answer = await plan(lake, '2026-11-21T12:00:00.000Z');
    assert.ok(answer.due);
    assert.deepEqual([answer.bytes, answer.files, answer.workers], [5, 1, 2]);
    const key = `raw/crm-work/features/${answer.runId}/input.json`;
    assert.equal(answer.input, `s3://lake/${key}`);
    assert.equal(answer.output, `s3://lake/raw/crm-work/features/${answer.runId}/rows/`);
    const { run, views } = JSON.parse(await lake.files.read(key));
    assert.deepEqual(run, { run_at: answer.at, file_id: answer.runId, source_file: key });
    assert.deepEqual(Object.keys(views), ['tickets', 'customers', 'documents']);
    assert.deepEqual(views.documents.files, [`s3://lake/loaded/documents/${DAY}${id('a')}.parquet`]);
    assert.deepEqual(views.tickets.columns[0], { name: 'ticket_id', type: 'string' });
    assert.deepEqual(await plan(lake, '2026-11-21T12:00:00.000Z'), answer);
  });

  test('is due once in each piece of time, whenever somebody asks', async () => {
    const lake = new MemoryLake();
    const landedAt = '2026-11-21T06:00:00.000Z';
    const publication = {
      dataset: 'customer_features',
      fileId: id('f'),
      sourceFile: 'x',
      rows: 0,
      parts: [],
    };
    lake.put(`published/customer_features/${DAY}${id('f')}.json`, { ...publication, landedAt });
    assert.deepEqual(await plan(lake, '2026-11-21T23:59:59.000Z'), { due: false, computedAt: landedAt });
    assert.ok((await plan(lake, '2026-11-22T00:00:00.000Z')).due);
    assert.ok((await plan(lake, '2026-11-21T12:00:00.000Z', { everyHours: 6 })).due);
    assert.ok(!(await plan(lake, '2026-11-21T11:59:00.000Z', { everyHours: 6 })).due);
    // Pieces of a week begin on Thursdays, as 1970 did.
    assert.ok(!(await plan(lake, '2026-11-25T12:00:00.000Z', { everyHours: 168 })).due);
    assert.ok((await plan(lake, '2026-11-26T00:00:00.000Z', { everyHours: 168 })).due);
  });

  test('is left to the execution that is at it', async () => {
    const lake = new MemoryLake();
    const answer = await plan(lake, '2026-11-21T12:00:00.000Z', {}, { owner: 'other' });
    assert.deepEqual(answer, { due: false, execution: 'other' });
    assert.equal(lake.objects.size, 0);
  });

  test('has max(2, min(10, ceil(GB / 10))) workers', () => {
    const expected = [
      [0, 2],
      [20, 2],
      [20.1, 3],
      [99, 10],
      [5000, 10],
    ] as const;
    for (const [gigabytes, workers] of expected)
      assert.equal(workersFor(gigabytes * 1e9, settings), workers, `${gigabytes} GB`);
    fc.assert(
      fc.property(fc.nat({ max: 1e15 }), (bytes) => {
        const workers = workersFor(bytes, settings);
        return workers >= settings.minWorkers && workers <= settings.maxWorkers;
      }),
    );
  });

  test('takes cheaper capacity in the hours of the night, by the time zone and in summer too', () => {
    const off = (at: string, changes: Partial<FeatureSettings> = {}) =>
      isOffPeak(new Date(at), { ...settings, ...changes });
    // 20:00 in Berlin is 19:00 UTC in winter and 18:00 UTC in summer.
    assert.ok(!off('2026-11-21T18:59:59Z'));
    assert.ok(off('2026-11-21T19:00:00Z'));
    assert.ok(!off('2026-07-01T17:59:59Z'));
    assert.ok(off('2026-07-01T18:00:00Z'));
    assert.ok(off('2026-11-21T23:00:00Z'), 'midnight in Berlin');
    assert.ok(off('2026-11-21T04:59:59Z'));
    assert.ok(!off('2026-11-21T05:00:00Z'));
    const noon = { flexFromHour: 11, flexUntilHour: 13, timeZone: 'UTC' };
    assert.deepEqual(
      ['10:59', '11:00', '12:59', '13:00'].map((time) => off(`2026-11-21T${time}:00Z`, noon)),
      [false, true, true, false],
    );
    assert.ok(!off('2026-11-21T05:00:00Z', { flexFromHour: 6, flexUntilHour: 6 }), 'no hour');
  });
});

describe('publishing', () => {
  const runId = id('f');
  const at = '2026-11-21T20:00:00.000Z';
  const columns = parquetColumns(customerFeatures);
  const row = (
    customer: string,
    line: number,
    fields: Record<string, Value> = {},
  ): Record<string, Value> => ({
    customer_id: customer,
    computed_at: new Date(at),
    tickets_total: 3n,
    tickets_30d: 1n,
    tickets_open: 1n,
    tickets_high_priority: 0n,
    documents_total: 0n,
    source_file: 'input.json',
    file_id: runId,
    line: BigInt(line),
    landed_at: new Date(at),
    ...fields,
  });
  const file = (rows: readonly Record<string, Value>[], of: readonly Column[] = columns) =>
    parquetOf(
      of,
      rows.map((fields) => of.map(({ name }) => fields[name] ?? null)),
    );

  /** What the job has written: files by name, and the marker. */
  function result(files: Record<string, Uint8Array>, marker = true): MemoryLake {
    const lake = new MemoryLake();
    for (const [name, bytes] of Object.entries(files)) lake.put(`${outputPrefix(runId)}${name}`, bytes);
    if (marker) lake.put(`${outputPrefix(runId)}_SUCCESS`, 0);
    return lake;
  }
  const publish = (lake: MemoryLake) =>
    publishFeatures(
      { runId, at },
      { lake: lake.files, files: lake.parquet, objects: lake.writer, lakeBucket: 'lake' },
    );

  test('every row is in a part, a publication shows them all, and a manifest loads it', async () => {
    const lake = result({
      'part-00000-x-c001.snappy.parquet': file([row('C-3', 3)]),
      'part-00000-x-c000.snappy.parquet': file([row('C-1', 1), row('C-2', 2)]),
    });
    const published = await publish(lake);
    assert.equal(published.rows, 3);
    assert.equal(published.record.key, `published/customer_features/${DAY}${runId}.json`);
    const { parts, rows, landedAt } = JSON.parse(await lake.files.read(published.record.key));
    assert.deepEqual([rows, landedAt, parts.length], [3, at, 1]);
    const read = await parquetReadObjects({ file: await lake.parquet.read(parts[0].key) });
    assert.deepEqual(
      read.map(({ customer_id, line }) => [customer_id, line]),
      [
        ['C-1', 1n],
        ['C-2', 2n],
        ['C-3', 3n],
      ],
    );
    const manifest = JSON.parse(await lake.files.read(published.load?.manifest.key ?? ''));
    assert.deepEqual(
      manifest.entries.map(({ key }: { key: string }) => key),
      [published.record.key],
    );
    const before = new Map(lake.objects);
    assert.deepEqual(await publish(lake), published);
    assert.deepEqual(lake.objects, before);
  });

  test('where nobody has written, nothing is loaded and the day is done', async () => {
    const lake = result({ 'part-00000-x-c000.snappy.parquet': file([]) });
    const { rows, load, record } = await publish(lake);
    assert.deepEqual([rows, load], [0, null]);
    assert.ok(lake.objects.has(record.key));
  });

  const good = file([row('C-1', 1)]);
  const wrong: Record<string, [MemoryLake, RegExp]> = {
    'without its marker': [result({ 'a.parquet': good }, false), /has no _SUCCESS/],
    'with a row that is missing': [result({ 'a.parquet': file([row('C-1', 1), row('C-2', 3)]) }), /row 2/],
    'with a file of another run': [
      result({ 'a.parquet': good, 'b.parquet': file([row('C-2', 2, { file_id: id('0') })]) }),
      /row 2 .* of another run/,
    ],
    'with other columns': [
      result({ 'a.parquet': file([row('C-1', 1)], columns.toReversed()) }),
      /has the columns landed_at, line/,
    ],
    'with a value that the dataset refuses': [
      result({ 'a.parquet': file([row('C-1', 1, { tickets_total: null })]) }),
      /line 1: tickets_total/,
    ],
  };
  for (const [what, [lake, message]] of Object.entries(wrong)) {
    test(`a result ${what} is not published`, async () => {
      await assert.rejects(publish(lake), { name: 'WrongFeatures', message });
      assert.ok(![...lake.objects.keys()].some((key) => key.startsWith('published/')));
    });
  }
});
