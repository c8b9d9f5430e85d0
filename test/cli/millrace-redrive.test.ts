import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DescribeStateMachineCommand, UpdateStateMachineCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { RuleInput } from '../../local/faults/rules.ts';
import { Account } from '../support/account.ts';
import { deny } from '../support/deny.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { Millrace, millrace } from './millrace.ts';

const Summary = z.object({
  dryRun: z.boolean(),
  executions: z.array(
    z.object({
      id: z.string(),
      error: z.string(),
      action: z.string(),
      why: z.string().nullable(),
      done: z.string().nullable(),
      outcome: z.string().nullable(),
      problem: z.string().nullable(),
    }),
  ),
  queues: z.array(
    z.object({
      queue: z.string(),
      messages: z.number(),
      moved: z.number().nullable(),
      ended: z.number().nullable(),
      problem: z.string().nullable(),
    }),
  ),
});

/** Publishing fails with an error that its state does not retry. */
const NOT_PUBLISHED: RuleInput = {
  fault: 'failing',
  service: 's3',
  operations: ['PutObject'],
  by: 'DocumentIngestionPublish',
  error: { code: 'InvalidEvent', message: 'Publishing is broken.' },
};

describe('millrace redrive', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  let env: NodeJS.ProcessEnv;
  before(async () => {
    runtime = await startTestRuntime({ warn: () => {} });
    account = new Account(runtime);
    env = { AWS_ENDPOINT_URL: runtime.runtime.endpoint };
  });
  after(() => runtime?.stop());

  const redrive = async (...options: string[]) => {
    const said = await millrace(['redrive', '--json', ...options], env);
    assert.ok(said.stdout, said.stderr);
    return { status: said.status, ...Summary.parse(said.json()) };
  };
  const fail = async (texts: readonly string[], rule: RuleInput = NOT_PUBLISHED) => {
    runtime.runtime.faults.set([rule]);
    const ids = await Promise.all(
      texts.map((text) => runtime.drop(`documents/${text.replaceAll(' ', '-')}.txt`, `${text}, thank you.`)),
    );
    for (const id of ids)
      await account.until(`${id} to fail`, async () => (await account.status(id)) === 'FAILED');
    return ids;
  };
  const repair = () => runtime.runtime.faults.clear();
  /** Each file succeeded and is loaded once, and nothing of what had been done was done again. */
  const assertDoneOnce = async (ids: readonly string[], runs: readonly string[] = ['']) => {
    for (const id of ids) {
      await account.until(`${id} to be loaded`, async () => {
        const state = (await runtime.deployment.states([id])).get(id);
        return state?.status === 'SUCCEEDED' && state.loadStatus === 'LOADED';
      });
      const executions = await account.executions('document-ingestion', id);
      assert.deepEqual(executions.map(({ name = '' }) => name.slice(64)).sort(), runs);
      if (runs.length === 1) {
        const [execution] = executions;
        assert.deepEqual([execution?.status, execution?.redriveCount], ['SUCCEEDED', 1]);
        const entered = (await account.history(execution?.executionArn)).flatMap(
          ({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? [],
        );
        assert.equal(entered.filter((name) => name === 'Inspect').length, 1);
        assert.equal((await account.executions('sentiment', id)).length, 1, 'analysed once');
      }
    }
    const rows = await account.rowsByFile();
    for (const id of ids) assert.equal(rows.get(id), 1, `rows of ${id}`);
  };

  test('what failed is shown, and nothing is done without --yes', async () => {
    const [id = ''] = await fail(['shown only']);
    const { status, dryRun, executions } = await redrive();
    assert.equal(status, 0);
    assert.equal(dryRun, true);
    const found = executions.filter((each) => each.id === id);
    assert.deepEqual(
      found.map(({ action, done, error }) => [action, done, error]),
      [['redrive', null, 'InvalidEvent']],
    );
    const table = await millrace(['redrive', '--id', id], env);
    assert.match(table.stdout, /document-ingestion +InvalidEvent +1 .*redrive from where it failed/);
    assert.match(table.stderr, /^Local runtime at http:\/\/127\.0\.0\.1:\d+, stacks Millrace-dev-\*/);
    assert.match(table.stderr, /Nothing was done\. Add --yes/);
    assert.equal(await account.status(id), 'FAILED');
    repair();
    assert.equal((await redrive('--id', id, '--yes')).status, 0);
    await assertDoneOnce([id]);
  });

  test('after the repair, killed in the middle, then by two at once: each goes on once from where it failed', async () => {
    const ids = await fail(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((letter) => `file ${letter}`));
    repair();
    const killed = new Millrace(['redrive', '--yes', '--rate', '1'], env);
    const isRedriven = async () =>
      (await account.executions('document-ingestion')).filter(
        ({ name = '', redriveCount = 0 }) => ids.includes(name) && redriveCount > 0,
      ).length;
    await account.until('the first ones to go on', async () => (await isRedriven()) >= 2);
    killed.kill();
    assert.ok((await isRedriven()) < ids.length, 'it was killed in the middle');

    const both = await Promise.all([redrive('--yes'), redrive('--yes')]);
    for (const { status, executions } of both) {
      assert.equal(status, 0);
      for (const { outcome, problem } of executions)
        assert.deepEqual([outcome, problem], ['SUCCEEDED', null]);
    }
    await assertDoneOnce(ids);
    assert.deepEqual(
      (await redrive('--yes')).executions.filter(({ action }) => action !== 'leave'),
      [],
    );
  });

  test('what fails again is told, with exit status 1, and can be redriven again', async () => {
    const [id = ''] = await fail(['still broken']);
    const again = await redrive('--id', id, '--yes');
    assert.deepEqual([again.status, again.executions[0]?.outcome], [1, 'FAILED']);
    repair();
    assert.equal((await redrive('--error', 'InvalidEvent', '--since', '1h', '--yes')).status, 0);
    assert.equal(await account.status(id), 'SUCCEEDED');
  });

  test('after a change of the state machine it is run anew under the next name, by two at once only once', async () => {
    const [id = ''] = await fail(['changed meanwhile']);
    repair();
    const stateMachineArn = account.machine('document-ingestion');
    const { definition = '' } = await account.sfn.send(new DescribeStateMachineCommand({ stateMachineArn }));
    const changed = { ...JSON.parse(definition), Comment: 'A later version.' };
    await account.sfn.send(
      new UpdateStateMachineCommand({ stateMachineArn, definition: JSON.stringify(changed) }),
    );
    const both = await Promise.all([redrive('--id', id, '--yes'), redrive('--id', id, '--yes')]);
    // The second may have come when the first was through.
    const reruns = both.flatMap(({ executions }) => executions).filter(({ action }) => action !== 'leave');
    assert.ok(reruns.length > 0);
    for (const { action, why, outcome } of reruns) {
      assert.deepEqual([action, why, outcome], ['rerun', 'the state machine was changed since', 'SUCCEEDED']);
    }
    assert.deepEqual(
      both.map(({ status }) => status),
      [0, 0],
    );
    await assertDoneOnce([id], ['', '-r2']);
  });

  test('a load that the warehouse refused ended in a Fail state, and is run anew', async () => {
    const allow = deny(runtime, 'Warehouse/Role', 's3:GetObject');
    const id = await runtime.drop('documents/not-loaded.txt', 'Nobody has loaded me yet.');
    const load = await account.until('a failed load', async () =>
      (await account.executions('warehouse-load')).find(({ status }) => status === 'FAILED'),
    );
    await account.until('its record', async () => (await account.status(load.name ?? '')) === 'FAILED');
    allow();
    const { status, executions } = await redrive('--pipeline', 'warehouse-load', '--yes');
    assert.deepEqual(
      executions.map(({ id: loadId, error, action, outcome }) => [loadId, error, action, outcome]),
      [[load.name, 'LoadFailed', 'rerun', 'SUCCEEDED']],
    );
    assert.equal(status, 0);
    assert.equal((await account.rowsByFile()).get(id), 1);
  });

  test('the failed items of a Distributed Map go on with the execution that they belong to', async () => {
    runtime.runtime.faults.set([
      {
        fault: 'failing',
        service: 'sqs',
        operations: ['SendMessageBatch'],
        by: 'BackfillAdmit',
        error: { code: 'InvalidEvent', message: 'Nobody may be told.' },
      },
    ]);
    const failed = await millrace(['backfill', 'documents/', '--yes', '--json'], env);
    assert.deepEqual([failed.status, JSON.parse(failed.stdout).status], [1, 'FAILED'], failed.stderr);
    repair();
    const { status, executions } = await redrive('--pipeline', 'backfill', '--yes');
    assert.deepEqual(
      executions.map(({ action, outcome }) => [action, outcome]),
      [['redrive', 'SUCCEEDED']],
    );
    assert.equal(status, 0);
  });

  test('dead letters go back; a task that no execution waits for is not done again', async () => {
    const id = await runtime.drop('documents/once.txt', 'I came once, and my event comes twice.');
    await runtime.settled([id]);
    const versionId = (await runtime.deployment.landed('documents/once.txt'))[0]?.versionId;
    const send = async (queue: string, body: unknown) =>
      account.sqs.send(
        new SendMessageCommand({
          QueueUrl: await account.queueUrl(queue),
          MessageBody: JSON.stringify(body),
        }),
      );
    await send('LandingArrivalsDeadLetters', {
      Records: [
        {
          eventSource: 'aws:s3',
          eventName: 'ObjectCreated:Put',
          eventTime: new Date().toISOString(),
          s3: {
            bucket: { name: account.landing },
            object: { key: 'documents/once.txt', versionId, size: 38, eTag: 'x', sequencer: '1' },
          },
        },
      ],
    });
    await send('SentimentTasksDeadLetters', { taskToken: 'of-an-execution-that-has-ended', fileId: id });

    const shown = await redrive();
    assert.deepEqual(shown.queues.map(({ queue, messages }) => [queue, messages]).sort(), [
      ['LandingArrivalsDeadLetters', 1],
      ['SentimentTasksDeadLetters', 1],
    ]);
    const { status, queues } = await redrive('--queues', '--yes');
    assert.deepEqual(queues.map(({ queue, moved, ended }) => [queue, moved, ended]).sort(), [
      ['LandingArrivalsDeadLetters', 1, 0],
      ['SentimentTasksDeadLetters', 0, 1],
    ]);
    assert.equal(status, 0);
    await account.until('empty queues of dead letters and arrivals', async () => {
      const left = (await account.queues()).filter(({ messages }) => messages > 0);
      return !left.some(({ url }) => /DeadLetters|Arrivals|SentimentTasks/.test(url));
    });
    assert.equal((await account.executions('document-ingestion', id)).length, 1);
  });
});
