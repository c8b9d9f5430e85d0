import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { Batch } from '../../lambdas/reconciliation/batch.ts';
import { statusChange } from '../../lambdas/reconciliation/executions.ts';
import { type LandingDependencies, reconcileLanding } from '../../lambdas/reconciliation/landing-batch.ts';
import { Ledger, Ledgers } from '../../lambdas/reconciliation/ledger.ts';
import { claim } from '../../lambdas/reconciliation/repairs.ts';
import { writeReport } from '../../lambdas/reconciliation/report-run.ts';
import { changeOf, StatusChangeEvent } from '../../lambdas/recorder/change.ts';
import { attributes, type Plain } from '../../lambdas/shared/audit.ts';
import { sourceFile } from '../../lambdas/shared/file-id.ts';
import { createdObjects } from '../../lambdas/shared/s3-events.ts';
import { awsError, FakeClient, MemoryLake, startDynamo } from './support.ts';

const { client: dynamo, stop } = await startDynamo({ audit: ['pk', 'sk'] });
after(stop);

const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:documents';
const LOADS = 'arn:aws:states:us-east-1:000000000000:stateMachine:loads';
const DOCUMENTS = { pipeline: 'document-ingestion', stateMachineArn: MACHINE };
const NOW = Date.parse('2026-11-21T12:00:00.000Z');
const at = (minutesAgo: number) => new Date(NOW - minutesAgo * 60_000);

/** Buckets are named by the tests, so that each has files of its own. */
let bucket = '';
let counter = 0;
beforeEach(() => {
  bucket = `landing-${counter++}`;
});

interface Version {
  readonly Key: string;
  readonly VersionId: string;
  readonly LastModified: Date;
  readonly Size: number;
}

const version = (Key: string, minutesAgo = 120, VersionId = 'v1'): Version => ({
  Key,
  VersionId,
  LastModified: at(minutesAgo),
  Size: 10,
});
const idOf = ({ Key, VersionId }: Version) => sourceFile(bucket, Key, VersionId).fileId;

/** A bucket that lists its versions in pages, as S3 does. */
function fakeS3(versions: readonly Version[], pageSize = 1000) {
  return new FakeClient({
    ListObjectVersions: ({ Prefix, KeyMarker }) => {
      const all = versions
        .filter(({ Key }) => Key.startsWith(String(Prefix)))
        .filter(({ Key }) => KeyMarker === undefined || Key > String(KeyMarker));
      const page = all.slice(0, pageSize);
      const isLast = page.length === all.length;
      return {
        Versions: page.map((one) => ({ ...one, Key: encodeURIComponent(one.Key).replaceAll('%20', '+') })),
        DeleteMarkers: [{ Key: 'documents/deleted', VersionId: 'marker' }],
        IsTruncated: !isLast,
        ...(!isLast && {
          NextKeyMarker: encodeURIComponent(page.at(-1)?.Key ?? ''),
          NextVersionIdMarker: 'v1',
        }),
      };
    },
    HeadObject: () => ({ VersionId: 'r1', ETag: '"abc"', ContentLength: 5 }),
  });
}

type Item = { readonly [name: string]: Plain };

async function put(file: Version, item: Item): Promise<void> {
  await dynamo.send(
    new PutItemCommand({
      TableName: 'audit',
      Item: attributes({ pk: idOf(file), sk: 'CURRENT', FileName: file.Key, ...item }),
    }),
  );
}

/** An execution as Step Functions describes it. */
const execution = (name: string, status: string, more: Record<string, unknown> = {}) => ({
  executionArn: `${MACHINE.replace(':stateMachine:', ':execution:')}:${name}`,
  stateMachineArn: MACHINE,
  name,
  status,
  startDate: at(100),
  ...(status !== 'RUNNING' && { stopDate: at(90) }),
  ...more,
});

