import { DescribeExecutionCommand, type DescribeExecutionOutput, type SFNClient } from '@aws-sdk/client-sfn';
import { isNamed } from '../shared/errors.ts';

/** An execution as Step Functions knows it now. */
export type Execution = DescribeExecutionOutput & {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly status: NonNullable<DescribeExecutionOutput['status']>;
};

/** An execution, or undefined when there is none of this ARN (any more: they are kept for 90 days). */
export async function executionOf(
  sfn: Pick<SFNClient, 'send'>,
  executionArn: string,
): Promise<Execution | undefined> {
  try {
    const execution = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    const { stateMachineArn = '', name = '', status = 'RUNNING' } = execution;
    return { ...execution, executionArn, stateMachineArn, name, status };
  } catch (error) {
    if (isNamed(error, 'ExecutionDoesNotExist')) return undefined;
    throw error;
  }
}

/** ARN of the execution of a state machine that has a name. */
export function executionArnOf(stateMachineArn: string, name: string): string {
  return `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}

const RERUN = /(?:-r(\d+))?$/;

/** ARN of the next deliberate rerun of what this execution is about: `<id>-r2` after `<id>`. */
export function rerunArnOf(executionArn: string): string {
  const attempt = Number(RERUN.exec(executionArn)?.[1] ?? 1);
  return executionArn.replace(RERUN, `-r${attempt + 1}`);
}

/** The latest of an execution and its reruns. */
export async function latestOf(
  sfn: Pick<SFNClient, 'send'>,
  executionArn: string,
): Promise<Execution | undefined> {
  const rerun = await executionOf(sfn, rerunArnOf(executionArn));
  return rerun ? ((await latestOf(sfn, rerun.executionArn)) ?? rerun) : executionOf(sfn, executionArn);
}

export const FAILURES: readonly string[] = ['FAILED', 'TIMED_OUT', 'ABORTED'];

/** How the ids end that the recorder gives to the events of an execution's present status. */
export function eventIdEnd({ name, status, redriveCount }: Execution): string {
  return `:${name}:${status}:${redriveCount ?? 0}`;
}

/**
 * The status change event of an execution's present status, as EventBridge delivers it: input and output are left out,
 * as they are when they are large, and whoever needs them asks Step Functions.
 */
export function statusChange(execution: Execution): string {
  const { executionArn, stateMachineArn, name, status, startDate, stopDate } = execution;
  const { error, cause, redriveCount, redriveDate } = execution;
  const [, , , region, account] = executionArn.split(':');
  const isClosed = status !== 'RUNNING' && status !== 'PENDING_REDRIVE';
  const time = isClosed ? stopDate : (redriveDate ?? startDate);
  return JSON.stringify({
    version: '0',
    id: `${name}:${status}:${redriveCount ?? 0}`,
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account,
    time: (time ?? new Date()).toISOString(),
    region,
    resources: [executionArn],
    detail: {
      executionArn,
      stateMachineArn,
      name,
      status,
      startDate: startDate?.getTime(),
      stopDate: (isClosed && stopDate?.getTime()) || null,
      input: null,
      inputDetails: { included: false },
      output: null,
      outputDetails: null,
      error: error ?? null,
      cause: cause ?? null,
      redriveCount: redriveCount ?? 0,
      redriveDate: redriveDate?.getTime() ?? null,
    },
  });
}
