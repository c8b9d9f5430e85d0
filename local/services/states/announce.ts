import type { RuntimeContext } from '../service.ts';
import { redrivability } from './redrive.ts';
import type { ExecutionRow, Revision } from './store.ts';

const METRICS: Readonly<Record<string, string>> = {
  SUCCEEDED: 'ExecutionsSucceeded',
  FAILED: 'ExecutionsFailed',
  ABORTED: 'ExecutionsAborted',
  TIMED_OUT: 'ExecutionsTimedOut',
};

/** Puts the status of a Standard execution on the default bus (developer guide, "Automating event delivery"). */
export function announce(runtime: RuntimeContext, row: ExecutionRow, revision: Revision): void {
  if (revision.type !== 'STANDARD') return;
  const { redriveStatus, redriveStatusReason = null } = redrivability(row, runtime.clock.now());
  runtime.emit({
    source: 'aws.states',
    'detail-type': 'Step Functions Execution Status Change',
    resources: [row.arn],
    detail: {
      executionArn: row.arn,
      stateMachineArn: row.machineArn,
      name: row.name,
      status: row.status,
      startDate: row.startDate,
      stopDate: row.stopDate ?? null,
      input: row.input,
      output: row.output ?? null,
      error: row.error ?? null,
      cause: row.cause ?? null,
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      redriveCount: row.redriveCount,
      redriveDate: row.redriveDate ?? null,
      redriveStatus,
      redriveStatusReason,
      inputDetails: { included: true },
      outputDetails: row.output === undefined ? null : { included: true },
    },
  });
}

/** Adds an ended execution to the metrics of its state machine. */
export function measure(runtime: RuntimeContext, row: ExecutionRow): void {
  const datum = { namespace: 'AWS/States', dimensions: { StateMachineArn: row.machineArn } };
  const name = METRICS[row.status];
  if (name) runtime.metric({ ...datum, name, value: 1, unit: 'Count' });
  const time = (row.stopDate ?? row.startDate) - row.startDate;
  runtime.metric({ ...datum, name: 'ExecutionTime', value: time, unit: 'Milliseconds' });
}
