import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { AuditReader } from './audit-table.ts';
import { type Context, command } from './command.ts';
import { EXIT, ForPeople } from './errors.ts';
import { describeExecution } from './executions.ts';
import { exitOf, json, note, Progress, pause, say, wholeNumber } from './io.ts';
import { isBalanced, MISMATCH_COLUMNS, Summary, TOTAL_COLUMNS } from './reconciliation.ts';
import { table } from './table.ts';
import { span } from './time.ts';

const POLL_MS = 2_000;
/** Summaries among which a run's own is looked for. */
const LATEST = 10;

export const reconcile = command({
  name: 'reconcile',
  summary: 'compare bucket, audit table, Step Functions and warehouse now, and repair what can be repaired',
  about: `Starts a reconciliation, as the schedule does, and shows its report: for each pipeline
received = succeeded + rejected + failed + held + in flight + unaccounted. What is younger than the time of grace
(reconciliation.graceMinutes) counts as in flight, because its events may only be late. Exit status 1 when something is unaccounted for, or a repair did not help.`,
  options: {
    'grace-minutes': { type: 'text', value: 'N', about: 'another time of grace, for this run' },
    'no-wait': { type: 'flag', about: 'start it and do not follow it' },
  },
  examples: ['reconcile', 'reconcile --grace-minutes 0 --json'],
  async run(context, values) {
    const { io, deployment } = context;
    const grace = values['grace-minutes'];
    const graceMinutes =
      grace === undefined ? undefined : wholeNumber('grace-minutes', grace, { min: 0, max: 1_440 });
    const input = JSON.stringify(graceMinutes === undefined ? {} : { graceMinutes });
    const { executionArn = '' } = await deployment.sfn.send(
      new StartExecutionCommand({ stateMachineArn: deployment.machine('reconciliation'), input }),
    );
    if (values['no-wait']) {
      if (context.json) json(io, { executionArn });
      else say(io, `Started: ${executionArn}`);
      return EXIT.done;
    }
    const summary = await follow(context, executionArn);
    if (!summary) {
      note(io, 'Interrupted; the reconciliation goes on. See: npx millrace status');
      return EXIT.interrupted;
    }
    if (context.json) json(io, summary);
    else {
      say(io, table(Object.entries(summary.Totals), TOTAL_COLUMNS, io.stdout.columns));
      const mismatches = Object.entries(summary.Mismatches).filter(([, { found }]) => found > 0);
      say(
        io,
        mismatches.length > 0
          ? `\n${table(mismatches, MISMATCH_COLUMNS, io.stdout.columns)}`
          : '\nEverything is accounted for.',
      );
      if (typeof summary.Report === 'string') say(io, `\nReport: ${summary.Report}`);
    }
    return exitOf(io, isBalanced(summary));
  },
});

/** Waits for the summary of the run, which an execution that goes on in another one writes later. */
async function follow({ io, deployment }: Context, executionArn: string): Promise<Summary | undefined> {
  const reader = new AuditReader(deployment);
  const progress = new Progress(io);
  const name = executionArn.split(':').at(-1);
  const began = Date.now();
  try {
    while (!io.signal.aborted) {
      const found = (await reader.reconciliations(LATEST)).find(({ Run }) => Run === name);
      if (found) return Summary.parse(found);
      const execution = await describeExecution(deployment.sfn, executionArn, io.signal);
      if (execution?.status && !['RUNNING', 'SUCCEEDED'].includes(execution.status)) {
        throw new ForPeople(
          `The reconciliation ended ${execution.status}: ${execution.error ?? ''} ${execution.cause ?? ''}\nSee: npx millrace runs --id ${name}`,
        );
      }
      progress.show(`Reconciling for ${span(Date.now() - began)} …`);
      await pause(POLL_MS, io.signal);
    }
    return undefined;
  } finally {
    progress.clear();
  }
}
