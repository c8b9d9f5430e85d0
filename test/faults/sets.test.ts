import { test } from 'node:test';
import { BREAKS, type BreakName } from '../../local/faults/breaks.ts';
import { dropMixture, redriveFailed, startFaulty } from '../support/fault-run.ts';
import { assertPromises } from '../support/promises.ts';

/** Sets that nobody but the log should notice, or that one redrive mends. */
const SETS = ['events', 'throttling', 'errors', 'crashes'] as const satisfies readonly BreakName[];
const TEXTS = 15;

for (const name of SETS) {
  test(`${name}: ${BREAKS[name].what} Every promise holds`, { timeout: 120_000 }, async (t) => {
    const run = await startFaulty({ breaks: [name] });
    t.after(() => run.test.stop());
    t.diagnostic(`MILLRACE_SEED=${run.seed}`);
    const outcomes = await dropMixture(run, TEXTS);
    await run.test.settled([...outcomes.keys()]);
    const report = run.test.runtime.faults.report();
    t.diagnostic(report.rules.map(({ fault, met, matched }) => `${fault} ${met}/${matched}`).join(', '));
    run.test.runtime.faults.clear();
    t.diagnostic(`${await redriveFailed(run)} redriven`);
    await run.test.settled([...outcomes.keys()]);
    await assertPromises(run.test, run.account, { outcomes });
  });
}
