import { AuditReader } from './audit-table.ts';
import { type Context, command } from './command.ts';
import { EXIT, explain, NotFound, WrongUsage } from './errors.ts';
import { confirm, exitOf, json, note, Progress, wholeNumber } from './io.ts';
import { inLanes, Pace } from './pace.ts';
import { type Queue, readQueues } from './queues.ts';
import { act } from './redrive/act.ts';
import { CHILDREN, type Failure, findFailures, type Wanted } from './redrive/failures.ts';
import { followToEnd } from './redrive/follow.ts';
import { sendBack } from './redrive/letters.ts';
import { countOf, preview, type QueueResult, type Result, report, summaryOf } from './redrive/report.ts';
import { moment } from './time.ts';

/** Calls at once; the pace is what limits. */
const LANES = 16;

export const redrive = command({
  name: 'redrive',
  summary: 'run again what failed: executions, map runs, and messages in dead letter queues',
  about: `Shows what failed and what would be done about it; --yes does it. Dead letters go back to their queues. A failed
execution goes on from the point of failure; where Step Functions cannot do that, or the state machine was changed
since, it is run anew under the next name (-r2, -r3, …) with the same input. Failed items of a Distributed Map are
redriven with the execution that they belong to. Only what the audit table still calls FAILED is touched.

It may be interrupted, repeated, and run by two people at once: nothing is processed twice. Exit status 0 when all that
was begun again has its outcome and nothing failed again.

With an option that chooses executions, dead letter queues are left alone.`,
  options: {
    yes: { type: 'flag', about: 'do it' },
    id: {
      type: 'list',
      value: 'ID',
      about: 'only this file or load, or execution by its name; may be given again',
    },
    file: { type: 'list', value: 'NAME', about: 'only this file; may be given again' },
    pipeline: { type: 'list', value: 'NAME', about: 'only executions of this pipeline; may be given again' },
    error: { type: 'list', value: 'NAME', about: 'only executions with this error; may be given again' },
    since: {
      type: 'text',
      value: 'TIME',
      about: 'only executions that ended from this time on: 2026-11-21, or ago: 2h',
    },
    until: { type: 'text', value: 'TIME', about: 'only executions that ended up to this time' },
    queues: { type: 'flag', about: 'only dead letter queues' },
    rate: { type: 'text', value: 'N', about: 'executions begun again in a second, 1 to 100 (default 20)' },
    'no-wait': { type: 'flag', about: 'do not follow them to their outcome' },
  },
  examples: [
    'redrive',
    'redrive --yes',
    'redrive --error OcrTimedOut --since 2h --yes',
    'redrive --file letter.pdf --yes',
  ],
  async run(context, values) {
    const { io, deployment } = context;
    const rate = wholeNumber('rate', values.rate ?? '20', { min: 1, max: 100 });
    const isChosen =
      [values.id, values.file, values.pipeline, values.error].some(({ length }) => length > 0) ||
      values.since !== undefined ||
      values.until !== undefined;
    if (isChosen && values.queues)
      throw new WrongUsage('--queues goes without options that choose executions.');
    for (const pipeline of values.pipeline) {
      if (CHILDREN.has(pipeline))
        throw new WrongUsage(
          `Executions of ${pipeline} are parts of others, which run them again: redrive those.`,
        );
      deployment.machine(pipeline);
    }

    const progress = new Progress(io);
    const failures = values.queues ? [] : await findFailures(deployment, wantedOf(values), io, progress);
    const queues = isChosen ? [] : await readQueues(deployment);
    const letters = queues.filter((queue) => queue.isDeadLetters && countOf(queue) > 0);
    const todo = failures.filter(({ decision }) => decision.action !== 'leave');
    if (isChosen && failures.length === 0)
      throw new NotFound('No failed execution is like that. See: npx millrace runs --failed');
    if (!context.json) preview(context, failures, letters);
    if (todo.length === 0 && letters.length === 0) {
      if (context.json)
        json(
          io,
          summaryOf(
            true,
            failures.map((failure) => ({ failure })),
            [],
          ),
        );
      else note(io, 'There is nothing to redrive.');
      return EXIT.done;
    }
    const question = `Begin ${todo.length} executions again and send back ${letters.reduce((sum, queue) => sum + countOf(queue), 0)} messages?`;
    if (!(await confirm(io, question, { yes: values.yes, json: context.json }))) {
      if (context.json)
        json(
          io,
          summaryOf(
            true,
            failures.map((failure) => ({ failure })),
            letters.map((queue) => ({ queue })),
          ),
        );
      return EXIT.done;
    }
    const moved = await sendAllBack(context, letters, queues, progress);
    const results = await beginAgain(context, todo, new Pace(rate), progress);
    const ended = values['no-wait'] ? results : await withOutcomes(context, results, progress);
    if (context.json) json(io, summaryOf(false, ended, moved));
    else report(context, ended, moved, values['no-wait']);
    const isGood =
      moved.every(({ problem, left = 0 }) => !problem && left === 0) &&
      ended.every(({ problem, outcome }) => !problem && outcome !== 'FAILED');
    return exitOf(io, isGood);
  },
});

function wantedOf(values: {
  readonly id: readonly string[];
  readonly file: readonly string[];
  readonly pipeline: readonly string[];
  readonly error: readonly string[];
  readonly since: string | undefined;
  readonly until: string | undefined;
}): Wanted {
  return {
    ids: values.id,
    files: values.file,
    pipelines: values.pipeline,
    errors: values.error,
    from: values.since ? moment('since', values.since) : 0,
    to: values.until ? moment('until', values.until) : Number.POSITIVE_INFINITY,
  };
}

/** Dead letters first: among them may be news of executions. */
async function sendAllBack(
  { io, deployment }: Context,
  letters: readonly Queue[],
  queues: readonly Queue[],
  progress: Progress,
): Promise<QueueResult[]> {
  const results: QueueResult[] = [];
  for (const queue of letters) {
    if (io.signal.aborted) break;
    progress.show(`Sending back the messages of ${queue.name} …`);
    try {
      results.push({ queue, ...(await sendBack(deployment, queue, queues, io.signal)) });
    } catch (error) {
      results.push({ queue, problem: explain(error).message });
    }
  }
  progress.clear();
  return results;
}

async function beginAgain(
  { io, deployment }: Context,
  todo: readonly Failure[],
  pace: Pace,
  progress: Progress,
): Promise<Result[]> {
  const results: Result[] = [];
  await inLanes(
    todo,
    LANES,
    async (failure) => {
      try {
        results.push({ failure, act: await act(deployment, failure, pace, io.signal) });
      } catch (error) {
        // One that cannot be begun keeps none of the others from it.
        results.push({ failure, problem: explain(error).message });
      }
      progress.show(`${results.length} of ${todo.length} begun again`);
    },
    io.signal,
  );
  progress.clear();
  return results;
}

async function withOutcomes(
  { io, deployment }: Context,
  results: readonly Result[],
  progress: Progress,
): Promise<Result[]> {
  const begun = results.filter(({ act }) => act);
  const outcomes = await followToEnd(
    deployment,
    new AuditReader(deployment),
    begun.map(({ failure, act }) => ({
      base: failure.base,
      before: failure.item?.EventId,
      executionArn: act?.executionArn ?? failure.executionArn,
    })),
    io,
    progress,
  );
  return results.map((result) => {
    const outcome = result.act && outcomes.get(result.failure.base);
    return outcome ? { ...result, outcome } : result;
  });
}
