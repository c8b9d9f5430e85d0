import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { COMMANDS } from '../../bin/millrace/commands.ts';
import { Account } from '../support/account.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { Millrace, millrace } from './millrace.ts';

const NO_CREDENTIALS = {
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_EC2_METADATA_DISABLED: 'true',
};

describe('millrace without a deployment', () => {
  const cases: readonly [args: string[], status: number, says: RegExp, env?: NodeJS.ProcessEnv][] = [
    [['statsu'], 2, /^millrace has no command statsu; did you mean status\?/],
    [['audit', '--staus', 'FAILED'], 2, /no option --staus; did you mean --status\?/],
    [['audit', '--file'], 2, /--file needs a value/],
    [['audit', '--json=yes'], 2, /--json takes no value/],
    [['drop'], 2, /millrace drop needs FILE…/],
    [['status', 'please'], 2, /"please" is too much/],
    [['status', '--endpoint-url', 'nonsense'], 2, /"nonsense" is no address/],
    [['status', '--endpoint-url', 'http://127.0.0.1:1'], 3, /^Nothing answers there.*npm start/],
    [['status', '--data', '/nowhere'], 2, /no runtime that uses \/nowhere is up.*npm start -- --data/],
    [
      ['status', '--aws'],
      3,
      /^No AWS credentials\. Sign in/,
      { ...NO_CREDENTIALS, AWS_REGION: 'eu-central-1' },
    ],
    [['status', '--aws'], 3, /^No AWS region\./, { AWS_REGION: '', AWS_DEFAULT_REGION: '' }],
  ];
  for (const [args, status, says, env = {}] of cases) {
    test(`${args.join(' ')} ends in status ${status} and says what to do`, async () => {
      const said = await millrace(args, env);
      assert.equal(said.status, status, said.stderr);
      assert.match(said.stderr, says);
      assert.doesNotMatch(said.stderr, /\n +at /, 'no stack trace');
      assert.equal(said.stdout, '');
    });
  }

  test('--help names every command and exit status, and each command its options', async () => {
    const help = await millrace(['--help']);
    assert.equal(help.status, 0);
    for (const { name, summary, help: own } of COMMANDS) {
      assert.ok(help.stdout.includes(name) && summary.length > 0, name);
      assert.match(own, new RegExp(`^npx millrace ${name}`));
      assert.match(own, /--json.*--stack/s);
    }
    const audit = await millrace(['audit', '--help']);
    assert.equal(audit.status, 0);
    assert.match(audit.stdout, /--follow +go on/);
  });
});

