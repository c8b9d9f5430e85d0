import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { Severity } from '../shared/contract.ts';
import { FileId } from '../shared/schemas.ts';
import type { HelpDeskSettings, Ticket, TicketState } from './contract.ts';
import { ALL, type Change, type Source } from './incident.ts';
import { linksOf } from './links.ts';

const text = z.string();
const count = z.number().check(z.nonnegative());

/** What one desk has of a ticket. */
export const DeskItem = z.object({
  Provider: text,
  Id: z.optional(text),
  Url: z.optional(text),
  State: z.enum(['WAITING', 'OPEN', 'RESOLVED']),
  /** Of the ticket that `Id` names. */
  Generation: count,
  /** How many tickets the desk had for this generation; more than one where it could not open one again. */
  Opening: count,
  /** Revision of the ticket that the desk knows. */
  Revision: count,
  /** When the desk last answered. */
  UpdatedAt: z.optional(text),
  /** When it last became open or resolved there. */
  TurnedAt: z.optional(text),
  /** Updates, and changes between open and resolved: what the back-off counts. */
  Updates: count,
  Flaps: count,
  Failure: z.optional(z.object({ Name: text, Message: text, At: text, Count: count })),
  /** Before this time the desk is left alone. */
  RetryAt: z.optional(text),
  /** Who talks to the desk about this ticket now, and until when nobody else may. */
  Lease: z.optional(z.object({ By: text, Until: text })),
});
export type DeskItem = z.output<typeof DeskItem>;

/** The current item of a ticket; the contract says what its attributes mean. Without `State`, it has never been open. */
export const CurrentItem = z.object({
  pk: text,
  Key: text,
  State: z.optional(z.enum(['OPEN', 'RESOLVED'] satisfies readonly TicketState[])),
  Source: z.enum(['execution', 'alarm', 'incident'] satisfies readonly Source[]),
  Severity: z.enum(['critical', 'error', 'warning', 'info'] satisfies readonly Severity[]),
  Pipeline: text,
  Title: text,
  Summary: text,
  Runbook: text,
  Command: z.optional(text),
  ExecutionArn: z.optional(text),
  AlarmName: z.optional(text),
  Count: count,
  Members: count,
  FirstAt: text,
  LastAt: text,
  ResolvedAt: z.optional(text),
  LatestMember: z.optional(text),
  Generation: count,
  Revision: count,
  /** Everything that began until this time is over. */
  ClearedAt: z.optional(text),
  /** What was written last here, and may still be missing in history and members. */
  Last: z.object({
    EventId: text,
    At: text,
    Change: z.enum(['OPEN', 'RESOLVED', 'NOTED'] satisfies readonly Change['state'][]),
    Member: text,
    Waits: z.optional(z.boolean()),
  }),
  Desks: z.record(text, DeskItem),
  /** The message that comes back to bring desks up to date, and when. */
  Wake: z.optional(z.object({ By: text, At: text })),
});
export type CurrentItem = z.output<typeof CurrentItem>;

/** What is known of a member. */
export const MemberItem = z.object({ At: text, Waits: z.boolean() });
export type MemberItem = z.output<typeof MemberItem>;

export function ticketIdOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/**
 * A ticket after a change, or undefined where the change says nothing new: it is late, or about what is over already.
 * In whatever order changes arrive the state ends the same: for each member the latest counts, and the end where both
 * are of the same moment.
 * @param member what is known of the change's member
 */
