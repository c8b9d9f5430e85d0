import { DescribeExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { isNamed } from '../shared/errors.ts';
import { type Busy, isBusy } from './sources-table.ts';

/**
 * Takes what only one execution may have at a time: one that is over gives its place away.
 * @param take takes it where nobody has it, or from an owner that is over
 */
export async function takeOver<T extends object>(
  sfn: Pick<SFNClient, 'send'>,
  take: (from?: string) => Promise<T | Busy>,
): Promise<T | Busy> {
  const taken = await take();
  if (!isBusy(taken) || !(await isOver(sfn, taken.owner))) return taken;
  return take(taken.owner);
}

async function isOver(sfn: Pick<SFNClient, 'send'>, executionArn: string): Promise<boolean> {
  try {
    const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    return status !== 'RUNNING';
  } catch (error) {
    if (isNamed(error, 'ExecutionDoesNotExist')) return true;
    throw error;
  }
}
