import type { Context } from '../command.ts';
import { note, say } from '../io.ts';
import type { Queue } from '../queues.ts';
import { type Column, shortened, table } from '../table.ts';
import { shownTime } from '../time.ts';
import type { Act } from './act.ts';
import type { Failure } from './failures.ts';
import type { Moved } from './letters.ts';

/** How one failure ended. */
export interface Result {
  readonly failure: Failure;
  readonly act?: Act;
  readonly problem?: string;
  readonly outcome?: string;
}

/** How the messages of one queue ended. */
export interface QueueResult extends Partial<Moved> {
  readonly queue: Queue;
  readonly problem?: string;
}

const ACTIONS = {
  redrive: 'redrive from where it failed',
  rerun: 'new run',
  leave: 'leave',
} as const;

/** Failures of the same kind, with the same to be done about them. */
type Group = readonly [Failure, ...Failure[]];

const GROUP_COLUMNS: readonly Column<Group>[] = [
  { title: 'Pipeline', of: ([first]) => first.pipeline },
  { title: 'Error', of: ([first]) => shortened(first.error, 40) },
  { title: 'Number', right: true, of: (group) => group.length },
  { title: 'Ended (UTC)', of: (group) => shownTime(Math.max(...group.map(({ endedAt }) => endedAt))) },
  {
    title: 'What',
    of: ([{ decision }]) => `${ACTIONS[decision.action]}${decision.why ? ` (${decision.why})` : ''}`,
  },
  { title: 'For example', of: ([first]) => first.item?.FileName ?? first.name },
];

const QUEUE_COLUMNS: readonly Column<Queue>[] = [
  { title: 'Dead letter queue', of: ({ name }) => name },
  { title: 'Messages', right: true, of: countOf },
  {
    title: 'What',
    of: ({ sources }) => `send back${sources[0] ? ` to ${sources.map(({ name }) => name).join(', ')}` : ''}`,
  },
];

/** Messages of a queue, wherever they are. */
export function countOf({ waiting, inFlight, delayed }: Queue): number {
  return waiting + inFlight + delayed;
}

/** What would be done. */
export function preview({ io }: Context, failures: readonly Failure[], letters: readonly Queue[]): void {
  const groups = Map.groupBy(failures, ({ pipeline, error, decision }) =>
    [decision.action === 'leave', pipeline, error, decision.action, decision.why].join('\n'),
  );
  const rows = [...groups]
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([, [first, ...rest]]): Group[] => (first ? [[first, ...rest]] : []));
  if (rows.length > 0) say(io, `${table(rows, GROUP_COLUMNS, io.stdout.columns)}\n`);
  if (letters.length > 0) say(io, `${table(letters, QUEUE_COLUMNS, io.stdout.columns)}\n`);
}

const PROBLEM_COLUMNS: readonly Column<Result>[] = [
  { title: 'Pipeline', of: ({ failure }) => failure.pipeline },
  { title: 'What', of: ({ failure }) => failure.item?.FileName ?? failure.name },
  { title: 'Outcome', of: ({ outcome }) => outcome },
  { title: 'Id', of: ({ failure }) => failure.base },
  { title: 'Problem', of: ({ problem }) => problem },
];

/** What was done, for people. */
export function report(
  { io }: Context,
  results: readonly Result[],
  moved: readonly QueueResult[],
  isBrief: boolean,
): void {
  for (const { queue, problem, moved: back = 0, ended = 0, left = 0 } of moved) {
    const parts = [
      `${back} messages sent back`,
      ...(ended > 0 ? [`${ended} deleted that no execution waits for`] : []),
      ...(left > 0 ? [`${left} left that belong to no queue`] : []),
    ];
    say(io, `${queue.name}: ${problem ?? parts.join(', ')}`);
  }
  const count = (done: Act['done']) => results.filter(({ act }) => act?.done === done).length;
  if (results.length > 0) {
    say(
      io,
      `${count('redriven')} redriven, ${count('rerun')} run anew${count('elsewhere') > 0 ? `, ${count('elsewhere')} begun by somebody else` : ''}`,
    );
    const outcomes = Object.entries(Object.groupBy(results, ({ outcome }) => outcome ?? 'still running'));
    if (!isBrief) say(io, outcomes.map(([outcome, of]) => `${of?.length} ${outcome}`).join(', '));
  }
  const bad = results.filter(({ problem, outcome }) => problem || outcome === 'FAILED');
  if (bad.length > 0) say(io, `\n${table(bad, PROBLEM_COLUMNS, io.stdout.columns)}`);
  if (io.signal.aborted) note(io, 'Interrupted. Run the command again: it goes on with what is left.');
}

/** The same for programs. */
export function summaryOf(dryRun: boolean, results: readonly Result[], moved: readonly QueueResult[]) {
  return {
    dryRun,
    executions: results.map(({ failure, act, outcome, problem }) => ({
      pipeline: failure.pipeline,
      id: failure.base,
      fileName: failure.item?.FileName ?? null,
      executionArn: failure.executionArn,
      error: failure.error,
      endedAt: new Date(failure.endedAt).toISOString(),
      action: failure.decision.action,
      why: failure.decision.why || null,
      done: act?.done ?? null,
      newExecutionArn: act?.done === 'rerun' ? (act.executionArn ?? null) : null,
      outcome: outcome ?? null,
      problem: problem ?? null,
    })),
    queues: moved.map(({ queue, moved: back, ended, left, problem }) => ({
      queue: queue.name,
      url: queue.url,
      messages: countOf(queue),
      moved: back ?? null,
      ended: ended ?? null,
      left: left ?? null,
      problem: problem ?? null,
    })),
  };
}
