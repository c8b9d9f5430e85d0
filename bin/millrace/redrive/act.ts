import { createHash } from 'node:crypto';
import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { AuditReader } from '../audit-table.ts';
import type { Deployment } from '../deployment.ts';
import { isNamed } from '../errors.ts';
import { describeExecution, isAudited } from '../executions.ts';
import type { Pace } from '../pace.ts';
import type { Failure } from './failures.ts';
import { inputOf, startRun } from './rerun.ts';

/** What was done about a failure. */
export interface Act {
  /** `elsewhere`: somebody else has redriven it, or it was run again meanwhile. */
  readonly done: 'redriven' | 'rerun' | 'elsewhere';
  /** The execution that works on it now. */
  readonly executionArn?: string;
}

/**
 * Does what was decided about a failure. No journal is needed, because everything may be done again, and by two at
 * once: whether the file is still failed is read again just before; Step Functions redrives no execution that runs or
 * succeeded; and a rerun's name is a function of the runs before it, so that it exists once.
 */
export async function act(
  deployment: Deployment,
  failure: Failure,
  pace: Pace,
  signal: AbortSignal,
): Promise<Act> {
  await pace.turn(signal);
  if (!(await isStillFailed(deployment, failure))) return { done: 'elsewhere' };
  if (failure.decision.action === 'rerun') return rerun(deployment, failure, signal);
  try {
    const { executionArn } = failure;
    await deployment.sfn.send(new RedriveExecutionCommand({ executionArn, clientToken: tokenOf(failure) }));
    return { done: 'redriven', executionArn };
  } catch (error) {
    if (isNamed(error, 'ExecutionDoesNotExist')) return rerun(deployment, failure, signal);
    if (!isNamed(error, 'ExecutionNotRedrivable')) throw error;
    const now = await describeExecution(deployment.sfn, failure.executionArn, signal);
    const isOver =
      now?.status === 'RUNNING' || now?.status === 'SUCCEEDED' || now?.status === 'PENDING_REDRIVE';
    // Its history is full, for example: what cannot go on begins anew.
    return isOver ? { done: 'elsewhere' } : rerun(deployment, failure, signal);
  }
}

async function isStillFailed(deployment: Deployment, { base, item }: Failure): Promise<boolean> {
  if (!isAudited(base)) return true;
  const now = (await new AuditReader(deployment).current([base])).get(base);
  return now?.Status === 'FAILED' && now.EventId === item?.EventId;
}

async function rerun(deployment: Deployment, failure: Failure, signal: AbortSignal): Promise<Act> {
  const { machineArn, base, attempt, item, executionArn } = failure;
  const former = await describeExecution(deployment.sfn, executionArn, signal);
  if (former && !['FAILED', 'TIMED_OUT', 'ABORTED'].includes(former.status ?? ''))
    return { done: 'elsewhere' };
  const input = former?.input ?? (item && inputOf(item));
  if (input === undefined) throw new Error(`${executionArn} is gone, and nothing tells its input.`);
  const run = await startRun(deployment.sfn, {
    machineArn,
    base,
    attempt: Math.max(attempt, item?.Attempt ?? 1) + 1,
    input,
  });
  return { done: run.isNew ? 'rerun' : 'elsewhere', executionArn: run.executionArn };
}

/** The same redrive asked for twice is one: Step Functions keeps tokens for 15 minutes. */
const tokenOf = ({ executionArn, redrives }: Failure) =>
  createHash('sha256').update(`${executionArn}#${redrives}`).digest('hex');
