import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { causeOf } from '../../lambdas/help-desk/cause.ts';
import { normalise } from '../../lambdas/help-desk/normalise.ts';
import { ticketIdOf } from '../../lambdas/help-desk/ticket.ts';
import {
  ALARM,
  alarm,
  breaking,
  ending,
  FakeDesk,
  incident,
  iso,
  nextId,
  SETTINGS,
  START,
  World,
} from './help-desk-support.ts';
import { seeded, startDynamo } from './support.ts';

const dynamo = await startDynamo({});
after(() => dynamo.stop());
const world = (options = {}) => World.create(dynamo.client, options);
const MINUTE = 60_000;
const FAILURE = 'document-ingestion:OcrFailed:Textract gave up on job <n>.';

test('a failed execution is an incident with all that is needed to act', () => {
  const id = nextId();
  const message = normalise(ending(id, 'FAILED', START), SETTINGS);
  assert(message.kind === 'ending');
  assert.equal(message.ending.member, id);
  assert.equal(message.ending.failure?.key, FAILURE);
  assert.deepEqual(message.ending.failure?.facts, {
    source: 'execution',
    severity: 'error',
    pipeline: 'document-ingestion',
    title: 'document-ingestion fails: OcrFailed',
    summary: 'Executions of document-ingestion fail with OcrFailed: Textract gave up on job <n>.',
    runbook: 'failed-executions',
    command: 'npx millrace redrive --pipeline document-ingestion --error OcrFailed',
    executionArn: `arn:aws:states:us-east-1:000000000000:execution:Documents:${id}`,
  });
});

test('an alarm tells its sentence, severity, pipeline and section of the runbook', () => {
  const message = normalise(alarm('ALARM', START, true), SETTINGS);
  assert(message.kind === 'alarm');
  assert.equal(message.coversExecutions, true);
  const { key, state, at, facts } = message.change;
  assert.deepEqual([key, state, at], [ALARM, 'OPEN', iso(START)]);
  assert.equal(facts.title, 'No file has succeeded for hours.');
  assert.equal(facts.summary, 'No file has succeeded for hours. Threshold Crossed: 1 datapoint.');
  assert.deepEqual(
    [facts.severity, facts.pipeline, facts.runbook],
    ['critical', 'document-ingestion', 'freshness'],
  );
});

test('an error name that a shell would read is quoted in the command', () => {
  const message = normalise(ending(nextId(), 'FAILED', START, { error: "it's $HOME" }), SETTINGS);
  assert(message.kind === 'ending');
  assert.equal(
    message.ending.failure?.facts.command,
    "npx millrace redrive --pipeline document-ingestion --error 'it'\\''s $HOME'",
  );
});

test('the innermost failure of nested children counts, whatever differs between two of them', () => {
  const keys = [1, 2].map((n) => {
    const id = nextId();
    const inner = JSON.stringify({
      errorMessage: `User: arn:aws:sts::00000000000${n}:assumed-role/x is not allowed to read s3://bucket/documents/${n}.pdf (Request ID: 0a-${id.slice(0, 8)}) at 2026-11-2${n}T10:00:00Z`,
    });
    const cause = JSON.stringify({
      ExecutionArn: `arn:child:${id}`,
      Error: 'AccessDenied',
      Cause: JSON.stringify({ ExecutionArn: 'arn:x', Error: 'AccessDenied', Cause: inner }),
    });
    const message = normalise(ending(id, 'FAILED', START, { error: 'States.TaskFailed', cause }), SETTINGS);
    assert(message.kind === 'ending');
    return message.ending.failure?.key;
  });
  assert.equal(keys[0], keys[1]);
  assert.match(keys[0] ?? '', /^document-ingestion:AccessDenied:User: <arn> is not allowed to read <object>/);
});

test('a cause names nothing by itself: no key, address, id, time or number is left', () => {
  for (const [told, common] of [
    ['documents/Grüße 1.txt has 12 pages', '<object> <object> has <n> pages'],
    ['timeout of 1,000.5 ms for https://a.example.com/x?y=1', 'timeout of <n> ms for <address>'],
    ['job 0c1d2e3f-1111-4222-8333-abcdefabcdef failed', 'job <id> failed'],
    [`file ${'ab12'.repeat(16)} is gone`, 'file <id> is gone'],
  ]) {
    assert.equal(causeOf(told ?? ''), common);
  }
  assert.equal(causeOf('x '.repeat(500)).length, 200);
});

test('canary files are the canary’s, and their planned failure is for the record only', () => {
  const input = JSON.stringify({ source: { key: 'canary/fail/1.txt' } });
  const message = normalise(
    ending(nextId(), 'FAILED', START, { input, error: 'CanaryFailure', cause: 'On purpose.' }),
    SETTINGS,
  );
  assert(message.kind === 'ending');
  const { failure, pipeline } = message.ending;
  assert.deepEqual(
    [pipeline, failure?.key, failure?.facts.severity, failure?.facts.command],
    ['canary', 'canary:CanaryFailure', 'info', undefined],
  );
});

