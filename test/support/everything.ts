import type { TestContext } from 'node:test';
import type { RuleInput } from '../../local/faults/rules.ts';
import { bringHome, dropMixture, type FaultRun, rest, startFaulty } from './fault-run.ts';
import { assertPromises } from './promises.ts';

/** Files of a run; 1,000 are what is promised, and take as long as a coffee. */
export const FILES = Number(process.env.MILLRACE_FILES ?? 100);
/** For a run of so many files, milliseconds. */
export const TIMEOUT = 240_000 + FILES * 1_500;

/** A fault that lasts long enough for files to fail of it, all for the same cause. */
const LASTING: RuleInput[] = [
  {
    fault: 'failing',
    service: 's3',
    operations: ['PutObject'],
    by: 'Publish',
    error: { code: 'AccessDenied', message: 'Access Denied', status: 403 },
    count: FILES,
  },
];

/**
 * Processes so many files while every kind of fault meets five times in a hundred, ends the faults, repairs, and holds
 * every promise against what is there.
 * @param deskIsDown whether the help desk is down besides until half of the files have an outcome
 */
export async function surviveEverything(
  t: TestContext,
  { deskIsDown }: { deskIsDown: boolean },
): Promise<void> {
  const down: RuleInput[] = deskIsDown ? [{ fault: 'help-desk', how: 'down' }] : [];
  const run = await startFaulty({ breaks: ['everything'], rules: [...LASTING, ...down] });
  t.after(() => run.test.stop());
  t.diagnostic(`again with MILLRACE_SEED=${run.seed} MILLRACE_FILES=${FILES}`);
  const began = performance.now();
  const outcomes = await dropMixture(run, FILES);
  const ids = [...outcomes.keys()];
  if (deskIsDown) {
    await run.account.until('half of the files', () => hasHalf(run, ids), TIMEOUT / 1000);
    run.test.runtime.faults.set({ seed: run.seed, breaks: ['everything'], rules: LASTING });
  }
  await rest(run, TIMEOUT / 1000);
  for (const line of summary(run)) t.diagnostic(line);
  t.diagnostic(`at rest after ${seconds(began)} s: ${await statuses(run, ids)}`);
  await bringHome(run, ids);
  t.diagnostic(`home after ${seconds(began)} s`);
  await assertPromises(run.test, run.account, { outcomes, lossy: true });
  t.diagnostic(
    `every promise holds after ${seconds(began)} s, with ${run.test.runtime.helpDesk?.tickets().length} tickets`,
  );
}

async function hasHalf({ test }: FaultRun, ids: readonly string[]): Promise<boolean> {
  const states = await test.deployment.states(ids);
  return (
    states
      .values()
      .filter(({ status }) => /SUCCEEDED|REJECTED|FAILED/.test(status))
      .toArray().length >
    ids.length / 2
  );
}

/** How often each kind of fault was met. */
function summary({ test }: FaultRun): string[] {
  const byFault = Map.groupBy(test.runtime.faults.report().rules, ({ fault }) => fault);
  return [...byFault].map(([fault, rules]) => {
    const [met, matched] = (['met', 'matched'] as const).map((name) =>
      rules.reduce((sum, rule) => sum + rule[name], 0),
    );
    return `${fault}: ${met} of ${matched}`;
  });
}

async function statuses({ test }: FaultRun, ids: readonly string[]): Promise<string> {
  const states = await test.deployment.states(ids);
  const counts = Map.groupBy(states.values(), ({ status, loadStatus = '' }) =>
    `${status} ${loadStatus}`.trim(),
  );
  return [...counts].map(([status, list]) => `${list.length} ${status}`).join(', ');
}

const seconds = (began: number) => ((performance.now() - began) / 1000).toFixed(0);
