import { TRIGGER_PIPELINES } from '../../lambdas/recorder/contract.ts';
import { CANARY } from '../../lambdas/shared/contract.ts';
import {
  type AuditItem,
  AuditReader,
  isCurrent,
  isFinal,
  rowsOf,
  STATUSES,
  shownRows,
} from './audit-table.ts';
import { type Context, command } from './command.ts';
import { EXIT, NotFound, WrongUsage } from './errors.ts';
import { json, note, pause, say, wholeNumber } from './io.ts';
import { type Column, shortened, table } from './table.ts';
import { DAY_MS, moment, shownTime, span } from './time.ts';

const FOLLOW_MS = 2_000;

/** Pipelines that have current states in the audit table. */
export const AUDITED_PIPELINES: readonly string[] = [...TRIGGER_PIPELINES, CANARY.pipeline];

const reasonOf = ({ Reason }: AuditItem) => Reason && `${Reason.code}: ${Reason.message}`;

const CURRENT_COLUMNS: readonly Column<AuditItem>[] = [
  { title: 'Time (UTC)', of: ({ Timestamp }) => shownTime(Timestamp) },
  { title: 'Status', of: ({ Status }) => Status },
  { title: 'Pipeline', of: ({ Pipeline }) => Pipeline },
  { title: 'Try', right: true, of: ({ Attempt }) => (Attempt && Attempt > 1 ? Attempt : '') },
  { title: 'Took', right: true, of: tookOf },
  { title: 'Rows', right: true, of: (item) => shownRows(rowsOf(item)) },
  { title: 'Load', of: ({ LoadStatus }) => LoadStatus },
  { title: 'File', of: ({ FileName }) => shortened(FileName, 60) },
  { title: 'Id', of: ({ pk }) => pk },
  { title: 'Reason', of: (item) => shortened(reasonOf(item) ?? '', 160) },
];

const HISTORY_COLUMNS: readonly Column<AuditItem>[] = [
  { title: 'Time (UTC)', of: ({ Timestamp }) => Timestamp.replace('T', ' ').replace('Z', '') },
  { title: 'Status', of: ({ Status }) => Status },
  { title: 'What', of: ({ EventId, pk }) => EventId.replaceAll(pk, '<id>') },
  { title: 'Reason', of: ({ Detail }) => shownReason(Detail?.Reason) },
];

/** From landing to outcome. */
function tookOf({ ReceivedAt, Timestamp, Status, DurationMs }: AuditItem): string {
  if (!isFinal(Status)) return '';
  const ms = ReceivedAt ? Date.parse(Timestamp) - Date.parse(ReceivedAt) : DurationMs;
  return ms === undefined ? '' : span(Math.max(0, ms));
}

function shownReason(reason: unknown): string {
  if (typeof reason !== 'object' || reason === null || !('code' in reason)) return '';
  return shortened(`${reason.code}: ${'message' in reason ? reason.message : ''}`, 160);
}

export const audit = command({
  name: 'audit',
  summary: 'what became of files: by name, status, pipeline, day; as it happens with --follow',
  about: `Reads the audit table. With --file or --id it tells everything that happened to a file or load, in order; else
current states, the latest first: today's, unless --day, --since or --until say otherwise.

A status is one of ${STATUSES.join(', ')}.`,
  options: {
    file: { type: 'text', value: 'NAME', about: 'a file by its name, with or without documents/' },
    id: { type: 'text', value: 'ID', about: 'a file or load by its id (64 digits)' },
    status: { type: 'list', value: 'STATUS', about: 'only this status; may be given again' },
    pipeline: { type: 'list', value: 'NAME', about: 'only this pipeline; may be given again' },
    day: { type: 'text', value: 'YYYY-MM-DD', about: 'only this day (UTC)' },
    since: {
      type: 'text',
      value: 'TIME',
      about: 'from this time on: 2026-11-21T14:00Z, or ago: 30m, 2h, 7d',
    },
    until: { type: 'text', value: 'TIME', about: 'up to this time' },
    limit: { type: 'text', value: 'N', about: 'the most rows (default 50)' },
    follow: { type: 'flag', about: 'go on and show what changes, until Ctrl-C' },
  },
  examples: [
    'audit --status FAILED --since 7d',
    'audit --file letter.pdf',
    'audit --pipeline document-ingestion --follow',
  ],
  async run(context, values) {
    const reader = new AuditReader(context.deployment);
    if (values.file && values.id) throw new WrongUsage('--file and --id both name a file: give one of them.');
    if (values.file || values.id) {
      if (values.follow)
        throw new WrongUsage('--follow shows current states: it goes without --file and --id.');
      return showHistory(context, await storyOf(reader, values));
    }
    const statuses = values.status.map((status) => knownStatus(status.toUpperCase()));
    const limit = wholeNumber('limit', values.limit ?? '50', { min: 1, max: 100_000 });
    const question = {
      ...(statuses.length > 0 && { statuses }),
      ...(values.pipeline.length > 0 && { pipelines: values.pipeline.map(knownPipeline) }),
      ...(statuses.length === 0 && values.pipeline.length === 0 && { pipelines: AUDITED_PIPELINES }),
      ...spanOf(values),
      limit,
    };
    const items = await reader.find(question);
    if (values.follow) return follow(context, reader, question, items);
    if (context.json) json(context.io, items);
    else if (items.length === 0) {
      const hasSpan = values.day || values.since || values.until;
      note(context.io, `Nothing is like that${hasSpan ? '.' : ' today. --since 7d looks further back.'}`);
    } else {
      say(context.io, table(items, CURRENT_COLUMNS, context.io.stdout.columns));
      if (items.length === limit) note(context.io, `These are the latest ${limit}; --limit shows more.`);
    }
    return EXIT.done;
  },
});

