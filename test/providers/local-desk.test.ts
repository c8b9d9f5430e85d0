import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Ticket } from '../../lambdas/help-desk/contract.ts';
import { PROVIDERS } from '../../lambdas/help-desk/providers/index.ts';
import { ManualClock } from '../../local/clock.ts';
import { DESK_NAMES, type FaultKind, type HelpDesk, startHelpDesk } from '../../local/help-desk/index.ts';
import { LONG, TICKET, testClient } from './support.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'millrace-providers-'));
/** What happens to the next requests; a request that is not planned for meets no fault. */
let plan: (FaultKind | undefined)[] = [];
const desk: HelpDesk = await startHelpDesk({
  dataDir,
  clock: new ManualClock(),
  disturb: () => plan.shift(),
});
after(async () => {
  await desk.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

let tickets = 0;
/** A ticket that no other test has. */
const fresh = (from: Ticket = TICKET): Ticket => ({
  ...from,
  externalId: `${(++tickets).toString(16).padStart(32, '0')}-1`,
});
const resolved = (ticket: Ticket): Ticket => ({ ...ticket, resolvedAt: '2026-03-01T11:00:00.000Z' });

/** The tickets that the desk keeps for an external id. */
const kept = (name: string, { externalId }: Ticket) =>
  desk.tickets().filter((ticket) => ticket.desk === name && ticket.externalId === externalId);

/** Which error each fault is. */
const FAULTS: readonly (readonly [FaultKind, RegExp])[] = [
  ['down', /^DeskUnavailable$/],
  ['slow', /^DeskUnavailable$/],
  // Zendesk asks to wait while it is in maintenance.
  ['server-error', /^Desk(Unavailable|Throttled)$/],
  ['throttled', /^DeskThrottled$/],
  // Incoming webhooks of Slack have no credentials but their address.
  ['unauthorized', /^Desk(Refused|Unavailable)$/],
];

for (const name of DESK_NAMES) {
  for (const [index, connection] of desk.connections(name).entries()) {
    const which = `${name} (connection ${index + 1})`;
    const provider = () => PROVIDERS[name](connection, testClient());

    test(`${which}: a ticket is opened, updated, resolved and opened again`, async () => {
      for (const ticket of [fresh(), fresh(LONG)]) {
        const at = await provider().open(ticket);
        assert.ok(at.id);
        await provider().update({ ...ticket, count: 13 }, at);
        await provider().resolve(resolved(ticket), at);
        const again = await provider().reopen(ticket, at);
        assert.ok(again);
        await provider().resolve(resolved(ticket), again);
      }
    });

    test(`${which}: whatever the desk does wrong is the error that it is, and passes`, async () => {
      for (const [kind, name] of FAULTS) {
        const end = desk.fault({ kind, retryAfter: 7 });
        await assert.rejects(provider().open(fresh()), (error: Error) => {
          assert.match(error.name, name, `${kind}: ${error.message}`);
          if (kind === 'throttled') assert.equal(Reflect.get(error, 'retryAfterSeconds'), 7);
          return true;
        });
        end();
        await provider().open(fresh());
      }
    });
  }
}

/** Desks that offer a way against opening twice, and how many requests come before the one that opens. */
const LOOK_UPS = { zendesk: 1, servicenow: 1, jira: 1, jsm: 0, pagerduty: 0, webhook: 0 } as const;

for (const name of DESK_NAMES.filter((name) => name !== 'slack')) {
  test(`${name}: a ticket whose opening was answered to nobody is opened once`, async () => {
    const provider = PROVIDERS[name](desk.connections(name)[0], testClient());
    // So that there is a token.
    await provider.open(fresh());
    const ticket = fresh();
    plan = [...Array(LOOK_UPS[name]).fill(undefined), 'lost-answer'];
    await assert.rejects(provider.open(ticket), { name: 'DeskUnavailable' });
    assert.equal(kept(name, ticket).length, 1);
    await provider.open({ ...ticket, count: 14 });
    assert.equal(kept(name, ticket).length, 1);
  });
}
