import * as z from 'zod/mini';
import { CANARY, INCIDENT_EVENT, type IncidentDetail, type Severity } from '../shared/contract.ts';
import { InvalidEvent } from '../shared/errors.ts';
import { failureOfExecution, jsonOf } from '../shared/failure.ts';
import { parse } from '../shared/parse.ts';
import { causeOf } from './cause.ts';
import { type HelpDeskSettings, PERIODIC } from './contract.ts';
import { ALL, type Change, type Ending, type Facts, type Message } from './incident.ts';

const SEVERITIES = ['critical', 'error', 'warning', 'info'] as const satisfies readonly Severity[];
const SeveritySchema = z.enum(SEVERITIES);
const text = z.string().check(z.minLength(1));
const Millis = z.number().check(z.nonnegative());

const MAX_TITLE = 120;
const MAX_SUMMARY = 600;

/** Reads one kind of event. */
type Reader = (event: unknown, settings: HelpDeskSettings) => Message;

/** EventBridge's `detail-type` → how it is read. */
const READERS: Readonly<Record<string, Reader>> = {
  'CloudWatch Alarm State Change': readAlarm,
  'Step Functions Execution Status Change': readEnding,
  [INCIDENT_EVENT.detailType]: readIncident,
  'Scheduled Event': () => ({ kind: 'look' }),
};

const Typed = z.looseObject({ 'detail-type': z.string() });

/**
 * Reads an event of the help desk's queue.
 * @throws InvalidEvent for what is none
 */
export function normalise(event: unknown, settings: HelpDeskSettings): Message {
  const type = parse(Typed, event, 'message (expected an event of EventBridge)')['detail-type'];
  const read = READERS[type];
  if (!read) throw new InvalidEvent(`The help desk takes no events of type ${type}.`);
  return read(event, settings);
}

const AlarmEvent = z.object({
  resources: z.tuple([text], z.string()),
  detail: z.object({
    alarmName: text,
    configuration: z.optional(z.object({ description: z.optional(z.string()) })),
    state: z.object({
      value: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
      reason: z.optional(z.string()),
      // With milliseconds and an offset without colon, which is no ISO date to zod.
      timestamp: text,
    }),
  }),
});

/** State of an alarm → what it does to its ticket. */
const ALARM_STATES = { ALARM: 'OPEN', OK: 'RESOLVED', INSUFFICIENT_DATA: 'NOTED' } as const;

function readAlarm(event: unknown): Message {
  const { resources, detail } = parse(AlarmEvent, event, 'alarm event');
  const { alarmName, configuration, state } = detail;
  const description = configuration?.description ?? '';
  const line = (name: string) => new RegExp(`^${name}: *(.+)$`, 'm').exec(description)?.[1]?.trim();
  const sentence = description.split('\n')[0]?.trim() || alarmName;
  const change: Change = {
    key: resources[0],
    eventId: `${state.value}:${state.timestamp}`,
    state: ALARM_STATES[state.value],
    at: timeOf(state.timestamp, 'alarm event'),
    member: ALL,
    facts: {
      source: 'alarm',
      severity: z.safeParse(SeveritySchema, line('Severity')).data ?? 'error',
      pipeline: line('Pipeline') ?? 'millrace',
      title: cut(sentence, MAX_TITLE),
      summary: cut(`${sentence} ${state.reason ?? ''}`.trim(), MAX_SUMMARY),
      runbook: line('Runbook')?.split('#')[1] ?? 'alarms',
      command: line('Command'),
      alarmName,
    },
  };
  return { kind: 'alarm', change, coversExecutions: line('Covers') === 'executions' };
}

