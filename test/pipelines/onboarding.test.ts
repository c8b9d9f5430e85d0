import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { FileState } from '../../local/cli/deployment.ts';
import { synthesise } from '../../local/cli/synthesise.ts';
import { Account } from '../support/account.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** What synthesis reads. */
const SOURCES = [
  'bin',
  'cdk.json',
  'datasets',
  'glue',
  'lambdas',
  'lib',
  'package.json',
  'package-lock.json',
  'statemachines',
  'tsconfig.json',
];

let project = '';
let dataDir = '';

before(() => {
  project = mkdtempSync(join(tmpdir(), 'millrace-onboarding-'));
  for (const source of SOURCES) cpSync(join(ROOT, source), join(project, source), { recursive: true });
  dataDir = join(project, 'data');
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
});
after(() => rmSync(project, { recursive: true, force: true }));

/** The one file of a new dataset. */
const DECLARATION = `import type { Dataset } from './dataset.ts';

/** One row for each order of the web shop. */
export const webOrders: Dataset = {
  name: 'web_orders',
  description: 'One row for each order of the web shop.',
  origin: 'landing',
  key: ['order_id'],
  partitionBy: 'ordered_on',
  files: { formats: ['csv', 'jsonl'], tolerance: 0.5, onNewColumn: 'ignore', onMissingColumn: 'ignore' },
  columns: [
    { name: 'order_id', type: 'string', maxBytes: 64, required: true, description: 'Number of the order' },
    { name: 'ordered_on', type: 'date', required: true, description: 'Day of the order' },
    { name: 'total', type: 'decimal', required: true, range: { min: 0 }, description: 'Total, EUR' },
  ],
};
`;

/** Adds a dataset as docs/datasets.md says: its file, and its name in the list. */
function addDataset(file: string, name: string, declaration: string): void {
  writeFileSync(join(project, 'datasets', file), declaration);
  const index = join(project, 'datasets', 'index.ts');
  const before = readFileSync(index, 'utf8');
  writeFileSync(
    index,
    `import { ${name} } from './${file}';\n${before.replace(/(ALL: readonly Dataset\[\] = \[)/, `$1${name}, `)}`,
  );
}

/** Drops a file of orders and waits until its rows are in the warehouse. */
async function load(local: TestRuntime, key: string, lines: readonly string[]): Promise<FileState> {
  const fileId = await local.drop(key, lines.join('\n'));
  const state = (await local.settled([fileId])).get(fileId);
  assert.equal(state?.status, 'SUCCEEDED', JSON.stringify(state));
  assert.equal(state.loadStatus, 'LOADED');
  return state;
}

test('a dataset is one file and one line: its files are read, published and loaded', async (t) => {
  addDataset('web-orders.ts', 'webOrders', DECLARATION);
  const local = await startTestRuntime({ assembly: await synthesise(project, () => {}), dataDir });
  t.after(() => local.stop({ keepData: true }));
  const header = 'order id,Ordered-On,total';
  const rows = ['A-1,2026-11-20,19.99', 'A-2,2026-11-19,5', 'A-3,2026-11-20,-1', 'A-4,soon,1'];
  const { result } = await load(local, 'web_orders/1.csv', [header, ...rows]);
  assert.deepEqual([result.rowsRead, result.rows, result.quarantined], [4, 2, 2]);
  const loaded = await local.deployment.ask(
    'SELECT order_id, ordered_on, total, source_file, line FROM millrace.web_orders ORDER BY order_id',
  );
  assert.deepEqual(loaded.rows, [
    ['A-1', '2026-11-20', '19.99', 'web_orders/1.csv', 2],
    ['A-2', '2026-11-19', '5.00', 'web_orders/1.csv', 3],
  ]);
});

