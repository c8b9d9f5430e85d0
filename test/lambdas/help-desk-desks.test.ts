import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { DeskRefused, DeskThrottled, DeskUnavailable, TicketGone } from '../../lambdas/help-desk/errors.ts';
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
  START,
  World,
} from './help-desk-support.ts';
import { startDynamo } from './support.ts';

const dynamo = await startDynamo({});
after(() => dynamo.stop());
const world = (options = {}) => World.create(dynamo.client, options);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const FAILURE = 'document-ingestion:OcrFailed:Textract gave up on job <n>.';

test('two at once open one ticket', async () => {
  const support = new FakeDesk();
  const w = await world({ desks: { support } });
  const events = [1, 2, 3, 4, 5, 6].map((n) => ending(nextId(), 'FAILED', START + n));
  await Promise.all(events.map((event) => w.deliver(event, w.newFunction())));
  assert.deepEqual(support.calls, ['open']);
  assert.equal(w.waiting.size, 1, 'one message waits to tell the rest');
  await w.settle();
  assert.deepEqual(support.calls, ['open', 'update']);
  const [ticket] = support.tickets.values();
  assert.deepEqual(
    [ticket?.last.count, ticket?.last.members, ticket?.last.owner],
    [6, 6, 'data@example.com'],
  );
  assert.deepEqual(
    ticket?.last.links.map(({ label }) => label),
    ['What to do', 'Latest execution', 'Audit', 'Dashboards'],
  );
});

test('an alarm that flaps ten times in ten minutes costs a desk a handful of calls, and ends as it is', async () => {
  const support = new FakeDesk();
  const w = await world({ desks: { support } });
  for (let n = 0; n < 10; n++) {
    await w.deliver(alarm('ALARM', w.now));
    await w.pass(MINUTE / 2);
    await w.deliver(alarm('OK', w.now));
    await w.pass(MINUTE / 2);
    assert(w.waiting.size <= 2, `${w.waiting.size} messages wait`);
  }
  assert(support.calls.length <= 6, support.calls.join());
  await w.settle();
  assert(support.calls.length <= 7, support.calls.join());
  assert.deepEqual(support.states, ['RESOLVED']);
  assert.equal(support.tickets.size, 1);
});

test('updates come ever more rarely, and the end comes at once', async () => {
  const support = new FakeDesk();
  const w = await world({ desks: { support } });
  const ids: string[] = [];
  for (let n = 0; n < 120; n++) {
    const id = nextId();
    ids.push(id);
    await w.deliver(ending(id, 'FAILED', w.now));
    assert(w.waiting.size <= 1);
    await w.pass(MINUTE);
  }
  // After 1, 3, 7, 15, 31 and 63 minutes.
  assert.deepEqual(support.calls, ['open', ...Array.from({ length: 6 }, () => 'update')]);
  for (const id of ids) await w.deliver(ending(id, 'SUCCEEDED', w.now, { redriveCount: 1 }));
  assert.equal(support.calls.at(-1), 'resolve');
  assert.deepEqual(support.states, ['RESOLVED']);
  await w.settle();
  assert.equal(support.calls.length, 8);
});

test('an incident that comes back soon opens its ticket again; where a desk cannot, it gets a new one', async () => {
  const [support, other] = [new FakeDesk(), new FakeDesk()];
  other.reopens = false;
  const w = await world({ desks: { support, other } });
  await w.deliver(alarm('ALARM', w.now));
  await w.deliver(alarm('OK', w.now + 1));
  await w.pass(HOUR);
  await w.deliver(alarm('ALARM', w.now));
  assert.deepEqual(support.calls, ['open', 'resolve', 'reopen']);
  assert.deepEqual(support.states, ['OPEN']);
  assert.deepEqual(other.calls, ['open', 'resolve', 'reopen', 'open']);
  const id = ticketIdOf(ALARM).slice(0, 32);
  assert.deepEqual([...other.tickets.keys()], [`${id}-1`, `${id}-1-2`]);
  await w.deliver(alarm('OK', w.now + 1));
  await w.settle();
  assert.deepEqual(other.states, ['RESOLVED', 'RESOLVED']);
});

test('a ticket that somebody closed for good while its incident lasts is opened anew', async () => {
  const support = new FakeDesk();
  const w = await world({ desks: { support } });
  await w.deliver(ending(nextId(), 'FAILED', w.now));
  await w.deliver(ending(nextId(), 'FAILED', w.now));
  support.update = async () => {
    throw new TicketGone('closed');
  };
  await w.settle();
  assert.deepEqual(support.calls, ['open', 'open']);
  assert.equal(support.tickets.size, 2);
});

