import { randomBytes } from 'node:crypto';
import type { EventDetails } from '../../asl/host.ts';
import type { RuntimeContext } from '../service.ts';
import type { Revision } from './store.ts';

export interface LoggedEvent {
  readonly id: number;
  readonly type: string;
  readonly previousEventId: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly details: EventDetails | undefined;
  readonly redriveCount: number;
}

export interface HistoryLog {
  write(event: LoggedEvent): void;
}

/** Event types by level (developer guide, "Log levels for Step Functions execution events"). */
const FATAL = new Set(['ExecutionAborted', 'ExecutionFailed', 'ExecutionTimedOut']);
const ERROR = /(Failed|TimedOut|Aborted)$|^FailStateEntered$/;
const LEVELS: Readonly<Record<string, (type: string) => boolean>> = {
  ALL: () => true,
  ERROR: (type) => ERROR.test(type),
  FATAL: (type) => FATAL.has(type),
};

const EXECUTION_DATA = new Set([
  ...[
    'input',
    'inputDetails',
    'output',
    'outputDetails',
    'parameters',
    'assignedVariables',
    'assignedVariablesDetails',
  ],
]);

/** Leaves input, output and parameters out of an event's details. */
export const withoutData = (details: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(details).filter(([name]) => !EXECUTION_DATA.has(name)));

/** Where an execution's history goes in CloudWatch Logs; undefined where logging is off. */
export function historyLog(
  runtime: RuntimeContext,
  revision: Revision,
  executionArn: string,
): HistoryLog | undefined {
  const { level, includeExecutionData, destinations } = revision.logging;
  const wanted = LEVELS[level];
  const group = destinations[0]?.cloudWatchLogsLogGroup.logGroupArn
    .split(':log-group:')[1]
    ?.replace(/:\*$/, '');
  if (!wanted || !group) return undefined;
  const day = new Date(runtime.clock.now()).toISOString().slice(0, 16).replace(/[T:]/g, '-');
  const stream = `states/${revision.name}/${day}/${randomBytes(4).toString('hex')}`;
  return {
    write({ id, type, previousEventId, now, details, redriveCount }) {
      if (!wanted(type)) return;
      const shown = Object.values(details ?? {})[0] ?? {};
      runtime.log(
        group,
        stream,
        JSON.stringify({
          id: String(id),
          type,
          details: includeExecutionData ? shown : withoutData(shown),
          previous_event_id: String(previousEventId),
          event_timestamp: String(now),
          execution_arn: executionArn,
          redrive_count: String(redriveCount),
        }),
      );
    },
  };
}
