import type { Change, Ending, Message } from './incident.ts';
import { type CurrentItem, ticketIdOf, worse } from './ticket.ts';
import { TicketContended, type Tickets } from './tickets.ts';

export interface Taken {
  /** Tickets whose desks may be behind now. */
  readonly ids: readonly string[];
  /** Whether one of them was opened or resolved. */
  readonly isTurned: boolean;
}

/** Takes what happened into the tickets. The same again, as after a crash, ends the same. */
export async function take(
  message: Exclude<Message, { kind: 'look' }>,
  tickets: Tickets,
  reopenHours: number,
): Promise<Taken> {
  switch (message.kind) {
    case 'changes':
      return apply(message.changes, tickets, reopenHours);
    case 'alarm':
      return takeAlarm(message.change, message.coversExecutions, tickets, reopenHours);
    case 'ending':
      return takeEnding(message.ending, tickets, reopenHours);
  }
}

async function apply(changes: readonly Change[], tickets: Tickets, reopenHours: number): Promise<Taken> {
  let isTurned = false;
  for (const change of changes) {
    if (await tickets.apply(change, reopenHours)) isTurned = true;
  }
  return { ids: [...new Set(changes.map(({ key }) => ticketIdOf(key)))], isTurned };
}

/**
 * An alarm that only repeats what an open ticket says is noted there, so that one cause has one ticket. Where the alarm is
 * worse, the ticket becomes as bad.
 */
async function takeAlarm(
  change: Change,
  coversExecutions: boolean,
  tickets: Tickets,
  reopenHours: number,
): Promise<Taken> {
  const own = await tickets.current(ticketIdOf(change.key));
  if (coversExecutions && change.state === 'OPEN' && own?.State !== 'OPEN') {
    const covered = await failedExecutions(change, tickets);
    if (covered) {
      const eventId = `${change.key}:${change.eventId}`;
      const isWorse = worse(covered.Severity, change.facts.severity) !== covered.Severity;
      const noted: Change = { ...change, key: covered.Key, eventId, state: 'NOTED' };
      // An alarm that is worse makes the ticket worse: it is a reason to wake those who slept through the first.
      const told = isWorse ? await apply([noted], tickets, reopenHours) : undefined;
      if (!isWorse) await tickets.note(covered.pk, noted);
      // So that the same event, should it come again when that ticket is resolved, opens none of its own.
      const { ids } = await apply([{ ...change, state: 'RESOLVED' }], tickets, reopenHours);
      return { ids: [...ids, ...(told?.ids ?? [])], isTurned: false };
    }
  }
  return apply([change], tickets, reopenHours);
}

/** An alarm looks at minutes that are over: what it found may have been mended before it spoke, milliseconds. */
const LATE_MS = 10 * 60_000;

/** A ticket of failed executions that says what the alarm says: one that is open, or was until a moment ago. */
async function failedExecutions(
  { at, facts: { pipeline, severity } }: Change,
  tickets: Tickets,
): Promise<CurrentItem | undefined> {
  const isSame = ({ Source, Pipeline }: CurrentItem) => Source === 'execution' && Pipeline === pipeline;
  for await (const ticket of tickets.inState('OPEN')) if (isSame(ticket)) return ticket;
  const since = new Date(Date.parse(at) - LATE_MS).toISOString();
  for await (const ticket of tickets.inState('RESOLVED', since)) {
    if (isSame(ticket) && worse(ticket.Severity, severity) === ticket.Severity) return ticket;
  }
  return undefined;
}

const MAX_ATTEMPTS = 10;
/** Causes that one file is remembered to have failed for. */
const MAX_KEYS = 20;

/**
 * The latest end of a file's executions counts, in whatever order they arrive: a failure makes the file a member of its
 * cause's ticket and ends that of every other; a success ends all.
 */
async function takeEnding(ending: Ending, tickets: Tickets, reopenHours: number): Promise<Taken> {
  const { pipeline, member, at, eventId, failure } = ending;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const known = await tickets.latest(pipeline, member);
    const keys = [...new Set([...(known?.Keys ?? []), ...(failure ? [failure.key] : [])])].slice(-MAX_KEYS);
    // Something later is known: only desks may still have to be told.
    if (known && known.At > at) return { ids: keys.map(ticketIdOf), isTurned: false };
    if (keys.length === 0 && !known) {
      // Remembered, in case that the failure which this success ends comes later.
      if (await tickets.setLatest(pipeline, member, undefined, { At: at, EventId: eventId, Keys: [] })) {
        return { ids: [], isTurned: false };
      }
      continue;
    }
    const next = { At: at, EventId: eventId, Keys: keys };
    if (known?.EventId !== eventId && !(await tickets.setLatest(pipeline, member, known, next))) continue;
    return apply(changesOf(ending, keys), tickets, reopenHours);
  }
  throw new TicketContended(`Too many executions of ${pipeline} ended at once for one file.`);
}

function changesOf({ pipeline, member, at, eventId, failure }: Ending, keys: readonly string[]): Change[] {
  return keys.map((key): Change => {
    const change = { key, eventId, at, member };
    if (key === failure?.key) return { ...change, state: 'OPEN', facts: failure.facts };
    return {
      ...change,
      state: 'RESOLVED',
      // Said only where the ticket is not there yet; its failure, when it comes, is late.
      facts: {
        source: 'execution',
        severity: 'info',
        pipeline,
        title: `${pipeline} runs again`,
        summary: `An execution of ${pipeline} ended otherwise.`,
        runbook: 'failed-executions',
      },
    };
  });
}
