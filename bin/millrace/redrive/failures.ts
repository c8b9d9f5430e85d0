import {
  DescribeStateMachineCommand,
  DescribeStateMachineForExecutionCommand,
  type ExecutionListItem,
} from '@aws-sdk/client-sfn';
import { PERIODIC } from '../../../lambdas/help-desk/contract.ts';
import { CANARY } from '../../../lambdas/shared/contract.ts';
import { type AuditItem, AuditReader } from '../audit-table.ts';
import type { Deployment } from '../deployment.ts';
import { describeExecution, isAudited, listExecutions, runName, UNSUCCESSFUL } from '../executions.ts';
import type { Io, Progress } from '../io.ts';
import { mapInLanes, Pace } from '../pace.ts';
import { changedSince, type Decision, decide, failErrors, REDRIVABLE_MS, type Revision } from './decide.ts';

/** Pipelines whose executions are parts of others: these run them again. */
export const CHILDREN: ReadonlySet<string> = new Set(['ocr', 'sentiment']);

/** DescribeStateMachineForExecution: a bucket of 200, and 1 a second (Step Functions, "Service quotas"). */
const revisions = new Pace(1, 100);

/** A failed execution and what is to become of it. */
export interface Failure {
  readonly pipeline: string;
  readonly executionArn: string;
  readonly machineArn: string;
  readonly name: string;
  /** File id or load id; the name of the first run for other work. */
  readonly base: string;
  /** The how-manieth run it is. */
  readonly attempt: number;
  readonly redrives: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** The error that began it: a child's where a child failed. */
  readonly error: string;
  /** Current state of the file or load; nothing for other work. */
  readonly item?: AuditItem | undefined;
  readonly decision: Decision;
}

/** Which failures are meant. */
export interface Wanted {
  /** Ids of files or loads, or names of executions. */
  readonly ids: readonly string[];
  readonly files: readonly string[];
  readonly pipelines: readonly string[];
  readonly errors: readonly string[];
  /** When they ended, milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

type Listed = Omit<Failure, 'decision' | 'item' | 'error'> & { readonly status: string };

/** Every failed execution that is meant, with what is to become of it. */
export async function findFailures(
  deployment: Deployment,
  wanted: Wanted,
  io: Io,
  progress: Progress,
): Promise<Failure[]> {
  const reader = new AuditReader(deployment);
  const named = new Set([...wanted.ids, ...(await idsOf(reader, wanted.files))]);
  const isMeant = ({ base, name, endedAt }: Listed) =>
    endedAt >= wanted.from &&
    endedAt <= wanted.to &&
    (named.size === 0 || named.has(base) || named.has(name));
  const pipelines = [...deployment.machines.keys()].filter(
    (pipeline) =>
      !CHILDREN.has(pipeline) &&
      // The canary's own machine reports what failed; running it again is the schedule's.
      pipeline !== CANARY.pipeline &&
      (wanted.pipelines.length === 0 ||
        wanted.pipelines.includes(pipeline) ||
        // Its files go through the state machines of others.
        wanted.pipelines.includes(CANARY.pipeline)),
  );
  const found: Failure[] = [];
  for (const pipeline of pipelines) {
    progress.show(`Looking for failed executions of ${pipeline} …`);
    const listed = latestRuns(await list(deployment, pipeline, io.signal)).filter(isMeant);
    const items = await reader.current(listed.map(({ base }) => base).filter(isAudited));
    found.push(...(await judge(deployment, pipeline, listed, items, io.signal)));
  }
  progress.clear();
  return found.filter(
    ({ error, pipeline }) =>
      (wanted.errors.length === 0 || wanted.errors.includes(error)) &&
      (wanted.pipelines.length === 0 || wanted.pipelines.includes(pipeline)),
  );
}

async function idsOf(reader: AuditReader, files: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const file of files) {
    const items = await reader.byFileName(file);
    ids.push(
      ...(items.length > 0 ? items : await reader.byFileName(`documents/${file}`)).map(({ pk }) => pk),
    );
  }
  return ids;
}

