import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { sales as dataset } from '../../datasets/sales.ts';
import { parquetOf } from '../../lambdas/shared/dataset/parquet.ts';
import { rowValidator } from '../../lambdas/shared/dataset/validate.ts';
import { sourceFile } from '../../lambdas/shared/file-id.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { csv, keysOf, manySales, type Sale, sale, TabularFiles } from '../support/tabular-files.ts';

describe('files of sales', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let tabular: TabularFiles;
  before(async () => {
    runtime = await startTestRuntime();
    tabular = new TabularFiles(runtime);
  });
  after(() => runtime?.stop());

  const counts = ({ Result }: Awaited<ReturnType<TabularFiles['send']>>) => [
    Result?.rowsRead,
    Result?.rows,
    Result?.quarantined,
  ];

  test('a good file is published whole, partitioned by the day of the order, and archived', async () => {
    const body = csv(manySales(30));
    const file = await tabular.send('good.csv', body);
    assert.equal(file.Status, 'SUCCEEDED', JSON.stringify(file));
    assert.deepEqual(counts(file), [30, 30, 0]);
    const rows = await tabular.published(file);
    assert.deepEqual(keysOf(rows), keysOf(manySales(30)));
    assert.deepEqual(new Set(rows.map(({ source_file }) => source_file)), new Set(['sales/good.csv']));
    assert.deepEqual(
      (await tabular.parts(file.fileId)).map((key) =>
        key.slice(0, 'loaded/sales/year=2026/month=10/day=01/'.length),
      ),
      ['01', '02', '03'].map((day) => `loaded/sales/year=2026/month=10/day=${day}/`),
    );
    const { bucket = '', key = '' } = file.Result?.archive ?? {};
    assert.equal(await tabular.account.text(bucket, key), body);
  });

  test('bad rows go to quarantine with line, column and reason, and without personal values', async () => {
    const rows = manySales(60, 100);
    rows[4] = sale(104, { quantity: 'many' });
    rows[9] = sale(109, { customer_email: 'nobody at home' });
    rows[20] = sale(103);
    const file = await tabular.send('partly.csv', csv(rows));
    assert.equal(file.Status, 'SUCCEEDED', JSON.stringify(file));
    assert.deepEqual(counts(file), [60, 57, 3]);
    assert.equal((await tabular.published(file)).length, 57);
    const lines = await tabular.quarantined(file.fileId);
    assert.deepEqual(
      lines.map(({ line, column, code, value }) => [line, column, code, value]),
      [
        [6, 'quantity', 'WRONG_TYPE', 'many'],
        [11, 'customer_email', 'WRONG_FORMAT', undefined],
        [22, null, 'DUPLICATE_KEY', undefined],
      ],
    );
  });

  test('over its tolerance a file is refused, nothing staged remains, and a corrected one ends the incident', async () => {
    const rows = manySales(20, 200).map((row, i) => (i < 2 ? { ...row, currency: 'gold' } : row));
    const bad = await tabular.send('again.csv', csv(rows));
    assert.equal(bad.Status, 'REJECTED', JSON.stringify(bad));
    assert.equal(bad.Reason?.code, 'OVER_TOLERANCE');
    assert.match(
      bad.Reason?.message ?? '',
      /^2 of 20 rows \(10 %\) are no rows of sales; at most 5 % may be wrong/,
    );
    assert.deepEqual(counts(bad), [20, 0, 20]);
    assert.deepEqual(await tabular.parts(bad.fileId), []);
    assert.equal((await tabular.quarantined(bad.fileId)).length, 2);
    const { bucket = '', key = '' } = bad.Result?.quarantine ?? {};
    assert.equal(await tabular.account.text(bucket, key), csv(rows));

    const ticket = (state: string) =>
      tabular.account.until(`a ticket that is ${state}`, async () => {
        const tickets = await tabular.account.tickets(runtime.deployment.output('TicketsTableName'));
        const found = tickets.filter(({ Key }) => Key.startsWith('data-quality:sales:'));
        return found.length === 1 && found[0]?.State === state;
      });
    await ticket('OPEN');
    const good = await tabular.send('again.csv', csv(manySales(20, 200)));
    assert.equal(good.Status, 'SUCCEEDED', JSON.stringify(good));
    await ticket('RESOLVED');
  });

  const rows = manySales(12, 300);
  const typed = rows.map(({ delivered_at: _, ...row }) => ({
    ...row,
    line_number: Number(row.line_number),
    quantity: Number(row.quantity),
    unit_price: Number(row.unit_price),
  }));
  const parquet = (list: readonly Sale[]) =>
    Buffer.from(
      parquetOf(
        dataset.columns,
        list.map((fields) => {
          const checked = rowValidator(dataset).check(fields);
          return 'row' in checked ? checked.row : assert.fail(JSON.stringify(checked));
        }),
      ),
    );
  const forms: Readonly<Record<string, string | Buffer>> = {
    'semicolons.csv': csv(rows, ';'),
    'tabs.tsv': csv(rows, '\t'),
    'bom.csv': `\uFEFF${csv(rows).replaceAll('\n', '\r\n')}`,
    'packed.csv.gz': gzipSync(csv(rows)),
    'latin.csv': Buffer.from(csv(rows.map((row) => ({ ...row, product: 'Schränkchen' }))), 'latin1'),
    'list.json': JSON.stringify(typed),
    'lines.jsonl': typed.map((row) => `${JSON.stringify(row)}\n`).join(''),
    'columns.parquet': parquet(rows),
    'no-extension': csv(rows),
  };
  for (const [name, body] of Object.entries(forms)) {
    test(`${name} is read as what it is`, async () => {
      const file = await tabular.send(`forms/${name}`, body);
      assert.equal(file.Status, 'SUCCEEDED', JSON.stringify(file));
      assert.deepEqual(counts(file), [12, 12, 0]);
      const published = await tabular.published(file);
      assert.deepEqual(keysOf(published), keysOf(rows));
      assert.deepEqual(
        published.map(({ unit_price }) => Number(unit_price).toFixed(2)).sort(),
        rows.map(({ unit_price }) => unit_price).sort(),
      );
      if (name === 'latin.csv') assert.equal(published[0]?.product, 'Schränkchen');
    });
  }

  const refused: Readonly<Record<string, readonly [body: string | Buffer, code: string]>> = {
    'empty.csv': ['', 'EMPTY_FILE'],
    'header.csv': [csv([]), 'NO_ROWS'],
    'space.csv ': [csv(manySales(3)), 'BAD_NAME'],
    'list.json': ['[]', 'NO_ROWS'],
    'picture.csv': [Buffer.from('89504e470d0a1a0a0000000d49484452000001', 'hex'), 'UNSUPPORTED_TYPE'],
    'cut.csv.gz': [gzipSync(csv(manySales(500))).subarray(0, 900), 'CORRUPT_FILE'],
    'short.csv': [csv(manySales(3).map(({ currency: _, ...row }) => row)), 'MISSING_COLUMNS'],
  };
  for (const [name, [body, code]] of Object.entries(refused)) {
    test(`${name} is refused as ${code}, in a sentence`, async () => {
      const file = await tabular.send(`refused/${name}`, body);
      assert.equal(file.Status, 'REJECTED', JSON.stringify(file));
      assert.equal(file.Reason?.code, code);
      assert.match(file.Reason?.message ?? '', /^[A-Z].*\.$/);
      assert.deepEqual(await tabular.parts(file.fileId), []);
    });
  }

  test('a file that is deleted before it is read is refused', async () => {
    const gone = sourceFile(tabular.account.landing, 'sales/gone.csv', 'x'.repeat(32));
    await tabular.account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: runtime.deployment.output('SalesStateMachineArn'),
        name: gone.fileId,
        input: JSON.stringify(gone),
      }),
    );
    const file = await tabular.outcome(gone.fileId);
    assert.deepEqual([file.Status, file.Reason?.code], ['REJECTED', 'DELETED']);
  });

  test('other columns than declared are told, and known spellings forgiven', async () => {
    const rows = manySales(6, 400).map(({ delivered_at: _, order_id, ...row }) => ({
      'Order-ID': order_id,
      ...row,
      channel: 'shop',
    }));
    const file = await tabular.send('changed.csv', csv(rows));
    assert.equal(file.Status, 'SUCCEEDED', JSON.stringify(file));
    assert.deepEqual(file.Result?.schemaChange, { added: ['channel'], missing: ['delivered_at'] });
    assert.equal((await tabular.published(file)).length, 6);
    await tabular.account.until('a ticket', async () => {
      const tickets = await tabular.account.tickets(runtime.deployment.output('TicketsTableName'));
      return tickets.some(({ Key, State }) => Key === 'schema-change:sales' && State === 'OPEN');
    });
  });
});