describe('millrace against a deployment', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  let runtime: TestRuntime;
  let account: Account;
  let env: NodeJS.ProcessEnv;
  before(async () => {
    runtime = await startTestRuntime({ warn: () => {} });
    account = new Account(runtime);
    env = { AWS_ENDPOINT_URL: runtime.runtime.endpoint };
  });
  after(async () => {
    await runtime?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('drop uploads a folder and follows every file into the warehouse; a refused file is no failure', async () => {
    mkdirSync(join(folder, 'letters', 'old'), { recursive: true });
    writeFileSync(join(folder, 'letters', 'thanks.txt'), 'Thank you, all is wonderful.');
    writeFileSync(join(folder, 'letters', 'old', 'Grüße.txt'), 'The desk was broken.');
    writeFileSync(join(folder, 'letters', 'empty.txt'), '');
    const said = await millrace(['drop', '--json', '--prefix', 'documents/in', join(folder, 'letters')], env);
    assert.equal(said.status, 0, said.stderr);
    assert.deepEqual(
      [...JSON.parse(said.stdout)].map(({ fileName, status, load }) => [fileName, status, load]).sort(),
      [
        ['documents/in/empty.txt', 'REJECTED', null],
        ['documents/in/old/Grüße.txt', 'SUCCEEDED', 'LOADED'],
        ['documents/in/thanks.txt', 'SUCCEEDED', 'LOADED'],
      ],
    );
    assert.match(said.stderr, /^Local runtime at /);
  });

  test('drop and audit tell how many rows of a tabular file were taken in', async () => {
    const file = join(folder, 'shop.csv');
    writeFileSync(
      file,
      [
        'order_id,line_number,ordered_at,delivered_at,customer_id,customer_email,product,quantity,unit_price,currency,status',
        ...Array.from(
          { length: 200 },
          (_, n) =>
            `O-${n},1,2026-11-${n === 7 ? 99 : 20}T10:00:00Z,,C-1,a@example.com,Lamp,1,9.90,EUR,shipped`,
        ),
      ].join('\n'),
    );
    const said = await millrace(['drop', '--prefix', 'sales', file], env);
    assert.equal(said.status, 0, said.stdout + said.stderr);
    assert.match(said.stdout, /SUCCEEDED +LOADED +199 of 200 /);
    const audit = await millrace(['audit', '--pipeline', 'sales'], env);
    assert.match(audit.stdout, / 199 of 200 +LOADED +sales\/shop\.csv/);
  });

  test('audit tells current states by status, and everything of one file by its name', async () => {
    const rejected = await millrace(['audit', '--status', 'rejected', '--json'], env);
    assert.deepEqual(
      [...JSON.parse(rejected.stdout)].map(({ FileName, Status }) => [FileName, Status]),
      [['documents/in/empty.txt', 'REJECTED']],
    );
    const byPipeline = await millrace(['audit', '--pipeline', 'document-ingestion'], env);
    assert.match(byPipeline.stdout, /SUCCEEDED +document-ingestion .*LOADED +documents\/in\/thanks\.txt/);
    const story = await millrace(['audit', '--file', 'in/thanks.txt'], env);
    assert.match(story.stdout, /RECEIVED +received\n/);
    assert.match(story.stdout, /SUCCEEDED +document-ingestion:<id>:SUCCEEDED:0\n/);
    const nobody = await millrace(['audit', '--file', 'nobody.txt'], env);
    assert.equal(nobody.status, 1);
    assert.match(nobody.stderr, /knows no file nobody\.txt/);
  });

  test('audit --follow shows a file as it changes, and ends in status 0 with Ctrl-C', async () => {
    const following = new Millrace(['audit', '--follow', '--pipeline', 'document-ingestion'], env);
    await account.until('what is there already', async () => /thanks\.txt/.test(following.stdout));
    const id = await runtime.drop('documents/followed.txt', 'Who sees me?');
    await account.until('the file in the output', async () =>
      /SUCCEEDED.*documents\/followed\.txt/.test(following.stdout),
    );
    if (following.child.pid) process.kill(-following.child.pid, 'SIGINT');
    assert.equal(await following.exit(), 0, following.stderr);
    await runtime.settled([id]);
  });

  test('runs tells which state failed, with error and input', async () => {
    runtime.runtime.faults.set([
      {
        fault: 'failing',
        service: 's3',
        operations: ['PutObject'],
        by: 'DocumentIngestionPublish',
        error: { code: 'InvalidEvent', message: 'Publishing is broken.' },
      },
    ]);
    const id = await runtime.drop('documents/broken.txt', 'I shall fail.');
    await account.until('the failure', async () => (await account.status(id)) === 'FAILED');
    runtime.runtime.faults.clear();
    const failed = await millrace(['runs', '--failed', '--json'], env);
    const [run] = JSON.parse(failed.stdout);
    assert.deepEqual([run.name, run.failedState, run.error], [id, 'Publish', 'InvalidEvent']);
    assert.equal(run.about, `s3://${account.landing}/documents/broken.txt`);
    const all = await millrace(['runs', '--id', id], env);
    assert.match(all.stdout, /failed +in Publish/);
    assert.match(all.stdout, /sentiment +[0-9a-f]{64}-sentiment-0/);

    const status = await millrace(['status', '--json'], env);
    assert.equal(status.status, 1, 'a failed file wants somebody');
    const { files, promised, unconnectedDesks } = JSON.parse(status.stdout);
    assert.equal(files.FAILED, 1);
    assert.deepEqual(promised, { share: 0.999, minutes: 10 });
    assert.ok(Array.isArray(unconnectedDesks));
    assert.match(
      (await millrace(['status'], env)).stdout,
      /1 failed, 0 held\n +failed: npx millrace redrive/,
    );

    await account.until('an open ticket', async () => {
      const { stdout } = await millrace(['tickets', '--json'], env);
      const tickets: { Title: string; pk: string }[] = JSON.parse(stdout);
      return tickets.find(({ Title }) => Title.includes('InvalidEvent'));
    });
    const list = await millrace(['tickets'], env);
    const [, digits = ''] = /^([0-9a-f]{12}) .*InvalidEvent/m.exec(list.stdout) ?? [];
    const one = await millrace(['tickets', digits], env);
    assert.match(one.stdout, new RegExp(`waits for 1:\\n +${id}`));
    assert.match(one.stdout, /mend +npx millrace redrive --pipeline document-ingestion --error InvalidEvent/);
    assert.equal((await millrace(['redrive', '--id', id, '--yes'], env)).status, 0);
  });

  test('a ticket that nothing ends any more is resolved by hand', async () => {
    const stateMachineArn = runtime.deployment.output('BackfillStateMachineArn');
    // Without a prefix, which the command would ask for.
    await account.sfn.send(new StartExecutionCommand({ stateMachineArn }));
    const ticket = async (state: string) => {
      const { stdout } = await millrace(['tickets', '--all', '--json'], env);
      const tickets: { Title: string; State: string; pk: string }[] = JSON.parse(stdout);
      return tickets.find(({ Title, State }) => Title.startsWith('backfill fails') && State === state)?.pk;
    };
    const id = await account.until('a ticket', () => ticket('OPEN'));
    const preview = await millrace(['tickets', id, '--resolve'], env);
    assert.match(preview.stderr, /Nothing was done/);
    assert.equal((await millrace(['tickets', id, '--resolve', '--yes'], env)).status, 0);
    await account.until('its end', () => ticket('RESOLVED'));
    assert.equal((await millrace(['tickets', '--resolve'], env)).status, 2);
  });

  test('files over the limit of costs are held, shown with their cost, and released or rejected', async () => {
    const long = 'The delivery came in time and all was well. '.repeat(6_000);
    const ids = await Promise.all(
      ['released', 'rejected'].map((name) => runtime.drop(`documents/${name}.txt`, `${name}. ${long}`)),
    );
    const [released = '', rejected = ''] = ids;
    for (const id of ids) {
      await account.until(`${id} to be held`, async () => (await account.status(id)) === 'HELD');
    }
    const shown = await millrace(['release', '--all', '--json'], env);
    assert.equal(shown.status, 0);
    const { dryRun, files } = JSON.parse(shown.stdout);
    assert.equal(dryRun, true);
    assert.deepEqual(
      [...files].map(({ fileName, estimatedCostUsd }) => [fileName, estimatedCostUsd > 1]).sort(),
      [
        ['documents/rejected.txt', true],
        ['documents/released.txt', true],
      ],
    );
    const yes = ['--yes', '--comment', 'agreed', '--json'];
    const both = await Promise.all([
      millrace(['release', released, ...yes], env),
      millrace(['reject', 'rejected.txt', ...yes], env),
    ]);
    const outcomes = both.map(({ stdout, stderr, status }) => {
      assert.equal(status, 0, stderr);
      return JSON.parse(stdout).files[0].outcome;
    });
    assert.deepEqual(outcomes, ['SUCCEEDED', 'REJECTED']);
    const [run] = (await account.executions('document-ingestion', rejected)).filter(({ name }) =>
      name?.endsWith('-r2'),
    );
    const { input = '{}' } = await account.sfn.send(
      new DescribeExecutionCommand({ executionArn: run?.executionArn }),
    );
    const { decision } = JSON.parse(input);
    assert.deepEqual([decision.action, decision.comment], ['reject', 'agreed']);
    assert.match(decision.by, /^arn:/);
    const twice = await millrace(['release', released, '--yes'], env);
    assert.equal(twice.status, 1);
    assert.match(twice.stderr, /is SUCCEEDED, and so not held/);
  });

  test('backfill counts and estimates first, and taking up known objects changes nothing', async () => {
    const executions = (await account.executions('document-ingestion')).length;
    const shown = await millrace(['backfill', 'documents/in/', '--json'], env);
    const { dryRun, objects, estimatedCostUsd } = JSON.parse(shown.stdout);
    assert.deepEqual([shown.status, dryRun, objects, estimatedCostUsd < 0.01], [0, true, 3, true]);
    const done = await millrace(['backfill', 'documents/in/', '--yes', '--json'], env);
    const { status, told } = JSON.parse(done.stdout);
    assert.deepEqual([done.status, status, told], [0, 'SUCCEEDED', 3]);
    await account.rested();
    assert.equal((await account.executions('document-ingestion')).length, executions);
    const wrong = await millrace(['backfill', 'document/', '--yes'], env);
    assert.equal(wrong.status, 2, wrong.stderr);
    const nothing = await millrace(['backfill', 'documents/none/'], env);
    assert.equal(nothing.status, 1);
  });

  test('reconcile runs now and shows that everything is accounted for', async () => {
    const said = await millrace(['reconcile', '--grace-minutes', '0', '--json'], env);
    assert.equal(said.status, 0, said.stderr + said.stdout);
    const { Totals, Unaccounted } = JSON.parse(said.stdout);
    assert.equal(Unaccounted, 0);
    const { received, succeeded, rejected } = Totals['document-ingestion'];
    assert.deepEqual([received, succeeded + rejected], [7, 7]);
    const status = await millrace(['status'], env);
    assert.match(status.stdout, /Last reconciliation\n +\d{4}-.*: everything is accounted for/);
  });

  test('a runtime is found by its data directory', async () => {
    const said = await millrace(['tickets', '--data', runtime.dataDir]);
    assert.equal(said.status, 0, said.stderr);
    assert.match(said.stderr, new RegExp(`^Local runtime at ${runtime.runtime.endpoint}, `));
  });

  test('another stack is not there, and those that are there are named', async () => {
    const said = await millrace(['status', '--environment', 'prod'], env);
    assert.equal(said.status, 3);
    assert.match(said.stderr, /no stack Millrace-prod-Data at .* There are: Millrace-dev\./);
  });
});
