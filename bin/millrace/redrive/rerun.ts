import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Decision as PersonsDecision, SourceFile } from '../../../lambdas/shared/contract.ts';
import type { AuditItem } from '../audit-table.ts';
import { isNamed } from '../errors.ts';
import { nameOfRun } from '../executions.ts';

/** A run of a file, load or other work. */
export interface Started {
  /** Whether it was started here; else somebody else has started the run of this name. */
  readonly isNew: boolean;
  readonly name: string;
  readonly executionArn: string;
}

/**
 * Starts the how-manieth run of a file, load or other work. Two that start the same run at once start one: its name is
 * a function of what was there before, and Step Functions gives a name to one execution only.
 */
export async function startRun(
  sfn: Pick<SFNClient, 'send'>,
  run: {
    readonly machineArn: string;
    readonly base: string;
    readonly attempt: number;
    readonly input: string;
  },
): Promise<Started> {
  const name = nameOfRun(run.base, run.attempt);
  const executionArn = `${run.machineArn.replace(':stateMachine:', ':execution:')}:${name}`;
  try {
    await sfn.send(new StartExecutionCommand({ stateMachineArn: run.machineArn, name, input: run.input }));
    return { isNew: true, name, executionArn };
  } catch (error) {
    if (isNamed(error, 'ExecutionAlreadyExists')) return { isNew: false, name, executionArn };
    throw error;
  }
}

/**
 * The input of a file's run as intake gives it, a function of the object alone, with the decision of a person where
 * there is one. For executions that Step Functions has forgotten, and for files that wait.
 */
export function inputOf(item: AuditItem, decision?: PersonsDecision): string {
  const file: SourceFile = {
    fileId: item.pk,
    bucket: item.Bucket ?? '',
    key: item.FileName,
    versionId: item.VersionId ?? '',
  };
  return JSON.stringify({ ...file, ...(decision && { decision }) });
}
