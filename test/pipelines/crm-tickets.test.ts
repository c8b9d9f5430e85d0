import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { tickets } from '../../datasets/tickets.ts';
import { TICKETS_LOADED } from '../../lambdas/crm-tickets/contract.ts';
import { Account } from '../support/account.ts';
import { comparable, readLake } from '../support/lake-reader.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { SmallZendesk, says, smallTicket } from '../support/small-zendesk.ts';

const counts = z.object({ read: z.number(), accepted: z.number(), quarantined: z.number() });
const Output = z.object({
  outcome: z.literal('SUCCEEDED'),
  tickets: z.optional(counts),
  customers: z.optional(counts),
  reason: z.optional(z.object({ code: z.string() })),
  more: z.optional(z.boolean()),
});

describe('the tickets of a CRM', { timeout: 600_000 }, () => {
  let zendesk: SmallZendesk;
  let runtime: TestRuntime;
  let account: Account;
  const others: SmallZendesk[] = [];
  const announced: unknown[] = [];
  /** Of a run that nothing went wrong in. */
  let undisturbed: unknown[][] = [];
  before(async () => {
    zendesk = await new SmallZendesk().start();
    runtime = await startTestRuntime({
      helpDesk: false,
      onCall: ({ service, operation, input }) => {
        if (service !== 'events' || operation !== 'PutEvents') return;
        for (const { DetailType, Detail } of Object(input).Entries) {
          if (DetailType === TICKETS_LOADED) announced.push(JSON.parse(Detail));
        }
      },
    });
    account = new Account(runtime);
  });
  after(async () => {
    await runtime?.stop();
    for (const crm of [zendesk, ...others]) crm?.stop();
  });

  const connect = (connection: string) =>
    new SecretsManagerClient(runtime.client).send(
      new PutSecretValueCommand({
        SecretId: runtime.deployment.output('CrmSecretArn'),
        SecretString: connection,
      }),
    );

  /** Runs to its end. */
  async function run(input: unknown = {}): Promise<DescribeExecutionCommandOutput> {
    const { executionArn } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: runtime.deployment.output('CrmTicketsStateMachineArn'),
        input: JSON.stringify(input),
      }),
    );
    return account.until(
      'the end of the run',
      async () => {
        const execution = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
        return execution.status !== 'RUNNING' && execution;
      },
      100,
    );
  }

  async function succeed(input: unknown = {}): Promise<z.output<typeof Output>> {
    const { status, output = '', error, cause } = await run(input);
    assert.equal(status, 'SUCCEEDED', `${error}: ${cause}`);
    return Output.parse(JSON.parse(output));
  }

  const warehouse = (dataset: string, columns = '*', where = 'TRUE') =>
    account.sql(
      `SELECT ${columns} FROM ${runtime.deployment.output('WarehouseSchema')}.${dataset} WHERE ${where} ORDER BY 1`,
    );

  /** Pages that are fetched and not loaded. */
  async function waiting(): Promise<number> {
    const { Items = [] } = await account.dynamo.send(
      new ScanCommand({ TableName: runtime.deployment.output('SourcesTableName') }),
    );
    return Items.filter(({ sk }) => sk?.S?.startsWith('PAGE#')).length;
  }

  /** Another CRM with tickets of its own, which differ from the first one's in their ids only. */
  async function another(from: number, count = 35): Promise<SmallZendesk> {
    const crm = await new SmallZendesk().start();
    others.push(crm);
    crm.changes.push(...Array.from({ length: count }, (_, n) => smallTicket(n + 1, { id: from + n + 1 })));
    await connect(crm.connection());
    return crm;
  }

  const COLUMNS =
    'customer_id, subject, status, is_open, priority, tags, created_at, updated_at, solved_at, text_sha256, language, sentiment, sentiment_score';

  /** What the warehouse says of tickets, but for their ids. */
  const contents = (from: number) =>
    warehouse(
      'tickets',
      `CAST(ticket_id AS INTEGER) - ${from} AS n, ${COLUMNS}`,
      `CAST(ticket_id AS INTEGER) BETWEEN ${from + 1} AND ${from + 99}`,
    );

  /** Rows of the lake, of which none may be there twice. */
  async function inLake(from: number): Promise<number> {
    const rows = await readLake(account, tickets);
    return rows.filter(({ ticket_id: id }) => Number(id) > from && Number(id) < from + 100).length;
  }

  test('nobody has connected it: a run ends at once and says so', async () => {
    assert.equal((await succeed()).reason?.code, 'NOT_CONNECTED');
  });

  test('every ticket and customer is in lake and warehouse, analysed, and nothing personal is published', async () => {
    zendesk.changes.push(...Array.from({ length: 35 }, (_, n) => smallTicket(n + 1)));
    await connect(zendesk.connection());
    const output = await succeed();
    assert.deepEqual(output.tickets, { read: 35, accepted: 35, quarantined: 0 });
    assert.equal((await readLake(account, tickets)).length, 35);
    assert.equal(zendesk.requests.length, 4);
    const rows = await contents(0);
    undisturbed = rows;
    assert.equal(rows.length, 35);
    assert.deepEqual(rows[0]?.slice(1, 6), ['C-101', 'Broken again', 'open', true, null]);
    const moods = await warehouse('tickets', 'subject, sentiment');
    assert.deepEqual(
      [...new Set(moods.map((row) => row.join(': ')))],
      ['Broken again: NEGATIVE', 'I love it: POSITIVE'],
    );
    assert.equal((await warehouse('customers')).length, 7);
    // Of the texts, what is published holds neither the name nor the address.
    const published = [
      ...(await account.keys(account.lake, 'analysis/tickets/')),
      ...(await account.keys(account.lake, 'published/tickets/')),
    ];
    for (const key of published)
      assert.doesNotMatch(await account.text(account.lake, key), /Jane|example\.com/);
    assert.equal(await waiting(), 0);
  });

  test('a run that finds nothing new changes nothing', async () => {
    const before = comparable(await readLake(account, tickets));
    const output = await succeed();
    assert.deepEqual(output.tickets, { read: 0, accepted: 0, quarantined: 0 });
    assert.deepEqual(comparable(await readLake(account, tickets)), before);
  });

  test('a ticket that changes comes again, in its newest version, and its text is not analysed twice', async () => {
    const analyses = (await account.executions('sentiment')).length;
    const changed = { status: 'solved', updated_at: '2026-11-01T00:00:00Z' };
    zendesk.changes.push(smallTicket(1, { status: 'pending' }), smallTicket(1, changed));
    await succeed();
    const [row] = await warehouse('tickets', 'ticket_id, status, is_open, sentiment', "ticket_id = '1'");
    assert.deepEqual(row, ['1', 'solved', false, 'NEGATIVE']);
    assert.equal((await account.executions('sentiment')).length, analyses);
  });

  test('bad records go to quarantine by line and reason, personal values untold; read is accepted and quarantined', async () => {
    zendesk.changes.push(
      smallTicket(36, { priority: 'whenever' }),
      smallTicket(37),
      smallTicket(38, { created_at: 'yesterday', updated_at: null }),
    );
    assert.deepEqual((await succeed()).tickets, { read: 3, accepted: 1, quarantined: 2 });
    const [key = ''] = await account.keys(account.lake, 'quarantine/tickets/');
    const lines = (await account.text(account.lake, key))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ line, column, code }) => [line, column, code]),
      [
        [1, 'priority', 'NOT_ALLOWED'],
        [3, 'created_at', 'WRONG_TYPE'],
        [3, 'updated_at', 'MISSING'],
      ],
    );
  });

  test('a CRM that asks to wait is waited for, in a Wait state', async () => {
    zendesk.changes.push(smallTicket(39));
    zendesk.odd.push(says(429, '{}', { 'retry-after': '2' }));
    const { executionArn } = await run();
    const states = (await account.history(executionArn)).flatMap(
      ({ stateEnteredEventDetails: entered }) => entered?.name ?? [],
    );
    assert.deepEqual(states.slice(2, 6), ['FetchCRMData', 'Fetched', 'Pace', 'FetchCRMData']);
    assert.equal((await warehouse('tickets', '1', "ticket_id = '39'")).length, 1);
  });

  test('credentials that are refused fail the run at once, and the next good run takes up from there', async () => {
    zendesk.changes.push(smallTicket(40));
    zendesk.odd.push(says(401), says(401));
    const { status, error } = await run();
    assert.deepEqual([status, error], ['FAILED', 'CrmRefused']);
    assert.equal((await succeed()).tickets?.accepted, 1);
  });

  for (const [n, moment] of (['before', 'during', 'after'] as const).entries()) {
    test(`a crash of every function ${moment} its work leaves the rows of an undisturbed run, each once`, async () => {
      const from = 1_000 + n * 100;
      await another(from);
      const rules = ['Fetch', 'Validate', 'Enrich', 'Settle'].map((name) => ({
        fault: 'crashed' as const,
        moment,
        function: `CrmTickets${name}`,
        count: 1,
      }));
      runtime.runtime.faults.set(rules);
      const { executionArn, status } = await run();
      runtime.runtime.faults.clear();
      assert.equal(status, 'SUCCEEDED');
      const failures = (await account.history(executionArn)).filter(({ type }) => type === 'TaskFailed');
      // Whether one in the midst of its work meets a call is chance.
      if (moment !== 'during') assert.equal(failures.length, rules.length);
      assert.deepEqual(await contents(from), undisturbed);
      assert.equal(await inLake(from), 35);
      assert.equal(await waiting(), 0);
    });
  }

  test('what an execution that was stopped has fetched, the next one loads', async () => {
    await another(2_000);
    const { executionArn } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: runtime.deployment.output('CrmTicketsStateMachineArn'),
      }),
    );
    await account.until('the first pages', async () => (await waiting()) > 1);
    await account.sfn.send(new StopExecutionCommand({ executionArn }));
    await succeed();
    assert.equal((await contents(2_000)).length, 35);
    assert.equal(await inLake(2_000), 35);
    assert.equal(await waiting(), 0);
  });

  test('two runs at once: one fetches, though it waits, and the other ends and says so', async () => {
    const crm = await another(3_000);
    crm.odd.push(says(429, '{}', { 'retry-after': '8' }));
    const first = succeed();
    await account.until('a request', async () => crm.requests.length > 0);
    assert.equal((await succeed()).reason?.code, 'BUSY');
    assert.equal((await first).tickets?.accepted, 35);
  });

  test('the run announces what it has loaded', async () => {
    assert(announced.length > 0);
    assert.deepEqual(Object.keys(Object(announced[0])).sort(), [
      'customers',
      'execution',
      'source',
      'tickets',
    ]);
  });
});
