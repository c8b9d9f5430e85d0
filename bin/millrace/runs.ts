import type { ExecutionListItem, ExecutionStatus } from '@aws-sdk/client-sfn';
import { type Context, command } from './command.ts';
import { EXIT, NotFound, WrongUsage } from './errors.ts';
import {
  describeExecution,
  failedState,
  innermost,
  isAudited,
  listExecutions,
  runName,
  UNSUCCESSFUL,
} from './executions.ts';
import { json, note, say, wholeNumber } from './io.ts';
import { mapInLanes } from './pace.ts';
import { type Column, shortened, table } from './table.ts';
import { moment, shownTime, span } from './time.ts';

const STATUSES = [
  'RUNNING',
  'SUCCEEDED',
  ...UNSUCCESSFUL,
  'PENDING_REDRIVE',
] as const satisfies readonly ExecutionStatus[];
/** An execution is listed by its start; this many pages are looked through for one name. */
const MOST_FOR_ID = 100_000;

/** An execution, with what failed where it did. */
interface Run {
  readonly pipeline: string;
  readonly name: string;
  readonly executionArn: string;
  readonly status: string;
  readonly startedAt: string;
  readonly stoppedAt?: string;
  readonly seconds?: number;
  readonly redrives: number;
  readonly failedState?: string;
  readonly error?: string;
  readonly cause?: string;
  /** What the execution is about, from its input: `s3://…`. */
  readonly about?: string;
  readonly input?: unknown;
  readonly output?: unknown;
}

const COLUMNS: readonly Column<Run>[] = [
  { title: 'Started (UTC)', of: ({ startedAt }) => shownTime(startedAt) },
  { title: 'Status', of: ({ status }) => status },
  { title: 'Pipeline', of: ({ pipeline }) => pipeline },
  { title: 'Took', right: true, of: ({ seconds }) => (seconds === undefined ? '' : span(seconds * 1000)) },
  { title: 'Redrives', right: true, of: ({ redrives }) => redrives || '' },
  { title: 'Failed in', of: (run) => run.failedState },
  { title: 'Error', of: ({ error }) => error },
  { title: 'Name', of: ({ name }) => name },
  { title: 'Cause', of: ({ cause }) => shortened(cause ?? '', 160) },
];

export const runs = command({
  name: 'runs',
  summary: 'executions: which failed, in which state, with which error and input',
  about: `Lists executions, the latest first, with the state that failed, error and cause. With --id it shows all
executions for a file or load, children included, with their input and output references.

A status is one of ${STATUSES.join(', ')}.`,
  options: {
    id: { type: 'text', value: 'ID', about: 'those of a file, a load, or with this name' },
    pipeline: { type: 'list', value: 'NAME', about: 'only this pipeline; may be given again' },
    status: { type: 'text', value: 'STATUS', about: 'only this status' },
    failed: { type: 'flag', about: 'only those that failed, timed out or were stopped' },
    since: {
      type: 'text',
      value: 'TIME',
      about: 'started from this time on: 2026-11-21, or ago: 30m, 2h, 7d',
    },
    until: { type: 'text', value: 'TIME', about: 'started up to this time' },
    limit: { type: 'text', value: 'N', about: 'the most rows (default 20)' },
  },
  examples: ['runs --failed --since 1d', 'runs --id 9f86d081…', 'runs --pipeline ocr --status RUNNING'],
  async run(context, values) {
    const { io, deployment } = context;
    const statuses = statusesOf(values);
    const limit = wholeNumber('limit', values.limit ?? (values.id ? '100' : '20'), { min: 1, max: 10_000 });
    const from = values.since ? moment('since', values.since) : 0;
    const to = values.until ? moment('until', values.until) : Number.POSITIVE_INFINITY;
    const pipelines = values.pipeline.length > 0 ? values.pipeline : [...deployment.machines.keys()];
    const listed = (
      await mapInLanes(
        pipelines.flatMap((pipeline) => statuses.map((status) => ({ pipeline, status }))),
        4,
        ({ pipeline, status }) => list(context, { pipeline, status, from, to, limit, id: values.id }),
      )
    ).flat();
    const latest = listed
      .sort((a, b) => Number(b.execution.startDate) - Number(a.execution.startDate))
      .slice(0, limit);
    if (values.id && latest.length === 0) {
      throw new NotFound(
        `No execution is about ${values.id}. Step Functions forgets executions after 90 days.`,
      );
    }
    const found = await mapInLanes(latest, 4, ({ pipeline, execution }) =>
      look(context, pipeline, execution, values.id !== undefined),
    );
    if (context.json) json(io, found);
    else if (found.length === 0) note(io, 'No execution is like that.');
    else if (values.id) for (const run of found) say(io, `${details(run)}\n`);
    else {
      say(io, table(found, COLUMNS, io.stdout.columns));
      if (found.length === limit) note(io, `These are the latest ${limit}; --limit shows more.`);
    }
    return EXIT.done;
  },
});