test('what is no event of ours goes to the dead letters at once, and is not delivered again', async () => {
  const w = await world();
  for (const body of [
    'no json',
    {},
    { 'detail-type': 'Other' },
    ending(nextId(), 'FAILED', START, { stateMachineArn: 'arn:other' }),
  ]) {
    assert.equal(await w.deliver(body), undefined);
  }
  assert.equal(w.buried.length, 4);
  assert.equal(w.waiting.size, 0);
});

test('the same event again changes nothing', async () => {
  const w = await world();
  const event = ending(nextId(), 'FAILED', START);
  for (let n = 0; n < 3; n++) await w.deliver(event);
  const ticket = await w.ticket(FAILURE);
  assert.deepEqual([ticket?.State, ticket?.Count, ticket?.Members, ticket?.Revision], ['OPEN', 1, 1, 1]);
});

test('a ticket is resolved when its last file succeeds, and says how many are left until then', async () => {
  const w = await world();
  const ids = [nextId(), nextId(), nextId()];
  for (const [n, id] of ids.entries()) await w.deliver(ending(id, 'FAILED', START + n));
  assert.equal((await w.ticket(FAILURE))?.Members, 3);
  const [first = '', second = '', third = ''] = ids;
  await w.deliver(ending(first, 'SUCCEEDED', START + 10, { redriveCount: 1 }));
  await w.deliver(ending(second, 'SUCCEEDED', START + 11, { name: `${second}-r2` }));
  assert.deepEqual([(await w.ticket(FAILURE))?.State, (await w.ticket(FAILURE))?.Members], ['OPEN', 1]);
  await w.deliver(ending(third, 'SUCCEEDED', START + 12, { redriveCount: 1 }));
  const ticket = await w.ticket(FAILURE);
  assert.deepEqual([ticket?.State, ticket?.Members, ticket?.ResolvedAt], ['RESOLVED', 0, iso(START + 12)]);
  const { Items = [] } = await dynamo.client.send(
    new QueryCommand({
      TableName: w.table,
      IndexName: 'by-member',
      KeyConditionExpression: '#m = :m',
      ExpressionAttributeNames: { '#m': 'Member' },
      ExpressionAttributeValues: { ':m': { S: first } },
    }),
  );
  assert.equal(Items.length, 0, 'nothing waits for the file');
});

test('a file that fails for another reason leaves its first ticket', async () => {
  const w = await world();
  const id = nextId();
  await w.deliver(ending(id, 'FAILED', START));
  await w.deliver(
    ending(id, 'FAILED', START + 5, { redriveCount: 1, error: 'Other', cause: 'Another reason.' }),
  );
  assert.equal((await w.ticket(FAILURE))?.State, 'RESOLVED');
  assert.equal((await w.ticket('document-ingestion:Other:Another reason.'))?.State, 'OPEN');
  await w.deliver(ending(id, 'SUCCEEDED', START + 9, { redriveCount: 2 }));
  assert.equal(await w.open(), 0);
});

test('events of executions end in the same state in every order, twice, and two at once', async () => {
  const random = seeded(11);
  for (let round = 0; round < 12; round++) {
    const w = await world();
    const [good, bad] = [nextId(), nextId()];
    const story = [
      ending(good, 'FAILED', START + 1),
      ending(good, 'FAILED', START + 2, { redriveCount: 1, error: 'Other', cause: 'Another reason.' }),
      ending(good, 'SUCCEEDED', START + 3, { redriveCount: 2 }),
      ending(bad, 'FAILED', START + 1),
      ending(bad, 'SUCCEEDED', START + 2, { redriveCount: 1 }),
      ending(bad, 'FAILED', START + 4, { name: `${bad}-r2` }),
    ];
    const shuffled = [...story, ...story]
      .map((event) => ({ event, order: random() }))
      .sort((a, b) => a.order - b.order);
    const half = shuffled.length / 2;
    for (let n = 0; n < half; n++) {
      const pair = [shuffled[n], shuffled[n + half]];
      await Promise.all(pair.map((each) => w.deliver(each?.event, w.newFunction())));
    }
    await w.settle();
    const ticket = await w.ticket(FAILURE);
    assert.deepEqual(
      [ticket?.State, ticket?.Members, ticket?.LatestMember],
      ['OPEN', 1, bad],
      `round ${round}`,
    );
    const other = await w.ticket('document-ingestion:Other:Another reason.');
    assert.notEqual(other?.State, 'OPEN', `round ${round}`);
    assert.equal(await w.open(), 1);
  }
});

