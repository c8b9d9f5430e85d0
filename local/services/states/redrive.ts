import type { Lane, Position } from '../../asl/walk.ts';
import type { ExecutionRow } from './store.ts';

/** An execution can be redriven for 14 days after it ended (Step Functions, "Redriving executions"). */
const REDRIVABLE_MS = 14 * 24 * 3_600_000;

export interface Redrivability {
  readonly redriveStatus: 'REDRIVABLE' | 'NOT_REDRIVABLE' | 'REDRIVABLE_BY_MAP_RUN';
  readonly redriveStatusReason?: string;
}

/** Whether an execution can be redriven, and why not. */
export function redrivability(row: ExecutionRow, now: number): Redrivability {
  const not = (redriveStatusReason: string): Redrivability => ({
    redriveStatus: 'NOT_REDRIVABLE',
    redriveStatusReason,
  });
  if (row.status === 'RUNNING' || row.status === 'SUCCEEDED')
    return not(`Execution is ${row.status} and cannot be redriven`);
  if (now - (row.stopDate ?? now) > REDRIVABLE_MS)
    return not('Execution is past the redrivable period of 14 days and cannot be redriven');
  return { redriveStatus: row.mapRunArn ? 'REDRIVABLE_BY_MAP_RUN' : 'REDRIVABLE' };
}

/** The position at which an execution failed, with fresh retries; finished branches keep what they gave. */
export function refreshed(position: Position): Position {
  return {
    ...position,
    retries: [],
    retryCount: 0,
    wakeAt: undefined,
    token: undefined,
    job: undefined,
    lanes: position.lanes?.map((lane: Lane | null) => (lane && !('output' in lane) ? refreshed(lane) : lane)),
  };
}