function statusesOf(values: {
  status?: string | undefined;
  failed: boolean;
}): readonly (ExecutionStatus | undefined)[] {
  if (values.failed && values.status) throw new WrongUsage('--failed goes without --status.');
  if (values.failed) return UNSUCCESSFUL;
  if (!values.status) return [undefined];
  const status = STATUSES.find((known) => known === values.status?.toUpperCase());
  if (!status)
    throw new WrongUsage(`--status is ${values.status}; it must be one of ${STATUSES.join(', ')}.`);
  return [status];
}

interface Wanted {
  readonly pipeline: string;
  readonly status: ExecutionStatus | undefined;
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  readonly id: string | undefined;
}

async function list({ deployment, io }: Context, { pipeline, status, from, to, limit, id }: Wanted) {
  const found: { pipeline: string; execution: ExecutionListItem }[] = [];
  let seen = 0;
  // A file's own executions carry its id as their name: no need to list for them, but children and reruns are listed.
  for await (const execution of listExecutions(
    deployment.sfn,
    deployment.machine(pipeline),
    status,
    id ? 1_000 : Math.min(1_000, limit),
  )) {
    const startedAt = Number(execution.startDate);
    if (startedAt < from || found.length >= limit || io.signal.aborted || seen++ > MOST_FOR_ID) break;
    if (startedAt > to || (id && !execution.name?.startsWith(id))) continue;
    found.push({ pipeline, execution });
  }
  return found;
}

async function look(
  { deployment, io }: Context,
  pipeline: string,
  execution: ExecutionListItem,
  isDetailed: boolean,
): Promise<Run> {
  const { executionArn = '', name = '', status = '', startDate, stopDate, redriveCount = 0 } = execution;
  const isFailed = UNSUCCESSFUL.some((one) => one === status);
  const described =
    isFailed || isDetailed ? await describeExecution(deployment.sfn, executionArn, io.signal) : undefined;
  const failure = described?.error ? innermost(described.error, described.cause) : undefined;
  const state = isFailed ? await failedState(deployment.sfn, executionArn, io.signal) : undefined;
  const input = parsed(described?.input);
  return {
    pipeline,
    name,
    executionArn,
    status,
    startedAt: new Date(startDate ?? 0).toISOString(),
    ...(stopDate && {
      stoppedAt: stopDate.toISOString(),
      seconds: Math.round(Number(stopDate) - Number(startDate)) / 1000,
    }),
    redrives: redriveCount,
    ...(state && { failedState: state }),
    ...failure,
    ...(described && { about: aboutOf(input) ?? (isAudited(runName(name).base) ? '' : name) }),
    ...(isDetailed && { input, output: parsed(described?.output) }),
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

/** The object that an input names: its own bucket and key, or those of its `source` or `manifest`. */
function aboutOf(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  if ('bucket' in input && 'key' in input) return `s3://${input.bucket}/${input.key}`;
  if ('source' in input) return aboutOf(input.source);
  return 'manifest' in input ? aboutOf(input.manifest) : undefined;
}

const details = (run: Run): string =>
  [
    `${run.pipeline}  ${run.name}`,
    `  status   ${run.status}${run.redrives > 0 ? `, redriven ${run.redrives} times` : ''}`,
    `  time     ${shownTime(run.startedAt)}${run.stoppedAt ? ` to ${shownTime(run.stoppedAt)}, ${span((run.seconds ?? 0) * 1000)}` : ''}`,
    ...(run.failedState ? [`  failed   in ${run.failedState}`] : []),
    ...(run.error ? [`  error    ${run.error}`] : []),
    ...(run.cause ? [`  cause    ${shortened(run.cause, 500)}`] : []),
    ...(run.about ? [`  about    ${run.about}`] : []),
    `  input    ${shortened(JSON.stringify(run.input) ?? '', 500)}`,
    ...(run.output === undefined ? [] : [`  output   ${shortened(JSON.stringify(run.output), 500)}`]),
    `  arn      ${run.executionArn}`,
  ].join('\n');
