import * as z from 'zod/mini';
import type { Plain } from '../shared/audit.ts';
import { type AuditStatus, CANARY, type Reason } from '../shared/contract.ts';
import { InvalidEvent } from '../shared/errors.ts';
import { failureOfExecution, jsonOf } from '../shared/failure.ts';
import { parse } from '../shared/parse.ts';
import { ReasonSchema } from '../shared/schemas.ts';
import { TRIGGER_PIPELINES } from './contract.ts';

const Millis = z.number().check(z.nonnegative());

const Detail = z.object({
  executionArn: z.string().check(z.minLength(1)),
  stateMachineArn: z.string(),
  name: z.string().check(z.minLength(1)),
  status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE']),
  startDate: Millis,
  stopDate: z.nullish(Millis),
  input: z.nullish(z.string()),
  output: z.nullish(z.string()),
  error: z.nullish(z.string()),
  cause: z.nullish(z.string()),
  redriveCount: z.nullish(z.number()),
  redriveDate: z.nullish(Millis),
});

/** EventBridge's `Step Functions Execution Status Change`. */
export const StatusChangeEvent = z.object({
  source: z.literal('aws.states'),
  'detail-type': z.literal('Step Functions Execution Status Change'),
  time: z.iso.datetime(),
  detail: Detail,
});

export type StatusChange = z.output<typeof StatusChangeEvent>;

/** Input, output, error and cause of an execution, for events that left them out because they were large. */
export type Describe = (
  executionArn: string,
) => Promise<Partial<Record<'input' | 'output' | 'error' | 'cause', string | undefined>>>;

/** What a status change says, in the words of the audit table. */
export interface Change {
  /** File id or load id. */
  readonly id: string;
  readonly pipeline: string;
  readonly fileName: string;
  readonly bucket?: string | undefined;
  readonly versionId?: string | undefined;
  readonly status: AuditStatus;
  /** When it changed; ISO 8601 with milliseconds, UTC. */
  readonly time: string;
  readonly eventId: string;
  readonly executionArn: string;
  readonly executionName: string;
  /** 1 for the first execution, n for the rerun `-r<n>`. */
  readonly attempt: number;
  /** Whether the execution is the file's own, not a child's. */
  readonly isOwn: boolean;
  readonly isFinal: boolean;
  /** Milliseconds from start to end; final changes only. */
  readonly durationMs?: number | undefined;
  readonly reason?: Reason | undefined;
  /** The output without outcome and reason. */
  readonly result?: { readonly [name: string]: Plain } | undefined;
}

const Input = z.looseObject({
  source: z.optional(z.looseObject({ bucket: z.string(), key: z.string(), versionId: z.string() })),
  key: z.optional(z.string()),
  bucket: z.optional(z.string()),
  versionId: z.optional(z.string()),
  manifest: z.optional(z.looseObject({ bucket: z.string(), key: z.string() })),
});

const Output = z.looseObject({
  outcome: z.optional(z.enum(['SUCCEEDED', 'REJECTED', 'HELD'])),
  reason: z.nullish(ReasonSchema),
});

/** `<id>`, the id of what an execution is about, `-r<n>` for reruns, then what children add. */
const EXECUTION_NAME = /^(?<id>[0-9a-f]{64})(?:-r(?<attempt>\d+))?(?:-|$)/;

/**
 * Reads a status change. A canary's file has its own execution under the canary's name. Asks `describe` only for what the event has left out.
 * @throws InvalidEvent for an execution whose name or outcome this project does not give
 */
export async function changeOf(event: StatusChange, pipeline: string, describe: Describe): Promise<Change> {
  const { detail } = event;
  const { status, name, executionArn } = detail;
  const groups = EXECUTION_NAME.exec(name)?.groups;
  if (!groups?.id) {
    throw new InvalidEvent(
      `Execution ${name} of ${pipeline} is not named after a file or a load; start executions through intake or the millrace command.`,
    );
  }
  const isFinal = status !== 'RUNNING' && status !== 'PENDING_REDRIVE';
  const isOwn = TRIGGER_PIPELINES.includes(pipeline);
  const lacks =
    isLacking(detail.input) ||
    (status === 'SUCCEEDED' && isLacking(detail.output)) ||
    (status === 'FAILED' && isLacking(detail.error));
  const full = lacks ? { ...detail, ...(await describe(executionArn)) } : detail;
  const redrives = detail.redriveCount ?? 0;
  const time = new Date(timeOf(event)).toISOString();
  const subject = subjectOf(full.input, groups.id);
  return {
    id: groups.id,
    pipeline: isOwn && subject.fileName.startsWith(CANARY.prefix) ? CANARY.pipeline : pipeline,
    ...subject,
    ...outcomeOf(status, full, isOwn, executionArn),
    time,
    eventId: `${pipeline}:${name}:${status}:${redrives}`,
    executionArn,
    executionName: name,
    attempt: Number(groups.attempt ?? 1),
    isOwn,
    isFinal,
    durationMs: isFinal
      ? Date.parse(time) - (redrives > 0 ? (detail.redriveDate ?? detail.startDate) : detail.startDate)
      : undefined,
  };
}

function isLacking(value: string | null | undefined): boolean {
  return value === undefined || value === null || value === '';
}

/** Milliseconds since the epoch at which the execution took its new status. */
function timeOf({ time, detail }: StatusChange): number {
  if (detail.status !== 'RUNNING' && detail.status !== 'PENDING_REDRIVE')
    return detail.stopDate ?? Date.parse(time);
  if ((detail.redriveCount ?? 0) === 0 && detail.status === 'RUNNING') return detail.startDate;
  return detail.redriveDate ?? Date.parse(time);
}

/** Which file or manifest the execution is about. */
function subjectOf(
  input: string | null | undefined,
  id: string,
): Pick<Change, 'fileName' | 'bucket' | 'versionId'> {
  const { source, manifest, ...own } = parse(Input, jsonOf(input) ?? {}, 'input of the execution');
  const subject = source ?? manifest ?? own;
  const versionId =
    'versionId' in subject && typeof subject.versionId === 'string' ? subject.versionId : undefined;
  return { fileName: subject.key ?? id, bucket: subject.bucket, versionId };
}

type Told = Pick<Change, 'status' | 'reason' | 'result'>;

function outcomeOf(
  status: StatusChange['detail']['status'],
  execution: {
    output?: string | null | undefined;
    error?: string | null | undefined;
    cause?: string | null | undefined;
  },
  isOwn: boolean,
  executionArn: string,
): Told {
  if (status === 'RUNNING' || status === 'PENDING_REDRIVE') return { status: 'PROCESSING_INITIATED' };
  if (status === 'SUCCEEDED') {
    const { outcome, reason, ...result } = parse(
      Output,
      jsonOf(execution.output) ?? {},
      'output of the execution',
    );
    if (isOwn && !outcome) {
      throw new InvalidEvent(
        `${executionArn} ended without telling its outcome; its definition must output one.`,
      );
    }
    return { status: outcome ?? 'SUCCEEDED', reason: reason ?? undefined, result: plain(result) };
  }
  return { status: 'FAILED', reason: failureOfExecution(status, execution) };
}

/** JSON has nothing that an item could not hold. */
function plain(value: Record<string, unknown>): { readonly [name: string]: Plain } {
  return value as { readonly [name: string]: Plain };
}
