import { test } from 'node:test';
import { BREAKS, type BreakName } from '../../local/faults/breaks.ts';
import { bringHome, dropMixture, rest, startFaulty } from '../support/fault-run.ts';
import { assertPromises } from '../support/promises.ts';

/** Sets that nobody but the log should notice, or that one redrive mends. */
const SETS = [
  'events',
  'throttling',
  'errors',
  'crashes',
  'lost-events',
] as const satisfies readonly BreakName[];
const TEXTS = 15;

for (const name of SETS) {
  test(`${name}: ${BREAKS[name].what} Every promise holds`, { timeout: 600_000 }, async (t) => {
    const run = await startFaulty({ breaks: [name] });
    t.after(() => run.test.stop());
    t.diagnostic(`MILLRACE_SEED=${run.seed}`);
    const outcomes = await dropMixture(run, TEXTS);
    await rest(run);
    const report = run.test.runtime.faults.report();
    t.diagnostic(report.rules.map(({ fault, met, matched }) => `${fault} ${met}/${matched}`).join(', '));
    await bringHome(run, [...outcomes.keys()]);
    await assertPromises(run.test, run.account, { outcomes, lossy: name === 'lost-events' });
  });
}