function setUp(
  versions: readonly Version[],
  executions: readonly ReturnType<typeof execution>[] = [],
  pageSize = 1000,
) {
  const sfn = new FakeClient({
    DescribeExecution: ({ executionArn }) => {
      const found = executions.find((one) => one.executionArn === executionArn);
      if (!found) throw awsError('ExecutionDoesNotExist');
      return found;
    },
  });
  const sqs = new FakeClient();
  const objects = new MemoryLake();
  const dependencies: LandingDependencies = {
    s3: fakeS3(versions, pageSize),
    dynamo: {
      // The tickets table has no ticket.
      send: ((command: { input: { TableName?: string } }) =>
        command.input.TableName === 'tickets'
          ? Promise.resolve({ Count: 0 })
          : dynamo.send(command as never)) as typeof dynamo.send,
    },
    sfn,
    sqs,
    objects,
    auditTable: 'audit',
    ticketsTable: 'tickets',
    landingBucket: bucket,
    lakeBucket: 'lake',
    triggers: { 'documents/': DOCUMENTS },
    arrivalsQueueUrl: 'arrivals',
    changesQueueUrl: 'changes',
    incidentsQueueUrl: 'incidents',
    loadStateMachineArn: LOADS,
  };
  const sent = (queue: string) =>
    sqs
      .inputs('SendMessageBatch')
      .filter(({ QueueUrl }) => QueueUrl === queue)
      .flatMap(({ Entries }) => (Entries as { MessageBody: string }[]).map(({ MessageBody }) => MessageBody));
  return { dependencies, sqs, sfn, objects, sent };
}

const batchOf = (more: Partial<Batch> = {}): Batch => ({
  run: `run-${bucket}`,
  step: 'landing',
  startedAt: new Date(NOW).toISOString(),
  number: 0,
  cursor: undefined,
  rows: [],
  ledger: new Ledger(),
  now: NOW,
  graceSeconds: 1800,
  loadGraceSeconds: 2100,
  againSeconds: 3 * 6 * 3600,
  log: { info() {}, warn() {} } as unknown as Batch['log'],
  ...more,
});

/** The counts of the only pipeline, over all days. */
function totals(ledger: Ledger): Record<string, number> {
  const all: Record<string, number> = {};
  for (const counts of ledger.days.values()) {
    for (const [name, value] of Object.entries(counts)) if (value) all[name] = (all[name] ?? 0) + value;
  }
  return all;
}