test('a column that is added later is in the warehouse with the next file, and empty in rows of before', async (t) => {
  const coupon = "{ name: 'coupon', type: 'string', description: 'Coupon that was taken' },";
  writeFileSync(
    join(project, 'datasets', 'web-orders.ts'),
    DECLARATION.replace("description: 'Total, EUR' },", (total) => `${total}\n    ${coupon}`),
  );
  const local = await startTestRuntime({ assembly: await synthesise(project, () => {}), dataDir });
  t.after(() => local.stop({ keepData: true }));
  await load(local, 'web_orders/2.csv', ['order_id,ordered_on,total,coupon', 'A-5,2026-11-21,7,AUTUMN']);
  const loaded = await local.deployment.ask(
    'SELECT order_id, coupon FROM millrace.web_orders ORDER BY order_id',
  );
  assert.deepEqual(loaded.rows, [
    ['A-1', null],
    ['A-2', null],
    ['A-5', 'AUTUMN'],
  ]);
});

test('a file with other columns is refused as a whole or row by row, as the declaration says, and told', async (t) => {
  const file = join(project, 'datasets', 'web-orders.ts');
  const before = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    before
      .replace("onNewColumn: 'ignore'", "onNewColumn: 'halt'")
      .replace("onMissingColumn: 'ignore'", "onMissingColumn: 'quarantine'"),
  );
  const local = await startTestRuntime({ assembly: await synthesise(project, () => {}), dataDir });
  t.after(() => local.stop({ keepData: true }));
  const account = new Account(local);
  const quarantined = async (fileId: string) =>
    (await account.keys(account.lake, 'quarantine/web_orders/'))
      .filter((key) => key.includes(fileId))
      .map((key) => key.replace(/^.*\//, '').replace(fileId, '<id>'))
      .sort();
  const refused = async (key: string, lines: readonly string[]) => {
    const fileId = await local.drop(key, lines.join('\n'));
    const state = (await local.settled([fileId])).get(fileId);
    assert.equal(state?.status, 'REJECTED', key);
    assert.match(state.reason ?? '', /^SCHEMA_CHANGED: /, key);
    const { rowsRead, rows, badRows, schemaChange } = state.result;
    return { counts: [rowsRead, rows, badRows], schemaChange, left: await quarantined(fileId) };
  };

  const halted = await refused('web_orders/3.csv', [
    'order_id,ordered_on,total,coupon,colour',
    'A-6,2026-11-21,7,AUTUMN,red',
  ]);
  assert.deepEqual(halted, {
    counts: [0, 0, 0],
    schemaChange: { added: ['colour'], missing: [] },
    left: ['3.csv', 'reason.json'],
  });
  const bare = await refused('web_orders/4.csv', ['order_id,ordered_on,total', 'A-7,2026-11-21,7']);
  assert.deepEqual(bare, {
    counts: [1, 0, 1],
    schemaChange: { added: [], missing: ['coupon'] },
    left: ['4.csv', '<id>.jsonl', 'reason.json'],
  });
  const loaded = await local.deployment.ask('SELECT order_id FROM millrace.web_orders ORDER BY order_id');
  assert.deepEqual(loaded.rows.flat(), ['A-1', 'A-2', 'A-5']);
  await account.until('a ticket', async () => {
    const tickets = await account.tickets(local.deployment.output('TicketsTableName'));
    return tickets.some(({ Key, State }) => Key === 'schema-change:web_orders' && State === 'OPEN');
  });
});

test('a change that the stores cannot follow stops synthesis with what to do, and without a stack trace', async () => {
  const file = join(project, 'datasets', 'sales.ts');
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, before.replace("name: 'quantity',", "name: 'amount',"));
  try {
    const app = spawn(process.execPath, [join(project, 'bin', 'app.ts')], {
      cwd: project,
      env: { ...process.env, CDK_OUTDIR: join(project, 'refused') },
    });
    const [said] = await Promise.all([text(app.stderr), once(app, 'close')]);
    assert.equal(app.exitCode, 1);
    assert.equal(
      said,
      'The datasets are wrong:\n  datasets/sales.ts: column quantity is gone (renamed to amount?): files and tables that are there have it; keep it, and add a new column behind the others\n',
    );
  } finally {
    writeFileSync(file, before);
  }
});
