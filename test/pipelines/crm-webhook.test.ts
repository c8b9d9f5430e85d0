import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ExecutionListItem, ListExecutionsCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { MovableClock } from '../../local/clock.ts';
import { type Crm, type Delivery, signedRequest } from '../../local/crm/index.ts';
import type { Shape } from '../../local/services/service.ts';
import { Account } from '../support/account.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

const MINUTE_MS = 60_000;
/** As Zendesk's API has it, and the event's time is of no matter. */
const EVENT = {
  type: 'zen:event-type:ticket.status_changed',
  account_id: 4711,
  time: '2026-11-21T11:59:58Z',
  zendesk_event_version: '2022-11-06',
  event: { current: 'OPEN', previous: 'NEW' },
};

describe('events of the CRM’s webhook', { timeout: 900_000 }, () => {
  const clock = new MovableClock();
  let runtime: TestRuntime;
  let account: Account;
  let crm: Crm;
  let url: string;
  let machine: string;
  let events = 0;
  /** Messages that were put into the queue of events. */
  let queued = 0;

  before(async () => {
    runtime = await startTestRuntime({
      clock,
      helpDesk: false,
      crm: { port: 0, tickets: 12 },
      onCall: ({ service, operation, input }) => {
        const isEvent = /WebhookEventsQueue/.test(String(Object(input).QueueUrl));
        if (service === 'sqs' && operation === 'SendMessage' && isEvent) queued += 1;
      },
    });
    account = new Account(runtime);
    assert.ok(runtime.runtime.crm);
    crm = runtime.runtime.crm;
    url = runtime.deployment.output('CrmWebhookUrl');
    machine = runtime.deployment.output('CrmTicketsStateMachineArn');
    await stopSchedules();
    // Calls come by hand, in the order that a test wants.
    crm.subscribe(undefined);
    await ended();
  });
  after(() => runtime?.stop());

  async function stopSchedules(): Promise<void> {
    const ask = (operation: string, input: Shape) =>
      runtime.runtime.context.call('scheduler', operation, input, { kind: 'administrator' });
    const { Schedules = [] } = await ask('ListSchedules', {});
    for (const { Name, GroupName } of Array.isArray(Schedules) ? Schedules : []) {
      await ask('DeleteSchedule', { Name, GroupName });
    }
  }

  const executions = async (): Promise<ExecutionListItem[]> =>
    (await account.sfn.send(new ListExecutionsCommand({ stateMachineArn: machine }))).executions ?? [];

  /** Waits until no run is under way. */
  async function ended(): Promise<void> {
    const all = await account.until(
      'the end of every run',
      async () => {
        const known = await executions();
        return known.every(({ status }) => status !== 'RUNNING') && known;
      },
      180,
    );
    for (const { status, name } of all) assert.equal(status, 'SUCCEEDED', name);
  }

  /** Calls the webhook of a ticket. @returns the status */
  async function call(ticketId: number, { id = `event-${++events}`, secret = crm.webhookSecret } = {}) {
    const subject = `zen:ticket:${ticketId}`;
    const event = { ...EVENT, id, subject, detail: { id: String(ticketId) } };
    const response = await fetch(url, {
      method: 'POST',
      ...signedRequest(event, { secret, now: clock.now() }),
    });
    assert.equal(await response.text(), '');
    return response.status;
  }

  /** Tells of tickets, and waits until what came of it is loaded. */
  async function tell(...ticketIds: number[]): Promise<void> {
    const before = (await executions()).length;
    for (const id of ticketIds) assert.equal(await call(id), 200);
    await account.until('a run with the tickets of events', async () => {
      // Events gather for a while.
      clock.jump(10_000);
      return (await executions()).length > before;
    });
    await ended();
  }

  async function runExport(): Promise<void> {
    clock.jump(2 * MINUTE_MS);
    await account.sfn.send(new StartExecutionCommand({ stateMachineArn: machine, input: '{}' }));
    await ended();
  }

  const COLUMNS =
    'ticket_id, status, priority, customer_id, is_open, updated_at, solved_at, subject, text_sha256';
  /** Rows of the warehouse, by ticket. */
  async function rows(): Promise<Map<number, unknown[]>> {
    const schema = runtime.deployment.output('WarehouseSchema');
    const found = await account.sql(`SELECT ${COLUMNS} FROM ${schema}.tickets`);
    return new Map(found.map((row) => [Number(row[0]), row]));
  }
  /** What the CRM says, as far as a row says it too. */
  const said = () =>
    new Map(
      crm.tickets().map(({ id, fields }) => [id, [String(id), fields.status, fields.priority]] as const),
    );
  async function assertSame(ids: readonly number[]): Promise<void> {
    const [warehouse, there] = [await rows(), said()];
    for (const id of ids) assert.deepEqual(warehouse.get(id)?.slice(0, 3), there.get(id), `ticket ${id}`);
  }

  test('whoever has not signed gets 401, and learns nothing', async () => {
    assert.equal(await call(10_001, { secret: 'another' }), 401);
    const { status } = await fetch(url, { method: 'POST', body: '{}' });
    assert.equal(status, 401);
    assert.equal((await fetch(url)).status, 404);
    assert.equal(queued, 0);
  });

  test('bring a ticket at once, and the export brings the same', async () => {
    const open = crm.tickets().filter(({ fields }) => fields.status !== 'deleted');
    const [a, b, c] = open.map(({ id }) => id);
    assert.ok(a && b && c);
    crm.change(a, { status: 'pending', priority: 'urgent' });
    crm.change(b, { status: 'open', priority: 'low' });
    // Event before export.
    await tell(a);
    await assertSame([a]);
    const first = await rows();
    await runExport();
    await assertSame(open.map(({ id }) => id));
    assert.deepEqual((await rows()).get(a), first.get(a));
    // Event after the export that has brought the change.
    await tell(b);
    await assertSame([a, b]);

    // An event of a change that another has followed since, and one that comes twice under other names.
    crm.change(a, { status: 'solved' });
    crm.change(c, { priority: 'high' });
    clock.jump(5_000);
    crm.change(a, { status: 'open' });
    await tell(a, a, c);
    await assertSame([a, b, c]);
    const second = await rows();
    await runExport();
    assert.deepEqual((await rows()).get(a), second.get(a));
    await assertSame(crm.tickets().map(({ id }) => id));
  });

  test('that come again are taken once', async () => {
    const [ticket] = crm.tickets();
    assert.ok(ticket);
    const id = 'the-same';
    const before = queued;
    assert.equal(await call(ticket.id, { id }), 200);
    assert.equal(await call(ticket.id, { id }), 200);
    assert.equal(queued, before + 1);
  });

  test('come by themselves from the CRM of this machine', async () => {
    const deliveries: Delivery[] = [];
    crm.onDelivery((delivery) => deliveries.push(delivery));
    crm.subscribe({ url, secret: crm.webhookSecret });
    const [ticket] = crm.tickets();
    crm.change(ticket?.id ?? 0, { tags: ['vip'] });
    await crm.deliver();
    assert.deepEqual(
      deliveries.map(({ status, attempt }) => [status, attempt]),
      [[200, 1]],
    );
  });
});