describe('the landing bucket against the audit table', () => {
  test('an object without a record is told to intake, once in a grace, and counts as unaccounted', async () => {
    const lost = version('documents/Grüße + 100%.txt');
    const { dependencies, sent } = setUp([
      lost,
      version('documents/new.txt', 5),
      version('documents/folder/', 90),
    ]);
    const ledger = new Ledger();
    assert.deepEqual(await reconcileLanding(batchOf({ ledger }), dependencies), { cursor: null });
    const [message = ''] = sent('arrivals');
    assert.deepEqual(createdObjects(message), [
      {
        bucket,
        key: lost.Key,
        versionId: 'v1',
        bytes: 10,
        eTag: '',
        time: lost.LastModified.toISOString(),
      },
      // The folder has a size here, so that it is a file.
    ]);
    assert.deepEqual(totals(ledger), { received: 3, unaccounted: 2, in_flight: 1 });
    // Another run, a minute later: the repair is under way.
    const next = new Ledger();
    await reconcileLanding(batchOf({ run: 'other', ledger: next, now: NOW + 60_000 }), dependencies);
    assert.equal(sent('arrivals').length, 2);
    assert.deepEqual(next.mismatches.get('lost-event')?.repaired, 0);
  });

  test('a repair that did not help is done again, and said to be', async () => {
    const { dependencies, sent } = setUp([version('documents/stubborn.txt')]);
    const runs: (number | undefined)[] = [];
    for (const hours of [0, 6, 12, 48]) {
      const ledger = new Ledger();
      await reconcileLanding(
        batchOf({ run: `run-${hours}`, ledger, now: NOW + hours * 3_600_000 }),
        dependencies,
      );
      runs.push(ledger.mismatches.get('lost-event')?.again);
    }
    assert.deepEqual(runs, [0, 1, 1, 0]);
    assert.equal(sent('arrivals').length, 4);
  });

  test('what landed before the prefix was watched is counted and left alone', async () => {
    const { dependencies, sent } = setUp([version('documents/old.txt', 60 * 24 * 400)]);
    // The prefix of another deployment, so that no earlier test has begun to watch it.
    const triggers = { 'documents/old': DOCUMENTS };
    const ledger = new Ledger();
    await reconcileLanding(batchOf({ ledger }), { ...dependencies, triggers });
    assert.deepEqual(sent('arrivals'), []);
    assert.deepEqual(totals(ledger), { before_watch: 1 });
  });

  test('every status counts, and each record that is behind Step Functions is told', async () => {
    const statuses = ['succeeded', 'rejected', 'held', 'running', 'ended', 'gone', 'received', 'begun'];
    const versions = statuses.map((name) => version(`documents/${name}.txt`));
    const of = (name: string) => versions[statuses.indexOf(name)] ?? version('');
    const arn = (name: string) => execution(idOf(of(name)), 'RUNNING').executionArn;
    const known = (name: string, Status: string, event: string): Item => ({
      Status,
      Timestamp: at(100).toISOString(),
      EventId: `document-ingestion:${idOf(of(name))}:${event}`,
      ExecutionArn: arn(name),
    });
    await put(of('succeeded'), { ...known('succeeded', 'SUCCEEDED', 'SUCCEEDED:0'), LoadStatus: 'LOADED' });
    await put(of('rejected'), known('rejected', 'REJECTED', 'SUCCEEDED:0'));
    await put(of('held'), known('held', 'HELD', 'SUCCEEDED:0'));
    for (const name of ['running', 'ended', 'gone'])
      await put(of(name), known(name, 'PROCESSING_INITIATED', 'RUNNING:0'));
    for (const name of ['received', 'begun'])
      await put(of(name), { Status: 'RECEIVED', Timestamp: at(100).toISOString(), EventId: 'received' });
    const { dependencies, sent } = setUp(versions, [
      execution(idOf(of('held')), 'SUCCEEDED'),
      execution(idOf(of('running')), 'RUNNING'),
      execution(idOf(of('ended')), 'FAILED', { error: 'Broken', cause: 'It broke.' }),
      execution(idOf(of('begun')), 'RUNNING'),
    ]);
    const ledger = new Ledger();
    await reconcileLanding(batchOf({ ledger }), dependencies);
    assert.deepEqual(totals(ledger), {
      received: 8,
      succeeded: 1,
      rejected: 1,
      held: 1,
      in_flight: 1,
      unaccounted: 4,
      in_vain: 1,
    });
    const found = [...ledger.mismatches]
      .map(([kind, { found: count, again }]) => [kind, count, again])
      .sort();
    assert.deepEqual(found, [
      ['execution-gone', 1, 1],
      ['lost-change', 2, 0],
      ['lost-event', 1, 0],
    ]);
    assert.equal(sent('arrivals').length, 1);
    // The recorder reads what it is sent.
    const changes = await Promise.all(
      sent('changes').map((body) =>
        changeOf(StatusChangeEvent.parse(JSON.parse(body)), 'document-ingestion', async () => ({
          input: JSON.stringify({ key: 'documents/x.txt' }),
        })),
      ),
    );
    assert.deepEqual(
      new Map(changes.map(({ id, status, reason }) => [id, [status, reason?.code]])),
      new Map([
        [idOf(of('ended')), ['FAILED', 'Broken']],
        [idOf(of('begun')), ['PROCESSING_INITIATED', undefined]],
      ]),
    );
  });

  test('a status change that may still arrive is waited for', async () => {
    const file = version('documents/just-ended.txt');
    const id = idOf(file);
    await put(file, {
      Status: 'PROCESSING_INITIATED',
      Timestamp: at(100).toISOString(),
      EventId: `document-ingestion:${id}:RUNNING:0`,
      ExecutionArn: execution(id, 'RUNNING').executionArn,
    });
    const { dependencies, sent } = setUp([file], [execution(id, 'SUCCEEDED', { stopDate: at(1) })]);
    const ledger = new Ledger();
    await reconcileLanding(batchOf({ ledger }), dependencies);
    assert.deepEqual(sent('changes'), []);
    assert.deepEqual(totals(ledger), { received: 1, in_flight: 1 });
  });

  test('the rerun of a failed file whose changes were lost is found', async () => {
    const file = version('documents/rerun.txt');
    const id = idOf(file);
    await put(file, {
      Status: 'FAILED',
      Timestamp: at(100).toISOString(),
      EventId: `document-ingestion:${id}:FAILED:0`,
      ExecutionArn: execution(id, 'FAILED').executionArn,
    });
    const { dependencies, sent } = setUp(
      [file],
      [execution(id, 'FAILED'), execution(`${id}-r2`, 'SUCCEEDED')],
    );
    await reconcileLanding(batchOf(), dependencies);
    assert.deepEqual(
      sent('changes').map((body) => JSON.parse(body).detail.name),
      [`${id}-r2`],
    );
    assert.deepEqual(sent('incidents'), []);
  });

  test('a failure that no ticket waits for is told to the help desk', async () => {
    const file = version('documents/untold.txt');
    const id = idOf(file);
    const failed = execution(id, 'FAILED', { error: 'Broken' });
    await put(file, {
      Status: 'FAILED',
      Timestamp: at(100).toISOString(),
      EventId: `document-ingestion:${id}:FAILED:0`,
      ExecutionArn: failed.executionArn,
    });
    const { dependencies, sent } = setUp([file], [failed]);
    await reconcileLanding(batchOf(), dependencies);
    assert.deepEqual(sent('incidents'), [statusChange({ ...failed, status: 'FAILED', name: id } as never)]);
  });

  test('successes that no load has taken in become loads of their own; the canary’s do not', async () => {
    const files = ['a', 'b'].map((name) => version(`documents/unloaded-${name}.txt`));
    const canary = version('documents/canary.txt');
    const success = (key: string): Item => ({
      Status: 'SUCCEEDED',
      Timestamp: at(100).toISOString(),
      Result: { record: { bucket: 'lake', key } },
    });
    for (const file of files)
      await put(file, success(`curated/documents/year=2026/month=11/day=21/${idOf(file)}.json`));
    await put(canary, success('canary/documents/x.json'));
    const { dependencies, sfn, objects } = setUp([...files, canary]);
    const ledger = new Ledger();
    const batch = batchOf({ ledger });
    await reconcileLanding(batch, dependencies);
    await reconcileLanding({ ...batch, ledger: new Ledger() }, dependencies);
    assert.deepEqual(totals(ledger), { received: 3, succeeded: 3, not_loaded: 2 });
    const started = sfn.inputs('StartExecution');
    assert.equal(started.length, 2, 'the batch was done twice');
    assert.equal(new Set(started.map(({ name }) => name)).size, 1, 'and names its load the same');
    const [manifest = ''] = objects.objects.values();
    assert.equal(JSON.parse(manifest).entries.length, 2);
  });

  test('3,000 objects in small batches: each is looked at once, also when a batch is done again', async () => {
    const versions = Array.from({ length: 3_000 }, (_, n) =>
      version(`documents/many/${String(n).padStart(5, '0')}.txt`),
    );
    const { dependencies, sent } = setUp(versions, [], 100);
    const lake = new MemoryLake();
    const ledgers = new Ledgers(lake, 'lake', 'many');
    let cursor: unknown;
    let number = 0;
    do {
      // Every third batch is killed after its work, and done again.
      const attempts = number % 3 === 0 ? 2 : 1;
      for (let attempt = 0; attempt < attempts; attempt++) {
        const ledger = await ledgers.read('landing', number);
        const answer = await reconcileLanding(batchOf({ run: 'many', number, cursor, ledger }), dependencies);
        if (attempt + 1 < attempts) continue;
        await ledgers.write('landing', number + 1, ledger);
        cursor = JSON.parse(JSON.stringify(answer.cursor));
      }
      number += 1;
    } while (cursor !== null);
    assert.equal(number, 3);
    const ledger = await ledgers.read('landing', number);
    assert.deepEqual(totals(ledger), { received: 3_000, unaccounted: 3_000 });
    const told = sent('arrivals').flatMap((body) => createdObjects(body).map(({ key }) => key));
    assert.equal(new Set(told).size, 3_000);
    assert.equal(ledger.mismatches.get('lost-event')?.examples.length, 10);
  });
});