function knownStatus(status: string): string {
  if (STATUSES.some((known) => known === status)) return status;
  throw new WrongUsage(`--status is ${status}; it must be one of ${STATUSES.join(', ')}.`);
}

function knownPipeline(pipeline: string): string {
  if (AUDITED_PIPELINES.includes(pipeline)) return pipeline;
  throw new WrongUsage(
    `--pipeline is ${pipeline}; the audit table has files and loads of ${AUDITED_PIPELINES.join(', ')}. Executions of every pipeline: npx millrace runs.`,
  );
}

function spanOf(values: {
  day?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}) {
  const now = Date.now();
  if (values.day) {
    if (values.since || values.until) throw new WrongUsage('--day goes without --since and --until.');
    const from = moment('day', values.day, now);
    return { from, to: from + DAY_MS - 1 };
  }
  const from = values.since ? moment('since', values.since, now) : Math.floor(now / DAY_MS) * DAY_MS;
  // A clock that is a little ahead of this machine's hides nothing.
  return { from, to: values.until ? moment('until', values.until, now) : now + 60_000 };
}

async function storyOf(
  reader: AuditReader,
  { file, id }: { file?: string | undefined; id?: string | undefined },
): Promise<AuditItem[]> {
  if (id) {
    const items = await reader.history(id.toLowerCase());
    if (items.length > 0) return items;
    throw new NotFound(`The audit table knows no file or load with the id ${id}. An id has 64 digits.`);
  }
  const name = file ?? '';
  for (const candidate of [name, `documents/${name}`]) {
    const items = await reader.byFileName(candidate);
    if (items.length > 0) return items;
  }
  throw new NotFound(
    `The audit table knows no file ${name}. If it has just landed, its event is on the way.`,
  );
}

function showHistory({ io, json: asJson }: Context, items: readonly AuditItem[]): number {
  if (asJson) {
    json(io, items);
    return EXIT.done;
  }
  const byId = [...Map.groupBy(items, ({ pk }) => pk).values()];
  for (const [i, all] of byId.entries()) {
    const current = all.find(isCurrent);
    const history = all.filter((item) => !isCurrent(item));
    const [first] = all;
    say(io, `${i > 0 ? '\n' : ''}${first?.FileName ?? ''}  ${first?.pk ?? ''}`);
    if (current) {
      const load = current.LoadStatus ? `, ${current.LoadStatus} ${shownTime(current.LoadedAt)}` : '';
      say(io, `${current.Status}${load}${reasonOf(current) ? `\n${reasonOf(current)}` : ''}\n`);
    }
    say(io, table(history, HISTORY_COLUMNS, io.stdout.columns));
  }
  return EXIT.done;
}

/** Shows states as they change: the oldest of those that are there first, then what comes. */
async function follow(
  { io, json: asJson }: Context,
  reader: AuditReader,
  question: { readonly from: number; readonly to: number },
  items: readonly AuditItem[],
): Promise<number> {
  const shown = new Set<string>();
  const show = (item: AuditItem) => {
    const key = `${item.pk} ${item.EventId} ${item.LoadStatus}`;
    if (shown.has(key)) return;
    shown.add(key);
    if (asJson) say(io, JSON.stringify(item));
    else {
      const load = item.LoadStatus ? ` ${item.LoadStatus}` : '';
      const reason = reasonOf(item) ? `  ${shortened(reasonOf(item) ?? '', 160)}` : '';
      say(
        io,
        `${shownTime(item.Timestamp)}  ${`${item.Status}${load}`.padEnd(20)}  ${item.FileName}${reason}`,
      );
    }
  };
  items.toReversed().forEach(show);
  while (!io.signal.aborted) {
    await pause(FOLLOW_MS, io.signal);
    if (io.signal.aborted) break;
    // Index and events come late: the last minutes are read again, and what was shown is known.
    const news = await reader.find({
      ...question,
      from: Math.max(question.from, Date.now() - 10 * 60_000),
      to: Date.now() + 60_000,
    });
    news.toReversed().forEach(show);
  }
  return EXIT.done;
}