for (const failure of [
  new DeskUnavailable('no answer'),
  new DeskThrottled('too many', 90),
  new DeskRefused('who are you'),
  new TypeError('a fault of the provider'),
]) {
  test(`a desk that fails with ${failure.name} loses nothing, and holds no other`, async () => {
    const [support, other] = [new FakeDesk(), new FakeDesk()];
    support.failure = failure;
    const w = await world({ desks: { support, other } });
    const [id, second] = [nextId(), nextId()];
    await w.deliver(ending(id, 'FAILED', w.now));
    await w.deliver(alarm('ALARM', w.now));
    assert.equal(other.tickets.size, 2, 'the other has both at once');
    await w.pass(2 * HOUR);
    await w.deliver(ending(second, 'FAILED', w.now));
    await w.deliver(ending(id, 'SUCCEEDED', w.now, { redriveCount: 1 }));
    await w.deliver(alarm('OK', w.now));
    assert(w.waiting.size >= 2, 'what was not told waits in the queue');
    assert(w.waiting.size <= 4);
    assert(support.calls.length < 120, `${support.calls.length} calls of a desk that is down`);
    assert.equal((await w.ticket(FAILURE))?.Desks.support?.Failure?.Name, failure.name);
    assert.equal(w.buried.length, 0);

    support.failure = undefined;
    await w.settle();
    assert.deepEqual(support.states.sort(), ['OPEN', 'RESOLVED'], 'also what was over before it was told');
    assert.equal((await w.ticket(ALARM))?.Desks.support?.Failure, undefined);
  });
}

test('a desk is left alone for as long as it asks, with every ticket', async () => {
  const support = new FakeDesk();
  support.failure = new DeskThrottled('too many', 600);
  const w = await world({ desks: { support } });
  for (let n = 0; n < 5; n++) await w.deliver(incident({ key: `test:${n}`, eventId: `e${n}` }));
  assert.equal(support.calls.length, 1);
  support.failure = undefined;
  await w.pass(599_000);
  assert.equal(support.calls.length, 1);
  await w.pass(2_000);
  assert.equal(support.tickets.size, 5);
  assert.equal(w.waiting.size, 0);
});

test('credentials that were refused are read again, others are kept for minutes', async () => {
  const support = new FakeDesk();
  const w = await world({ desks: { support } });
  const reads = () => w.secrets.inputs('GetSecretValue').length;
  await w.deliver(incident({ key: 'test:1' }));
  await w.deliver(incident({ key: 'test:2' }));
  assert.equal(reads(), 1);
  support.failure = new DeskRefused('who are you');
  await w.deliver(incident({ key: 'test:3' }));
  const mended = new FakeDesk();
  w.connected.set('support', mended);
  await w.settle();
  assert.equal(reads(), 2);
  assert.equal(mended.tickets.size, 1);
});

test('an answer that is lost opens no second ticket', async () => {
  const support = new FakeDesk();
  support.lost = new DeskUnavailable('the connection broke');
  const w = await world({ desks: { support } });
  await w.deliver(incident());
  await w.settle();
  assert.deepEqual(support.calls, ['open', 'open']);
  assert.equal(support.tickets.size, 1);
});

test('a function that dies between the desk’s answer and its own write opens no second ticket', async () => {
  for (let nth = 1; ; nth++) {
    const support = new FakeDesk();
    const w = await world({ desks: { support } });
    const dying = breaking(w.client, nth, 'before');
    const event = incident();
    await w.deliver(event, w.newFunction(dying.client));
    await w.settle();
    assert.equal(support.tickets.size, 1, `command ${nth}`);
    assert.deepEqual(support.states, ['OPEN'], `command ${nth}`);
    if (!dying.isUsedUp()) break;
  }
});