describe('repairs', () => {
  const dependencies = (more: Record<string, unknown> = {}) => ({
    dynamo,
    auditTable: 'audit',
    run: 'one',
    step: 'landing',
    now: NOW,
    graceSeconds: 1800,
    againSeconds: 64_800,
    ...more,
  });
  const answer = (id: string, more: Record<string, unknown> = {}) =>
    claim(id, 'lost-event', 'file', dependencies(more));

  test('of several runs at once one repairs', async () => {
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((run) => answer('contended', { run })));
    assert.equal(answers.filter((one) => one === 'repaired').length, 1);
    assert.equal(answers.filter((one) => one === 'waiting').length, 3);
  });

  test('the same step of the same run has its repair again, another step of it does not', async () => {
    assert.equal(await answer('again'), 'repaired');
    assert.equal(await answer('again'), 'repaired');
    assert.equal(await answer('again', { step: 'loads', graceSeconds: 0 }), 'waiting');
    const later = { run: 'two', now: NOW + 3_600_000 };
    assert.equal(await answer('again', later), 'again');
    assert.equal(await answer('again', later), 'again');
  });
});

describe('the report of a run', () => {
  const finish = async (run: string, ledger: Ledger, more: Record<string, unknown> = {}) => {
    const events = new FakeClient();
    const objects = new MemoryLake();
    await new Ledgers(objects, 'lake', run).write('landing', 1, ledger);
    const summary = await writeReport(
      {
        run,
        startedAt: `2026-11-21T12:0${run.length % 10}:00.000Z`,
        batches: { loads: 0, landing: 1, rows: 0, tickets: 0 },
        rowsFailure: '',
        comparedRows: true,
        ...more,
      },
      { dynamo, events, objects, auditTable: 'audit', lakeBucket: 'lake', now: NOW },
    );
    const incidents = events
      .inputs('PutEvents')
      .map(({ Entries }) => JSON.parse((Entries as { Detail: string }[])[0]?.Detail ?? '{}'));
    return { summary, incidents, report: objects.objects.get(summary.Report) ?? '' };
  };
  const wrong = () => {
    const ledger = new Ledger();
    ledger.count('document-ingestion', '2026-11-20', 'received', 'unaccounted');
    ledger.count('document-ingestion', '2026-11-21', 'received', 'succeeded');
    ledger.found('lost-event', 'again', 'f'.repeat(64));
    return ledger;
  };

  test('has a line for each pipeline and day, and a summary', async () => {
    const { summary, report } = await finish('first', wrong());
    const lines = report
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ landed_on, received, unaccounted }) => [landed_on, received, unaccounted]),
      [
        ['2026-11-20', 1, 1],
        ['2026-11-21', 1, 0],
      ],
    );
    assert.match(
      summary.Report,
      /^operations\/reconciliation\/report\/year=2026\/month=11\/day=21\/first\.jsonl$/,
    );
    assert.equal(summary.Totals['document-ingestion']?.received, 2);
    assert.equal(summary.Unaccounted, 1);
    const { Items = [] } = await dynamo.send(
      new QueryCommand({
        TableName: 'audit',
        KeyConditionExpression: 'pk = :key',
        ExpressionAttributeValues: { ':key': { S: 'RECONCILIATION' } },
      }),
    );
    assert.ok(Items.some(({ Run, Unaccounted }) => Run?.S === 'first' && Unaccounted?.N === '1'));
  });

  test('what a repair did not help is an incident, and over at the first run without it', async () => {
    const { incidents } = await finish('bad', wrong());
    assert.deepEqual(
      incidents.map(({ key, state }) => [key, state]),
      [['reconciliation:lost-event', 'OPEN']],
    );
    const fresh = new Ledger();
    fresh.found('lost-event', 'repaired', 'a'.repeat(64));
    const good = await finish('good', fresh);
    assert.deepEqual(
      good.incidents.map(({ key, state }) => [key, state]),
      [['reconciliation:lost-event', 'RESOLVED']],
    );
    assert.deepEqual((await finish('better', fresh)).incidents, []);
  });

  test('rows that were not compared end no incident about rows', async () => {
    const ledger = new Ledger();
    ledger.found('row-missing', 'again', 'b'.repeat(64));
    assert.equal((await finish('rows', ledger)).incidents[0]?.state, 'OPEN');
    assert.deepEqual((await finish('norows', new Ledger(), { comparedRows: false })).incidents, []);
    assert.equal((await finish('rowsagain', new Ledger())).incidents[0]?.state, 'RESOLVED');
  });
});
