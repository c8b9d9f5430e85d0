import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { plainOf } from '../shared/audit.ts';
import { TICKETS, type TicketState } from './contract.ts';
import { ALL, type Change } from './incident.ts';
import { Rows, type Update } from './rows.ts';
import { after, CurrentItem, type DeskItem, MemberItem, ticketIdOf } from './ticket.ts';

/** Days after which history, and members that are over, leave the table. */
const KEPT_DAYS = 365;
/** Writers of one ticket at once that are worth waiting for; a message that finds more comes again. */
const MAX_ATTEMPTS = 30;

/** Too many writers of one ticket at once. The message comes again. */
export class TicketContended extends Error {
  override readonly name = 'TicketContended';
}

/** What is known of the executions of a file or load: how the latest ended, and which tickets wait or waited for it. */
const LatestItem = z.object({ At: z.string(), EventId: z.string(), Keys: z.array(z.string()) });
export type LatestItem = z.output<typeof LatestItem>;

const HistoryItem = z.object({ EventId: z.string() });

/**
 * The tickets table. Each change is one conditional write of the ticket's current item, which also says what has to be
 * in history and members; whoever comes next adds what a crash has left out. So a change happens once or not at all.
 */
export class Tickets {
  readonly #rows: Rows;
  readonly #now: () => number;

  constructor(dynamo: Pick<DynamoDBClient, 'send'>, table: string, now: () => number = Date.now) {
    this.#rows = new Rows(dynamo, table);
    this.#now = now;
  }

  /** The ticket as it is now. */
  current(id: string): Promise<CurrentItem | undefined> {
    return this.#rows.get(id, 'CURRENT', CurrentItem);
  }