test('routes choose desks by pipeline and severity, and every route that matches counts', async () => {
  const [support, onCall] = [new FakeDesk(), new FakeDesk()];
  const routes = [
    { severities: ['critical', 'error'], desks: ['support'] },
    { severities: ['critical'], pipelines: ['document-ingestion'], desks: ['on-call'] },
  ];
  const w = await world({ desks: { support, 'on-call': onCall }, routes });
  await w.deliver(incident({ key: 'test:1', severity: 'critical' }));
  await w.deliver(incident({ key: 'test:2', severity: 'error' }));
  await w.deliver(incident({ key: 'test:3', severity: 'critical', pipeline: 'warehouse-load' }));
  assert.equal(support.tickets.size, 3);
  assert.equal(onCall.tickets.size, 1);
  await w.deliver(incident({ key: 'test:4', severity: 'warning' }));
  assert.equal(w.sns.inputs('Publish').length, 1, 'without a desk the second channel is told');
  await w.deliver(incident({ key: 'test:5', severity: 'info' }));
  assert.equal(w.sns.inputs('Publish').length, 1, 'but not of what nobody has to act on');
});

test('the second channel is told once of a beginning and once of the end while no desk is connected', async () => {
  const w = await world({ desks: { support: undefined } });
  const [one, two] = [nextId(), nextId()];
  for (const id of [one, two]) await w.deliver(ending(id, 'FAILED', w.now));
  assert.equal(w.waiting.size, 0);
  const published = w.sns.inputs('Publish');
  assert.equal(published.length, 1);
  assert.equal(published[0]?.Subject, 'Open: document-ingestion fails: OcrFailed');
  assert.match(
    String(published[0]?.Message),
    /npx millrace redrive --pipeline document-ingestion --error OcrFailed/,
  );
  for (const id of [one, two]) await w.deliver(ending(id, 'SUCCEEDED', w.now, { redriveCount: 1 }));
  await w.settle();
  assert.deepEqual(
    w.sns.inputs('Publish').map(({ Subject }) => String(Subject).split(':')[0]),
    ['Open', 'Resolved'],
  );
});

test('a desk that is connected later gets the tickets that are open, at the next look', async () => {
  const w = await world({ desks: { support: undefined } });
  await w.deliver(alarm('ALARM', w.now));
  await w.deliver(incident());
  await w.deliver(incident({ state: 'RESOLVED', occurredAt: iso(w.now + 1) }));
  const support = new FakeDesk();
  w.connected.set('support', support);
  await w.pass(15 * MINUTE);
  await w.deliver({ 'detail-type': 'Scheduled Event', source: 'aws.events' });
  assert.deepEqual(support.states, ['OPEN'], 'what was over is history');
  await w.deliver(alarm('OK', w.now));
  assert.deepEqual(support.states, ['RESOLVED']);
  assert.equal(w.sns.inputs('Publish').length, 4, 'who was told of a beginning is told of its end');
});

test('a connection that is not whole is a failure of the desk, and tells the second channel', async () => {
  const w = await world({ desks: { support: new FakeDesk() } });
  const broken = w.newFunction();
  w.connected.delete('support');
  w.secrets.send = async () => ({ SecretString: '{"url":"support"}' });
  await w.deliver(alarm('ALARM', w.now), broken);
  assert.equal((await w.ticket(ALARM))?.Desks.support?.Failure?.Name, 'DeskUnavailable');
  assert.equal(w.sns.inputs('Publish').length, 1);
  assert.equal(w.waiting.size, 1);
});

test('a message that was to come back and never did is not waited for', async () => {
  const support = new FakeDesk();
  support.failure = new DeskUnavailable('no answer');
  const w = await world({ desks: { support } });
  await w.deliver(alarm('ALARM', w.now));
  w.waiting.clear();
  support.failure = undefined;
  await w.pass(20 * MINUTE);
  await w.deliver({ 'detail-type': 'Scheduled Event', source: 'aws.events' });
  assert.deepEqual(support.states, ['OPEN']);
});

test('while one function talks to a desk another leaves it alone, and what it saw is told', async () => {
  const support = new FakeDesk();
  const w = await world({ desks: { support } });
  const talking = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const open = support.open.bind(support);
  support.open = async (ticket) => {
    asked.resolve();
    await talking.promise;
    return open(ticket);
  };
  const [one, two] = [nextId(), nextId()];
  const first = w.deliver(ending(one, 'FAILED', w.now), w.newFunction());
  await asked.promise;
  await w.deliver(ending(two, 'FAILED', w.now), w.newFunction());
  assert.equal(w.waiting.size, 1, 'the second is done: the first sees to it');
  talking.resolve();
  await first;
  assert.equal(w.waiting.size, 1);
  await w.settle();
  assert.deepEqual(support.calls, ['open', 'update']);
  assert.equal([...support.tickets.values()][0]?.last.members, 2);
});
