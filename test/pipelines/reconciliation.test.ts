import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { Account } from '../support/account.ts';
import { Reconciler } from '../support/reconciler.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

const NONE = { found: 0, repaired: 0, again: 0 };

describe('the reconciliation', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  let reconciler: Reconciler;
  before(async () => {
    runtime = await startTestRuntime();
    account = new Account(runtime);
    reconciler = new Reconciler(runtime, account);
  });
  after(() => runtime?.stop());

  const drop = (name: string) =>
    runtime.drop(`documents/reconciled/${name}.txt`, `The ${name} is lovely, thank you.`);
  const dropAll = (...names: string[]) => Promise.all(names.map(drop));

  /** Every current item and ticket, and how many executions there are. */
  const everything = async () => {
    const { Items = [] } = await account.dynamo.send(
      new ScanCommand({
        TableName: runtime.deployment.auditTable,
        FilterExpression: 'pk <> :own',
        ExpressionAttributeValues: { ':own': { S: 'RECONCILIATION' } },
      }),
    );
    const counts = await Promise.all(
      (['document-ingestion', 'warehouse-load'] as const).map(
        async (name) => (await account.executions(name)).length,
      ),
    );
    const items = Items.map((item) => JSON.stringify(item)).sort();
    return { items, counts, rows: await account.sql(`SELECT * FROM ${account.documents} ORDER BY file_id`) };
  };

  /** Once nothing is left to repair: counts balance, and a run more changes nothing. */
  const assertClean = async (files: number) => {
    await account.rested();
    const before = await everything();
    const summary = await reconciler.run();
    await account.rested();
    assert.deepEqual(summary.Mismatches, {});
    assert.equal(summary.Unaccounted, 0);
    assert.deepEqual(await everything(), before);
    const lines = await reconciler.report(summary);
    let received = 0;
    for (const line of lines) {
      const { succeeded, rejected, failed, held, in_flight, unaccounted } = line;
      const outcomes = [succeeded, rejected, failed, held, in_flight, unaccounted].map(Number);
      assert.equal(
        line.received,
        outcomes.reduce((a, b) => a + b),
      );
      received += Number(line.received);
    }
    assert.equal(received, files);
  };

  test('files whose events were lost are taken in, superseded and deleted ones too, each once', async () => {
    const files = await reconciler.unheard(account.landing, async () => {
      const first = await drop('lamp');
      const others = await dropAll('lamp', 'shade + ü');
      await account.s3.send(
        new DeleteObjectCommand({ Bucket: account.landing, Key: 'documents/reconciled/shade + ü.txt' }),
      );
      return [first, ...others];
    });
    const patient = await reconciler.finished(await reconciler.start({}));
    assert.deepEqual([patient.Mismatches, patient.Unaccounted], [{}, 0], 'within the grace nothing is lost');
    const summary = await reconciler.run();
    const { found, repaired, again } = summary.Mismatches['lost-event'] ?? NONE;
    assert.deepEqual([found, repaired, again, summary.Unaccounted], [3, 3, 0, 3]);
    await runtime.settled(files);
    await assertClean(3);
    for (const id of files) {
      assert.deepEqual(
        (await account.executions('document-ingestion', id)).map(({ name, status }) => [name, status]),
        [[id, 'SUCCEEDED']],
      );
    }
    const rows = await account.rowsByFile();
    for (const id of files) assert.equal(rows.get(id), 1);
  });

  test('a lost status change of a success is recorded, and its load found', async () => {
    runtime.runtime.faults.set({ rules: [{ fault: 'lost' }] });
    const id = await drop('chair');
    await account.until('the end of the execution', async () => {
      const [execution] = await account.executions('document-ingestion', id);
      return execution?.status === 'SUCCEEDED';
    });
    await account.rested();
    runtime.runtime.faults.clear();
    assert.equal(await account.status(id), 'RECEIVED');
    const summary = await reconciler.run();
    assert.equal(summary.Mismatches['lost-change']?.repaired, 1);
    await runtime.settled([id]);
    assert.equal(await account.status(id), 'SUCCEEDED');
    await assertClean(4);
  });

  test('a lost status change of a failure is recorded, and becomes a ticket', async () => {
    runtime.runtime.faults.set({
      rules: [
        { fault: 'lost', statuses: ['FAILED'] },
        {
          fault: 'failing',
          service: 's3',
          operations: ['PutObject'],
          by: 'Publish',
          error: { code: 'AccessDenied', status: 403 },
        },
      ],
    });
    const id = await drop('table');
    await account.until('the failure', async () => {
      const [execution] = await account.executions('document-ingestion', id);
      return execution?.status === 'FAILED';
    });
    await account.rested();
    runtime.runtime.faults.clear();
    assert.equal(await account.status(id), 'PROCESSING_INITIATED');
    const tickets = runtime.deployment.output('TicketsTableName');
    assert.deepEqual(await account.tickets(tickets), []);
    assert.equal((await reconciler.run()).Mismatches['lost-change']?.repaired, 1);
    await account.until('the record', async () => (await account.status(id)) === 'FAILED');
    await account.rested();
    // The help desk's event was lost like the recorder's: the next run finds the failure without a ticket.
    assert.equal((await reconciler.run()).Mismatches.untold?.repaired, 1);
    const [ticket] = await account.until('the ticket', async () => {
      const found = await account.tickets(tickets);
      return found.length > 0 && found;
    });
    assert.equal(ticket?.State, 'OPEN');
    await assertClean(5);
  });

  test('a redrive whose end nobody was told of is recorded, and ends the ticket', async () => {
    const failed = (await account.executions('document-ingestion')).find(({ status }) => status === 'FAILED');
    const executionArn = failed?.executionArn;
    const id = failed?.name ?? '';
    runtime.runtime.faults.set({ rules: [{ fault: 'lost' }] });
    await account.sfn.send(new RedriveExecutionCommand({ executionArn }));
    await account.until('its success', async () => {
      const { status } = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
      return status === 'SUCCEEDED';
    });
    await account.rested();
    runtime.runtime.faults.clear();
    assert.equal(await account.status(id), 'FAILED');
    const first = await reconciler.run();
    assert.equal(first.Mismatches['lost-change']?.repaired, 1);
    await runtime.settled([id]);
    await account.rested();
    const second = await reconciler.run();
    // By the first run already, where the recorder was faster than its steps.
    const ended = [first, second].map(({ Mismatches }) => Mismatches['ticket-behind']?.repaired ?? 0);
    assert.deepEqual(ended.toSorted(), [0, 1]);
    await account.until('the end of the ticket', async () => {
      const [ticket] = await account.tickets(runtime.deployment.output('TicketsTableName'));
      return ticket?.State === 'RESOLVED';
    });
    await assertClean(5);
  });

  test('an intake that was killed between its record and the start of the execution', async () => {
    const id = await reconciler.unheard(account.landing, () => drop('sofa'));
    const now = new Date().toISOString();
    await account.dynamo.send(
      new UpdateItemCommand({
        TableName: runtime.deployment.auditTable,
        Key: { pk: { S: id }, sk: { S: 'CURRENT' } },
        UpdateExpression:
          'SET FileName = :name, #s = :status, #t = :now, ReceivedAt = :now, Pipeline = :pipeline, EventId = :event',
        ExpressionAttributeNames: { '#s': 'Status', '#t': 'Timestamp' },
        ExpressionAttributeValues: {
          ':name': { S: 'documents/reconciled/sofa.txt' },
          ':status': { S: 'RECEIVED' },
          ':now': { S: now },
          ':pipeline': { S: 'document-ingestion' },
          ':event': { S: 'received' },
        },
      }),
    );
    assert.equal((await reconciler.run()).Mismatches['lost-event']?.repaired, 1);
    await runtime.settled([id]);
    await assertClean(6);
  });

  test('a curated record whose event was lost is loaded, once', async () => {
    const id = await reconciler.unheard(account.lake, async () => {
      const file = await drop('bed');
      await account.until('the success', async () => (await account.status(file)) === 'SUCCEEDED');
      return file;
    });
    assert.equal((await reconciler.run()).Mismatches['not-loaded']?.repaired, 1);
    await runtime.settled([id]);
    await assertClean(7);
    assert.equal((await account.rowsByFile()).get(id), 1);
  });

  test('a load that failed runs again, and is not done twice', async () => {
    runtime.runtime.faults.set({
      rules: [
        {
          fault: 'failing',
          service: 's3',
          operations: ['PutObject'],
          by: 'Compact',
          error: { code: 'AccessDenied', status: 403 },
        },
      ],
    });
    const id = await drop('desk');
    const failed = await account.until('the failed load', async () =>
      (await account.executions('warehouse-load')).find(({ status }) => status === 'FAILED'),
    );
    await account.until('its record', async () => (await account.status(failed.name ?? '')) === 'FAILED');
    runtime.runtime.faults.clear();
    const { Mismatches } = await reconciler.run();
    assert.equal(Mismatches['failed-load']?.repaired, 1);
    assert.equal(Mismatches['not-loaded']?.repaired ?? 0, 0);
    await runtime.settled([id]);
    await account.rested();
    const names = (await account.executions('warehouse-load', failed.name)).map(({ name }) => name);
    assert.deepEqual(names.sort(), [failed.name, `${failed.name}-r2`]);
    await account.until('the end of its ticket', async () =>
      (await account.tickets(runtime.deployment.output('TicketsTableName'))).every(
        ({ Key, State }) => !Key.startsWith('warehouse-load') || State === 'RESOLVED',
      ),
    );
    await assertClean(8);
  });

  test('a failed load whose files were loaded by another is over, and its ticket', async () => {
    runtime.runtime.faults.set({
      rules: [
        {
          fault: 'failing',
          service: 's3',
          operations: ['PutObject'],
          by: 'Compact',
          error: { code: 'AccessDenied', status: 403 },
        },
      ],
    });
    const known = (await account.executions('warehouse-load')).map(({ name }) => name);
    const id = await drop('stool');
    const failed = await account.until('the failed load', async () =>
      (await account.executions('warehouse-load')).find(
        ({ name, status }) => status === 'FAILED' && !known.includes(name),
      ),
    );
    await account.until('its record', async () => (await account.status(failed.name ?? '')) === 'FAILED');
    runtime.runtime.faults.clear();
    // What another load does when it is done.
    await account.dynamo.send(
      new UpdateItemCommand({
        TableName: runtime.deployment.auditTable,
        Key: { pk: { S: id }, sk: { S: 'CURRENT' } },
        UpdateExpression: 'SET LoadStatus = :loaded, LoadedAt = :at',
        ExpressionAttributeValues: { ':loaded': { S: 'LOADED' }, ':at': { S: new Date().toISOString() } },
      }),
    );
    const { Mismatches } = await reconciler.run();
    assert.equal(Mismatches['failed-load'], undefined);
    assert.equal(Mismatches['ticket-behind']?.repaired, 1);
    assert.equal(Mismatches['row-missing']?.repaired, 1, 'it only said so');
    await account.until('the end of its ticket', async () =>
      (await account.tickets(runtime.deployment.output('TicketsTableName'))).every(
        ({ State }) => State === 'RESOLVED',
      ),
    );
    assert.equal((await account.executions('warehouse-load', failed.name)).length, 1);
    await assertClean(9);
  });

  test('a row that is gone from the warehouse is loaded again, and the others are left', async () => {
    const rows = `SELECT * FROM ${account.documents} ORDER BY file_id`;
    const before = await account.sql(rows);
    const victim = String(before[0]?.[0]);
    await account.sql(`DELETE FROM ${account.documents} WHERE file_id = '${victim}'`);
    assert.equal((await reconciler.run()).Mismatches['row-missing']?.repaired, 1);
    await account.rested();
    const withoutLoad = (table: unknown[][]) => table.map((row) => row.slice(0, -1));
    const now = await account.sql(rows);
    assert.deepEqual(withoutLoad(now), withoutLoad(before));
    assert.deepEqual(now.slice(1), before.slice(1));
    await assertClean(9);
  });

  test('a run goes on in other executions, and while files arrive', async () => {
    const arn = await reconciler.start({ graceMinutes: 30, maxEvents: 7 });
    const id = await drop('mirror');
    const summary = await reconciler.finished(arn);
    assert.equal(summary.Unaccounted, 0);
    assert.deepEqual(summary.Mismatches, {});
    await runtime.settled([id]);
    await assertClean(10);
  });

  test('two runs at once repair once', async () => {
    const files = await reconciler.unheard(account.landing, () => dropAll('fork', 'knife', 'spoon'));
    const summaries = await Promise.all([reconciler.run(), reconciler.run()]);
    await runtime.settled(files);
    assert.ok(summaries.some(({ Mismatches }) => Mismatches['lost-event']?.found === 3));
    await assertClean(13);
    for (const id of files) assert.equal((await account.executions('document-ingestion', id)).length, 1);
  });
});