async function list(deployment: Deployment, pipeline: string, signal: AbortSignal): Promise<Listed[]> {
  const machineArn = deployment.machine(pipeline);
  const pages = await mapInLanes(UNSUCCESSFUL, UNSUCCESSFUL.length, async (status) => {
    const listed: Listed[] = [];
    for await (const execution of listExecutions(deployment.sfn, machineArn, status)) {
      if (signal.aborted) break;
      listed.push(listedAs(pipeline, machineArn, execution));
    }
    return listed;
  });
  return pages.flat().sort((a, b) => a.startedAt - b.startedAt);
}

function listedAs(pipeline: string, machineArn: string, execution: ExecutionListItem): Listed {
  const { executionArn = '', name = '', status = '', startDate, stopDate, redriveCount = 0 } = execution;
  return {
    pipeline,
    machineArn,
    executionArn,
    name,
    ...runName(name),
    status,
    redrives: redriveCount,
    startedAt: Number(startDate),
    endedAt: Number(stopDate ?? startDate),
  };
}

/** Of several failed runs of one file the last: those before it have been run again already. */
function latestRuns(listed: readonly Listed[]): Listed[] {
  const latest = new Map<string, Listed>();
  for (const one of listed) {
    const other = latest.get(one.base);
    if (!other || other.attempt < one.attempt) latest.set(one.base, one);
  }
  return [...latest.values()];
}

async function judge(
  deployment: Deployment,
  pipeline: string,
  listed: readonly Listed[],
  items: ReadonlyMap<string, AuditItem>,
  signal: AbortSignal,
): Promise<Failure[]> {
  if (listed.length === 0) return [];
  const now = Date.now();
  const { sfn } = deployment;
  const { definition = '{}' } = await sfn.send(
    new DescribeStateMachineCommand({ stateMachineArn: deployment.machine(pipeline) }),
  );
  const ends = failErrors(JSON.parse(definition));
  // Only those whose decision depends on it.
  const open = listed.filter(
    ({ base, endedAt }) =>
      now - endedAt < REDRIVABLE_MS && (!isAudited(base) || items.get(base)?.Status === 'FAILED'),
  );
  const revisionOf = async (executionArn: string): Promise<Revision> => {
    await revisions.turn(signal);
    const revision = await sfn.send(new DescribeStateMachineForExecutionCommand({ executionArn }));
    return { id: String(Number(revision.updateDate)), definition: revision.definition ?? '' };
  };
  const changed = await changedSince(
    open.map(({ executionArn }) => executionArn),
    definition,
    revisionOf,
  );
  const isPeriodic = PERIODIC.includes(pipeline);
  const others = listed.some(({ base }) => !isAudited(base))
    ? await successesSince(
        deployment,
        pipeline,
        Math.min(...listed.map(({ startedAt }) => startedAt)),
        signal,
      )
    : [];
  return mapInLanes(listed, 4, async ({ status, ...failure }) => {
    const { base, executionArn } = failure;
    const item = items.get(base);
    const about = isAudited(base) ? undefined : await describeExecution(sfn, executionArn, signal);
    const error = item?.Reason?.code ?? about?.error ?? status;
    const decision = decide({
      recorded: isAudited(base) ? item?.Status : 'FAILED',
      isLatest: isAudited(base)
        ? (item?.Attempt ?? 1) <= failure.attempt
        : !others.some((other) => other.base === base || (isPeriodic && other.startedAt > failure.startedAt)),
      isDeliberate: item?.FileName.startsWith(CANARY.failing) ?? false,
      age: now - failure.endedAt,
      isChanged: changed.has(executionArn),
      endedInFailState: ends.has(error),
      refused: about?.redriveStatus === 'NOT_REDRIVABLE' ? about.redriveStatusReason : undefined,
    });
    return { ...failure, pipeline: item?.Pipeline ?? pipeline, error, item, decision };
  });
}

/** Successful executions that began after a moment: what is no file's is over when its rerun, or its next turn, succeeded. */
async function successesSince(
  deployment: Deployment,
  pipeline: string,
  from: number,
  signal: AbortSignal,
): Promise<Listed[]> {
  const machineArn = deployment.machine(pipeline);
  const found: Listed[] = [];
  for await (const execution of listExecutions(deployment.sfn, machineArn, 'SUCCEEDED')) {
    if (signal.aborted || Number(execution.startDate) < from) break;
    found.push(listedAs(pipeline, machineArn, execution));
  }
  return found;
}
