import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  type ExecutionListItem,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  paginateListExecutions,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { isNamed } from './errors.ts';
import { Pace } from './pace.ts';

type Sfn = Pick<SFNClient, 'send'>;

/**
 * DescribeExecution refills at 15 a second and GetExecutionHistory at 20 (Step Functions, "Service quotas"), for the
 * whole account: these stay below.
 */
const describing = new Pace(10, 100);

/** Statuses of executions that did not succeed. */
export const UNSUCCESSFUL = ['FAILED', 'TIMED_OUT', 'ABORTED'] as const satisfies readonly ExecutionStatus[];

/** Executions of a state machine, the latest first. */
export async function* listExecutions(
  sfn: SFNClient,
  stateMachineArn: string,
  statusFilter?: ExecutionStatus,
  pageSize = 1_000,
): AsyncGenerator<ExecutionListItem> {
  const pages = paginateListExecutions(
    { client: sfn },
    { stateMachineArn, maxResults: pageSize, ...(statusFilter && { statusFilter }) },
  );
  for await (const { executions = [] } of pages) yield* executions;
}

/** What Step Functions knows of an execution; nothing once its 90 days are over. */
export async function describeExecution(
  sfn: Sfn,
  executionArn: string,
  signal: AbortSignal,
): Promise<DescribeExecutionCommandOutput | undefined> {
  await describing.turn(signal);
  try {
    return await sfn.send(new DescribeExecutionCommand({ executionArn }));
  } catch (error) {
    if (isNamed(error, 'ExecutionDoesNotExist')) return undefined;
    throw error;
  }
}

/** What failed innermost: the failure of a child execution stands in its parent's cause, as JSON. */
export function innermost(error: string, cause = ''): { readonly error: string; readonly cause: string } {
  try {
    const child: unknown = JSON.parse(cause);
    if (typeof child === 'object' && child !== null && 'ExecutionArn' in child && 'Error' in child)
      return innermost(String(child.Error), 'Cause' in child ? String(child.Cause) : '');
  } catch {
    // Most causes are sentences.
  }
  return { error, cause };
}

/** Name of the state that an execution failed in, if its last events tell. */
export async function failedState(
  sfn: Sfn,
  executionArn: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  await describing.turn(signal);
  const { events = [] } = await sfn.send(
    new GetExecutionHistoryCommand({
      executionArn,
      reverseOrder: true,
      maxResults: 200,
      includeExecutionData: false,
    }),
  );
  return stateOf(events);
}

/**
 * The state that the last failure belongs to: from the event that failed back to the state that was entered before it.
 * @param events the latest first
 */
export function stateOf(events: readonly HistoryEvent[]): string | undefined {
  const byId = new Map(events.map((event) => [event.id, event]));
  const [last] = events;
  // The end of an execution names the event before it, which is the failure; where it does not, it is the next one.
  let event = last && (byId.get(last.previousEventId) ?? events[1]);
  while (event && !event.stateEnteredEventDetails) event = byId.get(event.previousEventId);
  const entered = event ?? events.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails);
  return entered?.stateEnteredEventDetails?.name;
}

/** `arn:…:execution:MACHINE:NAME` → `arn:…:stateMachine:MACHINE` */
export const machineOf = (executionArn: string): string =>
  executionArn.replace(/:execution:/, ':stateMachine:').replace(/:[^:]*$/, '');

/** What the name of an execution says: whose it is and the how-manieth attempt. */
export interface RunName {
  /** File id, load id, or for other machines the name of the first run. */
  readonly base: string;
  readonly attempt: number;
}

export function runName(name: string): RunName {
  const [, base = name, attempt] = /^(.+)-r(\d+)$/.exec(name) ?? [];
  return { base, attempt: Number(attempt ?? 1) };
}

/** The name of the how-manieth run of a file or load. */
export const nameOfRun = (base: string, attempt: number): string =>
  attempt > 1 ? `${base}-r${attempt}` : base;

/** Whether a name is the id of a file or load, which the audit table knows. */
export const isAudited = (base: string): boolean => /^[0-9a-f]{64}$/.test(base);