const EndingEvent = z.object({
  detail: z.object({
    executionArn: text,
    stateMachineArn: text,
    name: text,
    status: z.enum(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']),
    stopDate: Millis,
    input: z.nullish(z.string()),
    error: z.nullish(z.string()),
    cause: z.nullish(z.string()),
    redriveCount: z.nullish(z.number()),
  }),
});

/** An execution of a file or a load is named by its id; a rerun adds `-r<n>`. */
const OF_FILE = /^[0-9a-f]{64}(?=-r\d+$|$)/;

function readEnding(event: unknown, settings: HelpDeskSettings): Message {
  const { detail } = parse(EndingEvent, event, 'status change of an execution');
  const { executionArn, stateMachineArn, name, status, stopDate, redriveCount } = detail;
  const machine = settings.pipelines[stateMachineArn];
  if (!machine) throw new InvalidEvent(`${stateMachineArn} is no state machine that the help desk knows.`);
  const fileId = OF_FILE.exec(name)?.[0];
  const pipeline = fileId && isCanary(detail.input) ? CANARY.pipeline : machine;
  const repeats = !fileId && PERIODIC.includes(pipeline);
  const ending: Ending = {
    eventId: `${machine}:${name}:${status}:${redriveCount ?? 0}`,
    at: new Date(stopDate).toISOString(),
    pipeline,
    member: fileId ?? (repeats ? ALL : name.replace(/-r\d+$/, '')),
  };
  if (status === 'SUCCEEDED') return { kind: 'ending', ending };
  const { code, message } = failureOfExecution(status, detail);
  const cause = causeOf(message);
  const isPlanned = pipeline === CANARY.pipeline && code === CANARY.error;
  const facts: Facts = {
    source: 'execution',
    severity: isPlanned ? 'info' : status === 'ABORTED' ? 'warning' : 'error',
    pipeline,
    title: cut(`${pipeline} fails: ${code}`, MAX_TITLE),
    summary: cut(`Executions of ${pipeline} fail with ${code}: ${cause}`, MAX_SUMMARY),
    runbook: isPlanned ? 'canary' : 'failed-executions',
    // Nothing to mend where the failure was planned, or where the next execution comes by itself.
    command:
      isPlanned || repeats
        ? undefined
        : `npx millrace redrive --pipeline ${pipeline} --error ${shellWord(code)}`,
    executionArn,
  };
  const key = isPlanned ? `${pipeline}:${code}` : `${pipeline}:${code}:${cause}`;
  return { kind: 'ending', ending: { ...ending, failure: { key, facts } } };
}

const FileInput = z.looseObject({
  key: z.optional(z.string()),
  source: z.optional(z.looseObject({ key: z.string() })),
});

/** Whether an execution is about a canary file, which runs through the state machine of documents. */
function isCanary(input: string | null | undefined): boolean {
  const { data } = z.safeParse(FileInput, jsonOf(input));
  return (data?.source?.key ?? data?.key ?? '').startsWith(CANARY.prefix);
}

const IncidentDetailSchema: z.ZodMiniType<IncidentDetail> = z.object({
  eventId: text.check(z.maxLength(200)),
  key: text.check(z.maxLength(1_000)),
  state: z.enum(['OPEN', 'RESOLVED']),
  severity: SeveritySchema,
  pipeline: text,
  title: text,
  summary: text,
  runbook: text,
  occurredAt: text,
  members: z.optional(z.array(text.check(z.maxLength(500)))),
  command: z.optional(text),
  executionArn: z.optional(text),
});

const IncidentEvent = z.object({ detail: IncidentDetailSchema });

function readIncident(event: unknown): Message {
  const { detail } = parse(IncidentEvent, event, 'incident');
  const { eventId, key, state, occurredAt, members = [], title, summary, ...facts } = detail;
  const change = {
    eventId,
    key,
    state,
    at: timeOf(occurredAt, 'incident'),
    member: ALL,
    facts: {
      ...facts,
      source: 'incident',
      title: cut(title, MAX_TITLE),
      summary: cut(summary, MAX_SUMMARY),
    },
  } satisfies Change;
  if (members.length === 0) return { kind: 'changes', changes: [change] };
  const changes = members.map((member) => ({ ...change, member, eventId: `${eventId}#${member}` }));
  return { kind: 'changes', changes };
}

function timeOf(value: string, what: string): string {
  const millis = Date.parse(value);
  if (Number.isNaN(millis)) throw new InvalidEvent(`The time of the ${what} is none.`);
  return new Date(millis).toISOString();
}

function cut(value: string, length: number): string {
  return value.length <= length ? value : `${value.slice(0, length - 1)}…`;
}

/** A text as one word of a shell's command line. */
function shellWord(value: string): string {
  return /^[\w.:@%+=,/-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