export function after(
  current: CurrentItem | undefined,
  member: MemberItem | undefined,
  change: Change,
  reopenHours: number,
): CurrentItem | undefined {
  const { at, state, facts } = change;
  const clearedAt = current?.ClearedAt ?? '';
  const waits = member?.Waits === true && member.At > clearedAt;
  const known = member && member.At > clearedAt ? member.At : clearedAt;
  const isLate = state === 'RESOLVED' ? known > at : known > at || (known === at && !waits);
  if (isLate) return undefined;

  const last: CurrentItem['Last'] = { EventId: change.eventId, At: at, Change: state, Member: change.member };
  const base: CurrentItem = current ?? neverOpen(change, last);
  const next = { ...base, Revision: base.Revision + 1, Last: last };
  if (state === 'NOTED') {
    if (base.State !== 'OPEN') return undefined;
    const isOwn = base.Source === facts.source;
    return {
      ...next,
      Severity: worse(base.Severity, facts.severity),
      ...(isOwn && { Summary: facts.summary }),
    };
  }
  if (state === 'RESOLVED') {
    const isEnd = change.member === ALL;
    const left = isEnd ? 0 : base.Members - (waits ? 1 : 0);
    const isOver = base.State === 'OPEN' && left === 0;
    return {
      ...next,
      Members: left,
      Last: { ...last, Waits: false },
      ...(isEnd && { ClearedAt: at }),
      ...(isOver && {
        State: 'RESOLVED',
        ResolvedAt: later(at, base.LastAt),
        LastAt: later(at, base.LastAt),
      }),
    };
  }
  const opened = { ...next, ...described(change), Last: { ...last, Waits: true }, ResolvedAt: undefined };
  const isNew = base.State === undefined || (base.State === 'RESOLVED' && isLongOver(base, at, reopenHours));
  return {
    ...opened,
    State: 'OPEN',
    Severity: base.State === 'OPEN' ? worse(base.Severity, facts.severity) : facts.severity,
    Members: base.Members + (waits ? 0 : 1),
    Count: isNew ? 1 : base.Count + 1,
    FirstAt: isNew ? at : earlier(at, base.FirstAt),
    LastAt: isNew ? at : later(at, base.LastAt),
    Generation: base.Generation + (isNew ? 1 : 0),
  };
}

/** Where a ticket begins. Its times are those of the change because the index takes no empty ones. */
function neverOpen(change: Change, last: CurrentItem['Last']): CurrentItem {
  const { key, at } = change;
  const counts = { Count: 0, Members: 0, Generation: 0, Revision: 0 };
  return {
    ...described(change),
    ...counts,
    pk: ticketIdOf(key),
    FirstAt: at,
    LastAt: at,
    Last: last,
    Desks: {},
  };
}

function described({ key, member, facts }: Change) {
  return {
    Key: key,
    Source: facts.source,
    Severity: facts.severity,
    Pipeline: facts.pipeline,
    Title: facts.title,
    Summary: facts.summary,
    Runbook: facts.runbook,
    Command: facts.command,
    ExecutionArn: facts.executionArn,
    AlarmName: facts.alarmName,
    LatestMember: member === ALL ? undefined : member,
  };
}

function isLongOver({ ResolvedAt }: CurrentItem, at: string, reopenHours: number): boolean {
  return ResolvedAt !== undefined && Date.parse(at) - Date.parse(ResolvedAt) > reopenHours * 3_600_000;
}

const WORST_FIRST: readonly Severity[] = ['critical', 'error', 'warning', 'info'];

/** The worse of two severities. */
export const worse = (a: Severity, b: Severity): Severity =>
  WORST_FIRST.indexOf(a) <= WORST_FIRST.indexOf(b) ? a : b;

const later = (a: string, b: string) => (a > b ? a : b);
const earlier = (a: string, b: string) => (a < b ? a : b);

/** A ticket as a desk shows it. `generation` and `opening` say which of its tickets is meant. */
export function shownAt(
  current: CurrentItem,
  { generation, opening }: { readonly generation: number; readonly opening: number },
  settings: HelpDeskSettings,
): Ticket {
  const owner = settings.owners[current.Pipeline] ?? settings.owners['*'];
  const isFile = z.safeParse(FileId, current.LatestMember).success;
  return {
    externalId: `${current.pk.slice(0, 32)}-${generation}${opening > 1 ? `-${opening}` : ''}`,
    severity: current.Severity,
    pipeline: current.Pipeline,
    ...(owner && { owner }),
    title: current.Title,
    summary: current.Summary,
    count: current.Count,
    firstAt: current.FirstAt,
    lastAt: current.LastAt,
    members: current.LatestMember === undefined ? 0 : current.Members,
    links: linksOf(
      {
        runbook: current.Runbook,
        executionArn: current.ExecutionArn,
        alarmName: current.AlarmName,
        auditId: isFile ? current.LatestMember : undefined,
      },
      settings,
    ),
    ...(current.Command && { command: current.Command }),
    ...(current.ResolvedAt && { resolvedAt: current.ResolvedAt }),
  };
}
