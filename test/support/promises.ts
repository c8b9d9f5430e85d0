import assert from 'node:assert/strict';
import type { Account } from './account.ts';
import type { TestRuntime } from './runtime.ts';

export interface PromiseOptions {
  /** Outcome that each file should have; one that is not named may have any. */
  readonly outcomes: ReadonlyMap<string, string>;
  /** Status changes were lost: of what has ended, only the ends have to be in the history. */
  readonly lossy?: boolean;
  /** Files that were run again on purpose, under a new name; the others have one execution. */
  readonly rerun?: ReadonlySet<string>;
}

const OUTCOMES: ReadonlySet<string> = new Set(['SUCCEEDED', 'REJECTED', 'FAILED', 'HELD']);

/**
 * Holds what the architecture promises against the account, after everything has come to rest: each object one outcome,
 * one execution and a whole history, balanced counts, nothing left in a queue, one row in the warehouse for each success,
 * and one ticket for each cause, which is over.
 */
export async function assertPromises(
  test: TestRuntime,
  account: Account,
  options: PromiseOptions,
): Promise<void> {
  await account.rested();
  await account.drained();
  const landed = (await test.deployment.landed('documents/')).map(({ key, versionId }) =>
    test.fileId(key, versionId),
  );
  const statuses = await assertOutcomes(test, landed, options);
  await assertOneExecution(account, landed, options);
  for (const id of landed) await assertHistory(account, id, statuses.get(id) ?? '', options);
  await assertRows(account, landed, statuses);
  await assertTickets(test, account);
}

/** Never lost, and counted: what landed is what has an outcome. */
async function assertOutcomes(
  { deployment }: TestRuntime,
  landed: readonly string[],
  { outcomes }: PromiseOptions,
): Promise<Map<string, string>> {
  const states = await deployment.states(landed);
  const statuses = new Map([...states].map(([id, { status }]) => [id, status]));
  const lost = landed.filter((id) => !OUTCOMES.has(statuses.get(id) ?? ''));
  assert.deepEqual(
    lost.map((id) => `${id} ${statuses.get(id)}`),
    [],
    'objects without an outcome',
  );
  const wrong = [...outcomes].filter(([id, outcome]) => statuses.get(id) !== outcome);
  assert.deepEqual(
    wrong.map(
      ([id, outcome]) => `${id} ${statuses.get(id)} instead of ${outcome}: ${states.get(id)?.reason}`,
    ),
    [],
    'objects with another outcome',
  );
  const counts = [...OUTCOMES].map(
    (outcome) =>
      statuses
        .values()
        .filter((status) => status === outcome)
        .toArray().length,
  );
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    landed.length,
    'objects that landed are those that succeeded, were refused, failed or wait',
  );
  return statuses;
}

/** Once: however often an event came, a file has one execution. */
async function assertOneExecution(
  account: Account,
  landed: readonly string[],
  { rerun }: PromiseOptions,
): Promise<void> {
  const executions = Map.groupBy(await account.executions('document-ingestion'), ({ name = '' }) =>
    name.slice(0, 64),
  );
  const names = landed.map((id) =>
    (executions.get(id) ?? []).map(({ name = '' }) => name.replace(/-r\d+$/, '')),
  );
  for (const [index, id] of landed.entries()) {
    const found = names[index] ?? [];
    assert.ok(
      found.length === 1 || (rerun?.has(id) && found.length > 1),
      `${id} has ${found.length} executions`,
    );
  }
}

/** The audit table tells what happened, once each, and a success was not undone. */
async function assertHistory(
  account: Account,
  id: string,
  status: string,
  { lossy }: PromiseOptions,
): Promise<void> {
  const rows = await account.auditRows(id);
  const told = `${rows[0]?.fileName} ${JSON.stringify(rows.map((row) => `${row.eventId} ${row.status}`))}`;
  const ids = rows.map(({ eventId }) => eventId);
  assert.deepEqual(ids, [...new Set(ids)], `something is told twice: ${told}`);
  const has = (event: RegExp, of?: string) =>
    rows.some((row) => event.test(row.eventId) && (of === undefined || row.status === of));
  assert.ok(has(/^received$/, 'RECEIVED'), `no arrival: ${told}`);
  assert.ok(has(/^document-ingestion:/, status), `no end: ${told}`);
  if (!lossy) assert.ok(has(/^document-ingestion:.*:RUNNING:/), `no beginning: ${told}`);
  if (status === 'SUCCEEDED') assert.ok(has(/:LOADED$/), `no load: ${told}`);
}

/** Counted: the warehouse has exactly one row of each file that succeeded, and none of any other. */
async function assertRows(
  account: Account,
  landed: readonly string[],
  statuses: ReadonlyMap<string, string>,
): Promise<void> {
  const succeeded = landed.filter((id) => statuses.get(id) === 'SUCCEEDED');
  const rows = succeeded.length === 0 ? new Map<string, number>() : await account.rowsByFile();
  assert.deepEqual(
    succeeded.filter((id) => rows.get(id) !== 1).map((id) => `${id} has ${rows.get(id) ?? 0}`),
    [],
    'rows of the warehouse',
  );
  assert.equal(rows.size, succeeded.length, 'files in the warehouse');
}

/** Told: a cause has one ticket, which is over, in the table and at the desk. Alarms follow their own windows. */
async function assertTickets(test: TestRuntime, account: Account): Promise<void> {
  // What runs by a schedule goes on meanwhile: a ticket that is just over is told to the desk a moment later.
  await account.until('the desk', () => isTold(test, account), 90).catch(() => {});
  assert.deepEqual(await untold(test, account), [], 'tickets that are open, or not exactly once at the desk');
}

const OVER = 'RESOLVED, at the desk resolved';

/** Tickets that are not over, or of which the desk has another number than one. */
async function untold({ runtime, deployment }: TestRuntime, account: Account): Promise<string[]> {
  const atDesk = Map.groupBy(runtime.helpDesk?.tickets() ?? [], ({ externalId }) => externalId?.slice(0, 32));
  const tickets = await account.tickets(deployment.output('TicketsTableName'));
  return tickets.flatMap(({ pk, Key, State }) => {
    const states = (atDesk.get(pk.slice(0, 32)) ?? []).map(({ state }) => state);
    const found = `${State}, at the desk ${states.join(' and ')}`;
    return found === OVER ? [] : [`${Key}: ${found}`];
  });
}

/** Whether every ticket is over, in the table and at the desk. */
export const isTold = async (test: TestRuntime, account: Account): Promise<boolean> =>
  (await untold(test, account)).length === 0;