  /**
   * Takes a change into its ticket. Answers whether that opened or resolved it.
   * @throws TicketContended
   */
  async apply(change: Change, reopenHours: number): Promise<boolean> {
    const id = ticketIdOf(change.key);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const current = await this.current(id);
      if (current) await this.#finish(current);
      const [known, member] = await Promise.all([
        this.#rows.get(id, historyKey(change.at, change.eventId), HistoryItem),
        this.#rows.get(id, memberKey(change.member), MemberItem),
      ]);
      if (known) return false;
      const next = after(current, member, change, reopenHours);
      if (!next) {
        await this.note(id, change);
        return false;
      }
      if (await this.#advance(current, next)) {
        await this.#finish(next);
        return current?.State !== next.State;
      }
    }
    throw new TicketContended(`Too many changes of ${change.facts.title} at once.`);
  }

  /** Adds to the history of a ticket, and changes nothing else. */
  async note(id: string, { at, eventId, state, member }: Happening): Promise<void> {
    await this.#rows.put({
      pk: id,
      sk: historyKey(at, eventId),
      EventId: eventId,
      Change: state,
      // Not `Member`: the index of members is of member items.
      About: member,
      Timestamp: at,
      [TICKETS.timeToLive]: this.#expiry(),
    });
  }

  /** What is known of the executions of a member. */
  latest(pipeline: string, member: string): Promise<LatestItem | undefined> {
    return this.#rows.get(latestId(pipeline, member), 'LATEST', LatestItem);
  }

  /** Replaces what is known of the executions of a member. Answers false when somebody else has done so since. */
  setLatest(
    pipeline: string,
    member: string,
    known: LatestItem | undefined,
    next: LatestItem,
  ): Promise<boolean> {
    const item = {
      pk: latestId(pipeline, member),
      sk: 'LATEST',
      ...next,
      [TICKETS.timeToLive]: this.#expiry(),
    };
    return this.#rows.put(
      item,
      known ? '#EventId = :EventId' : 'attribute_not_exists(pk)',
      known && { EventId: known.EventId },
    );
  }

  /** Current items of tickets in a state, those that changed since a time when one is given. The index is a little behind. */
  async *inState(state: TicketState, since = '0'): AsyncGenerator<CurrentItem> {
    for await (const { Items = [] } of this.#rows.inState(state, since)) {
      for (const item of Items) yield z.parse(CurrentItem, plainOf(item));
    }
  }

  async countOpen(): Promise<number> {
    let open = 0;
    for await (const { Count = 0 } of this.#rows.inState('OPEN', '0', true)) open += Count;
    return open;
  }

  /**
   * Lets one writer at a time talk to a desk about a ticket.
   * @param by unique for this turn
   * @returns the ticket as it is now, or undefined when somebody else has the turn and will see what this one saw
   */
  take(
    { pk, Desks }: CurrentItem,
    desk: string,
    provider: string,
    by: string,
    until: string,
  ): Promise<CurrentItem | undefined> {
    const lease = { By: by, Until: until };
    const names = { desk, Desks: 'Desks' };
    if (Desks[desk]) {
      return this.#update(pk, {
        expression: 'SET #Desks.#desk.#Lease = :Lease',
        condition:
          'attribute_exists(#Desks.#desk) AND (attribute_not_exists(#Desks.#desk.#Lease) OR #Desks.#desk.#Lease.#Until < :now)',
        names: { ...names, Lease: 'Lease', Until: 'Until' },
        values: { Lease: lease, now: new Date(this.#now()).toISOString() },
      });
    }
    const first: DeskItem = {
      Provider: provider,
      State: 'WAITING',
      Generation: 0,
      Opening: 0,
      Revision: 0,
      Updates: 0,
      Flaps: 0,
      Lease: lease,
    };
    return this.#update(pk, {
      expression: 'SET #Desks.#desk = :first',
      condition: 'attribute_exists(pk) AND attribute_not_exists(#Desks.#desk)',
      names,
      values: { first },
    });
  }

  /**
   * Writes what a desk has now, and ends the turn.
   * @returns the ticket as it is now, or undefined when the turn was over before
   */
  give(
    id: string,
    desk: string,
    by: string,
    { Lease: _, ...item }: DeskItem,
  ): Promise<CurrentItem | undefined> {
    return this.#update(id, {
      expression: 'SET #Desks.#desk = :item',
      condition: '#Desks.#desk.#Lease.#By = :by',
      names: { desk, Desks: 'Desks', Lease: 'Lease', By: 'By' },
      values: { item, by },
    });
  }

  /**
   * Says that a message comes back for the ticket at a time. Answers false when another does, and not later.
   * @param overdue a message that should have come back before this time is not waited for
   */
  async wakeAt(id: string, message: string, at: string, overdue: string): Promise<boolean> {
    const current = await this.#update(id, {
      expression: 'SET #Wake = :wake',
      condition: 'attribute_not_exists(#Wake) OR #Wake.#By = :by OR #Wake.#At < :overdue OR #Wake.#At > :at',
      names: { Wake: 'Wake', By: 'By', At: 'At' },
      values: { wake: { By: message, At: at }, by: message, overdue, at },
    });
    return current !== undefined;
  }

  /** Says that the message does not come back. Answers false when the ticket has changed since, so that it has to stay. */
  async awake({ pk, Wake, Revision }: CurrentItem, message: string): Promise<boolean> {
    if (Wake?.By !== message) return true;
    const done = await this.#update(pk, {
      expression: 'REMOVE #Wake',
      condition: '#Wake.#By = :by AND #Revision = :revision',
      names: { Wake: 'Wake', By: 'By', Revision: 'Revision' },
      values: { by: message, revision: Revision },
    });
    return done !== undefined;
  }

  /** Writes a current item, all but what desks and messages say, in place of the one that was read. */
  async #advance(current: CurrentItem | undefined, next: CurrentItem): Promise<boolean> {
    const { pk, Desks, Wake: _, ...values } = next;
    const entries = Object.entries({ ...values, ...(!current && { Desks }) });
    const set = entries.filter(([, value]) => value !== undefined).map(([name]) => name);
    const remove = entries.filter(([, value]) => value === undefined).map(([name]) => name);
    const written = await this.#update(pk, {
      expression: [
        `SET ${set.map((name) => `#${name} = :${name}`).join(', ')}`,
        ...(remove.length > 0 ? [`REMOVE ${remove.map((name) => `#${name}`).join(', ')}`] : []),
      ].join(' '),
      condition: current ? '#Revision = :seen' : 'attribute_not_exists(pk)',
      names: Object.fromEntries(entries.map(([name]) => [name, name])),
      values: { ...Object.fromEntries(entries), ...(current && { seen: current.Revision }) },
    });
    return written !== undefined;
  }

  /** Adds to members and history what the current item says that it wrote last. The history row says that all is there. */
  async #finish({ pk, Key, Revision, Last }: CurrentItem): Promise<void> {
    const { EventId, At, Change: change, Member, Waits } = Last;
    if (await this.#rows.get(pk, historyKey(At, EventId), HistoryItem)) return;
    if (Waits !== undefined) {
      await this.#rows.put(
        {
          pk,
          sk: memberKey(Member),
          Key,
          At,
          Waits,
          Revision,
          // Members that are over leave the index, and later the table.
          ...(Waits ? Member !== ALL && { Member } : { [TICKETS.timeToLive]: this.#expiry() }),
        },
        'attribute_not_exists(pk) OR #Revision < :Revision',
        { Revision },
      );
    }
    await this.note(pk, { at: At, eventId: EventId, state: change, member: Member });
  }

  #update(id: string, update: Update): Promise<CurrentItem | undefined> {
    return this.#rows.update(id, 'CURRENT', update, CurrentItem);
  }

  #expiry(): number {
    return Math.floor(this.#now() / 1000) + KEPT_DAYS * 86_400;
  }
}

/** What a row of the history says. */
type Happening = Pick<Change, 'at' | 'eventId' | 'state' | 'member'>;

const historyKey = (at: string, eventId: string) => `${at}#${eventId}`;
const memberKey = (member: string) => `MEMBER#${member}`;
const latestId = (pipeline: string, member: string) => `${pipeline}#${member}`;
