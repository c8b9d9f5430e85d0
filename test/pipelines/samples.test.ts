import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { paginateScan } from '@aws-sdk/client-dynamodb';
import { Account, PIPELINES } from '../support/account.ts';
import { assertHistory, assertOnce } from '../support/audit.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { accuracy, personalData } from '../support/text.ts';

const ROOT = join(import.meta.dirname, '..', '..');

interface Expected {
  readonly status: 'SUCCEEDED' | 'REJECTED';
  readonly reason?: string;
  readonly kind?: string;
  readonly pages?: number;
  readonly language?: string;
  readonly sentiment?: string;
  /** File with the true text. */
  readonly text?: string;
}
const EXPECTED: Readonly<Record<string, Expected>> = JSON.parse(
  readFileSync(join(ROOT, 'samples', 'expected.json'), 'utf8'),
);
const samples = Object.entries(EXPECTED).map(([name, expected]) => ({ name, ...expected }));
const succeeding = samples.filter(({ status }) => status === 'SUCCEEDED');
const truth = new Map(
  succeeding.map(({ name, text = '' }) => [name, readFileSync(join(ROOT, text), 'utf8')]),
);

interface FileReport extends Record<string, unknown> {
  readonly fileName: string;
  readonly fileId: string;
  readonly textUri: string;
  readonly reason: string | null;
}
interface Report {
  readonly seconds: number;
  readonly files: readonly FileReport[];
  readonly tickets: readonly unknown[];
  readonly warehouse: Readonly<Record<string, number>>;
}

/** Runs what `npm start` runs. */
async function start(...options: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(ROOT, 'local', 'main.ts'), '--port', '0', ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  return { code: await exit, stdout, stderr };
}