test('incidents with members end for these; without, for all that began until then', async () => {
  const w = await world();
  await w.deliver(incident({ members: ['a', 'b', 'c'] }));
  await w.deliver(incident({ state: 'RESOLVED', members: ['b'], occurredAt: iso(START + 1) }));
  assert.equal((await w.ticket('test:thing'))?.Members, 2);
  await w.deliver(incident({ members: ['d'], occurredAt: iso(START + 9) }));
  await w.deliver(incident({ state: 'RESOLVED', occurredAt: iso(START + 10) }));
  assert.equal((await w.ticket('test:thing'))?.State, 'RESOLVED');
  // Late: it is over.
  await w.deliver(incident({ members: ['e'], occurredAt: iso(START + 8) }));
  assert.equal((await w.ticket('test:thing'))?.State, 'RESOLVED');
  await w.deliver(incident({ members: ['e'], occurredAt: iso(START + 11) }));
  const ticket = await w.ticket('test:thing');
  assert.deepEqual([ticket?.State, ticket?.Members, ticket?.Generation], ['OPEN', 1, 1]);
});

test('after the hours of grace an incident is a new ticket', async () => {
  const w = await world();
  const desk = w.connected.get('support');
  assert(desk instanceof FakeDesk);
  await w.deliver(alarm('ALARM', START));
  await w.deliver(alarm('OK', START + MINUTE));
  w.now += 25 * 60 * MINUTE;
  await w.deliver(alarm('ALARM', START + 25 * 60 * MINUTE));
  const ticket = await w.ticket(ALARM);
  assert.deepEqual(
    [ticket?.Generation, ticket?.Count, ticket?.FirstAt],
    [2, 1, iso(START + 25 * 60 * MINUTE)],
  );
  assert.deepEqual(desk.calls, ['open', 'resolve', 'open']);
  assert.deepEqual(
    [...desk.tickets.keys()],
    [1, 2].map((n) => `${ticketIdOf(ALARM).slice(0, 32)}-${n}`),
  );
});

test('an alarm that repeats what failed executions say is noted on their ticket, and opens none when it comes again', async () => {
  const w = await world();
  const id = nextId();
  await w.deliver(ending(id, 'FAILED', START));
  const event = alarm('ALARM', START + MINUTE, true);
  await w.deliver(event);
  assert.equal(await w.open(), 1);
  assert.equal((await w.ticket(FAILURE))?.Severity, 'critical', 'as bad as the alarm');
  await w.deliver(ending(id, 'SUCCEEDED', START + 2 * MINUTE, { redriveCount: 1 }));
  await w.deliver(event);
  assert.equal(await w.open(), 0);
  await w.deliver(alarm('OK', START + 3 * MINUTE, true));
  await w.deliver(alarm('ALARM', START + 4 * MINUTE, true));
  assert.equal(await w.open(), 0, 'it speaks late of what was mended a moment ago');
  await w.deliver(alarm('OK', START + 5 * MINUTE, true));
  await w.deliver(alarm('ALARM', START + 14 * MINUTE, true));
  assert.equal((await w.ticket(ALARM))?.State, 'OPEN', 'with nothing to repeat it is an incident of its own');
});

test('an alarm without data is said on its open ticket, and opens none', async () => {
  const w = await world();
  await w.deliver(alarm('INSUFFICIENT_DATA', START));
  assert.equal(await w.open(), 0);
  await w.deliver(alarm('ALARM', START + 1));
  await w.deliver(alarm('INSUFFICIENT_DATA', START + 2));
  const ticket = await w.ticket(ALARM);
  assert.deepEqual([ticket?.State, ticket?.Revision], ['OPEN', 2]);
});

test('a pipeline that runs again by itself is well when its next execution succeeds', async () => {
  const w = await world();
  const more = { stateMachineArn: 'arn:machine:reconciliation' };
  await w.deliver(ending('run-1', 'FAILED', START, { ...more, name: 'run-1' }));
  assert.equal(await w.open(), 1);
  await w.deliver(ending('run-2', 'SUCCEEDED', START + 1, { ...more, name: 'run-2' }));
  assert.equal(await w.open(), 0);
});

test('a function that dies at any moment leaves nothing that its next delivery does not mend', async () => {
  for (const when of ['before', 'after'] as const) {
    for (let nth = 1; ; nth++) {
      const w = await world();
      const [id, other] = [nextId(), nextId()];
      await w.deliver(ending(other, 'FAILED', START));
      const dying = breaking(w.client, nth, when);
      await w.deliver(ending(id, 'FAILED', START + 1), w.newFunction(dying.client));
      // Somebody else's event comes between death and the next delivery.
      await w.deliver(ending(other, 'SUCCEEDED', START + 2, { redriveCount: 1 }), w.newFunction());
      await w.settle();
      const ticket = await w.ticket(FAILURE);
      const desk = w.connected.get('support');
      assert(desk instanceof FakeDesk);
      assert.deepEqual([ticket?.State, ticket?.Members], ['OPEN', 1], `${when} ${nth}`);
      assert.deepEqual(desk.states, ['OPEN'], `${when} ${nth}`);
      assert.equal(desk.tickets.values().next().value?.last.members, 1, `${when} ${nth}`);
      if (!dying.isUsedUp()) break;
    }
  }
});