describe('npm start -- --once --json takes every document to its outcome', { timeout: 600_000 }, () => {
  const home = mkdtempSync(join(tmpdir(), 'millrace-samples-'));
  const dataDir = join(home, 'data');
  const input = join(home, 'input');
  const reports = new Map<string, FileReport>();
  let report: Report;
  let runtime: TestRuntime;
  let account: Account;
  const reportOf = (name: string): FileReport => {
    const found = reports.get(name);
    assert.ok(found, `${name} is in the report`);
    return found;
  };

  before(async () => {
    for (const { name } of samples) cpSync(join(ROOT, 'samples', name), join(input, name));
    const { code, stdout, stderr } = await start(
      ...['--once', '--json', '--fresh', '--data', dataDir, '--input', input],
    );
    assert.equal(code, 0, stderr);
    report = JSON.parse(stdout);
    for (const file of report.files) reports.set(file.fileName.slice('documents/'.length).normalize(), file);
    // What the command left behind is looked at in a runtime of its own, on the same state.
    runtime = await startTestRuntime({ dataDir });
    account = new Account(runtime);
    await account.drained();
  });
  after(async () => {
    await runtime?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  test('the report has the members that are promised, and no others', () => {
    assert.deepEqual(Object.keys(report), ['seconds', 'files', 'warehouse', 'tickets']);
    assert.deepEqual(report.tickets, [], 'nothing broke');
    assert.ok(report.seconds > 0);
    assert.deepEqual(report.warehouse, {
      documents: succeeding.length,
      sales: 0,
      tickets: 0,
      customers: 0,
    });
    for (const file of report.files) {
      assert.deepEqual(Object.keys(file), [
        'fileName',
        'fileId',
        'status',
        'reason',
        'kind',
        'pages',
        'rows',
        'quarantined',
        'language',
        'sentiment',
        'sentimentScore',
        'textUri',
        'executions',
        'loaded',
        'seconds',
      ]);
    }
    assert.deepEqual([...reports.keys()].sort(), samples.map(({ name }) => name.normalize()).sort());
  });

  for (const { name, status, reason, kind, pages, language, sentiment } of samples) {
    test(`${name}: ${reason ?? [kind, language, sentiment].filter(Boolean).join(', ')}`, () => {
      const file = reportOf(name);
      assert.equal(file.status, status);
      assert.equal(file.executions, 1);
      assert.equal(typeof file.seconds, 'number');
      if (status === 'REJECTED') {
        assert.match(String(file.reason), new RegExp(`^${reason}: \\S`));
        assert.deepEqual(
          [file.language, file.sentiment, file.textUri, file.loaded],
          [null, null, null, false],
        );
        return;
      }
      assert.deepEqual(
        [file.reason, file.kind, file.pages, file.language, file.loaded],
        [null, kind, pages, language, true],
      );
      assert.ok(
        typeof file.sentimentScore === 'number' && file.sentimentScore > 0 && file.sentimentScore <= 1,
      );
      if (sentiment) assert.equal(file.sentiment, sentiment);
    });
  }

  for (const { name, kind } of succeeding) {
    const least = kind === 'text' ? 1 : 0.99;
    test(`the text of ${name} is right to ${least * 100} % of its characters`, async () => {
      const found = await account.textAt(reportOf(name).textUri);
      const share = accuracy(truth.get(name) ?? '', found);
      assert.ok(share >= least, `${(share * 100).toFixed(2)} %:\n${found}`);
    });
  }

  test('each file has one execution, one row in the warehouse and one history row for each thing that happened', async () => {
    await assertOnce(
      account,
      new Map(
        succeeding.map(({ name, kind }) => [reportOf(name).fileId, kind === 'text' ? 'text' : 'picture']),
      ),
    );
    for (const { name, status } of samples) {
      if (status === 'REJECTED') await assertHistory(account, reportOf(name).fileId, 'refused');
    }
    const counts = await Promise.all(
      PIPELINES.map(async (pipeline) => (await account.executions(pipeline)).length),
    );
    const [ingestion, ocr, sentiment, loads = 0] = counts;
    const pictures = succeeding.filter(({ kind }) => kind !== 'text').length;
    assert.deepEqual([ingestion, ocr, sentiment], [samples.length, pictures, succeeding.length]);
    assert.ok(loads >= 1 && loads <= succeeding.length);
    for (const { name = '' } of await account.executions('warehouse-load'))
      await assertHistory(account, name, 'load');
  });

  test('the warehouse says of every file what its report says', async () => {
    const rows = await account.sql(
      `SELECT file_id, file_name, kind, pages, "language", sentiment, text_uri FROM ${account.documents} ORDER BY file_id`,
    );
    const told = succeeding
      .map(({ name }) => reportOf(name))
      .map((file) => [
        file.fileId,
        file.fileName,
        file.kind,
        file.pages,
        file.language,
        file.sentiment,
        file.textUri,
      ])
      .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
    assert.deepEqual(rows, told);
  });

  test('every refused file lies in quarantine as it landed, beside its reason', async () => {
    for (const { name, reason } of samples.filter(({ status }) => status === 'REJECTED')) {
      const { fileId, reason: told } = reportOf(name);
      const prefix = `quarantine/documents/${fileId}/`;
      assert.deepEqual(
        (await account.keys(account.lake, prefix)).sort(),
        [`${prefix}${name}`, `${prefix}reason.json`].sort(),
      );
      const original = readFileSync(join(ROOT, 'samples', name));
      assert.deepEqual(await account.bytes(account.lake, `${prefix}${name}`), original);
      const note = JSON.parse(await account.text(account.lake, `${prefix}reason.json`));
      assert.equal(note.reason.code, reason);
      assert.equal(`${note.reason.code}: ${note.reason.message}`, told);
      assert.equal(note.source.key, `documents/${name}`);
    }
  });

  test('personal data is in nothing that is published, logged or recorded, and the original text is restricted', async () => {
    const secrets = [...truth.values()].flatMap(personalData);
    assert.ok(secrets.length > 20, `${secrets.length} pieces of personal data in the samples`);
    const published = await publishedTexts(account);
    const recorded = await recordedTexts(account, runtime);
    for (const [where, content] of [...published, ...recorded]) {
      const leaked = secrets.filter((secret) => content.includes(secret));
      assert.deepEqual(leaked, [], where);
    }
    // Sentences of the documents themselves have no place in logs, histories and the audit table.
    const sentences = [...truth.values()].map((whole) => longest(whole.split('\n')));
    for (const [where, content] of recorded) {
      assert.deepEqual(
        sentences.filter((sentence) => content.includes(sentence)),
        [],
        where,
      );
    }
    // In German nobody can find personal data, so that nothing of the text leaves the restricted prefix.
    const german = longest((truth.get('beschwerde.txt') ?? '').split('\n'));
    const holders = published.filter(([, content]) => content.includes(german)).map(([where]) => where);
    assert.deepEqual(holders, []);
    assert.ok((await account.textAt(reportOf('beschwerde.txt').textUri)).includes(german));
  });

  test('a file that waits for a person makes the exit status 1', async () => {
    const input = mkdtempSync(join(tmpdir(), 'millrace-input-'));
    const data = mkdtempSync(join(tmpdir(), 'millrace-held-'));
    writeFileSync(join(input, 'expensive.txt'), 'What a wonderful day it was. '.repeat(30_000));
    const { code, stdout, stderr } = await start('--once', '--json', '--input', input, '--data', data);
    const { files }: Report = JSON.parse(stdout);
    assert.equal(code, 1, stderr);
    assert.deepEqual(
      files.map(({ fileName, status, executions, loaded }) => [fileName, status, executions, loaded]),
      [['documents/expensive.txt', 'HELD', 1, false]],
    );
    assert.match(String(files[0]?.reason), /^COST_OVER_LIMIT: /);
    for (const folder of [input, data]) rmSync(folder, { recursive: true, force: true });
  });
});

const longest = (lines: readonly string[]) => lines.reduce((a, b) => (b.length > a.length ? b : a), '');

type Named = [where: string, content: string];

/** Everything that users of the data may read: the lake beside its restricted and quarantined parts, and the warehouse. */
async function publishedTexts(account: Account): Promise<Named[]> {
  const keys = (await account.keys(account.lake)).filter((key) => !/^(restricted|quarantine)\//.test(key));
  assert.ok(
    ['curated/', 'redacted/', 'analysis/', 'loaded/'].every((part) =>
      keys.some((key) => key.startsWith(part)),
    ),
  );
  const objects = await Promise.all(
    keys.map(async (key): Promise<Named> => [key, await account.text(account.lake, key)]),
  );
  const rows = await account.sql(`SELECT * FROM ${account.documents}`);
  return [...objects, ...rows.map((row): Named => [`warehouse: ${row[1]}`, row.join('\n')])];
}

/** Everything that operators may read: logs, histories of executions, and the audit table. */
async function recordedTexts(account: Account, { client, deployment }: TestRuntime): Promise<Named[]> {
  const executions = (await Promise.all(PIPELINES.map((pipeline) => account.executions(pipeline)))).flat();
  const histories = await Promise.all(
    executions.map(
      async ({ executionArn = '' }): Promise<Named> => [
        executionArn,
        JSON.stringify(await account.history(executionArn)),
      ],
    ),
  );
  const { logGroups = [] } = await new CloudWatchLogsClient(client).send(new DescribeLogGroupsCommand({}));
  const lines = await account.logLines(logGroups.map(({ logGroupName = '' }) => logGroupName));
  assert.ok(lines.length > executions.length);
  const items: Named[] = [];
  for await (const page of paginateScan({ client: account.dynamo }, { TableName: deployment.auditTable })) {
    items.push(
      ...(page.Items ?? []).map((item): Named => [`audit: ${item.FileName?.S}`, JSON.stringify(item)]),
    );
  }
  return [...histories, ['logs', lines.join('\n')], ...items];
}
