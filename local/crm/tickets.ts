import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../services/json-file.ts';
import {
  birthOf,
  type Change,
  type Fields,
  type Life,
  lifeOf,
  PRIORITIES,
  STATUSES,
  TICKET_EVERY_MS,
} from './life.ts';
import { iso, People } from './people.ts';

const FieldsSchema = z.object({
  subject: z.string(),
  description: z.string(),
  status: z.enum(STATUSES),
  priority: z.enum(PRIORITIES).nullable(),
  type: z.enum(['problem', 'incident', 'question', 'task']).nullable(),
  tags: z.array(z.string()),
  assignee_id: z.number().nullable(),
  requester_id: z.number(),
  organization_id: z.number().nullable(),
  channel: z.string(),
  external_id: z.string().nullable(),
});
const ChangeSchema = z.object({
  at: z.number(),
  set: FieldsSchema.partial(),
  comment: z.string().optional(),
  isSilent: z.boolean().optional(),
  isOwn: z.boolean().optional(),
});
/** What is not a function of the seed: when it all began, and what somebody has done since. */
const Kept = z.object({
  base: z.number(),
  born: z.array(z.object({ id: z.number(), born: ChangeSchema.extend({ set: FieldsSchema }) })),
  changes: z.record(z.string(), z.array(ChangeSchema)),
});

/** A ticket as it is at an instant. */
export interface Ticket {
  readonly id: number;
  readonly fields: Fields;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** When the export saw it last; never before `updatedAt`. */
  readonly generatedAt: number;
  /** Everything until then, the oldest first. */
  readonly history: readonly Change[];
}

/** Something that has happened to a ticket, and what the ticket is after it. */
export interface Happening {
  readonly ticket: Ticket;
  readonly change: Change;
  /** Undefined for a new one. */
  readonly before: Fields | undefined;
}

export interface TicketsOptions {
  /** Where is kept what does not follow from the seed. */
  readonly directory: string;
  readonly seed: number;
  /** Tickets that are there from the start. */
  readonly atStart: number;
  /** Address of the CRM. */
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const FIRST_OWN_TICKET = 1_000_001;

/**
 * The tickets of a CRM: those that are made up, whose lives follow from the seed and the time, and those that somebody
 * has made or changed through the API, which are kept on disk.
 */
export class Tickets {
  readonly people: People;
  readonly #seed: number;
  readonly #now: () => number;
  readonly #file: JsonFile<typeof Kept>;
  readonly #kept: z.output<typeof Kept>;
  readonly #lives: Life[] = [];

  constructor(options: TicketsOptions) {
    this.#seed = options.seed;
    this.#now = options.now;
    this.#file = new JsonFile(join(options.directory, 'crm.json'), Kept);
    const hour = 3_600_000;
    const start = Math.floor(options.now() / hour) * hour;
    this.#kept = this.#file.read() ?? {
      base: start - options.atStart * TICKET_EVERY_MS,
      born: [],
      changes: {},
    };
    this.#file.write(this.#kept);
    this.people = new People(options.seed, this.#kept.base, options.url);
  }

  /** Every ticket that there is by now. */
  all(): Ticket[] {
    const now = this.#now();
    return this.#bornBy(now).map((life) => ticketAt(life, now));
  }

  find(id: number): Ticket | undefined {
    const now = this.#now();
    const life = this.#bornBy(now).find((each) => each.id === id);
    return life && ticketAt(life, now);
  }

  /** A new ticket. */
  open(fields: Fields): Happening {
    const born = { at: this.#second(), set: { ...fields, tags: [...fields.tags] }, isOwn: true };
    const id = FIRST_OWN_TICKET + this.#kept.born.length;
    this.#kept.born.push({ id, born });
    this.#file.write(this.#kept);
    return { ticket: this.#known(id), change: born, before: undefined };
  }

  /** Changes a ticket now. */
  change(id: number, set: Partial<Fields>, comment?: string): Happening {
    const before = this.#known(id).fields;
    const { tags, ...rest } = set;
    const change = {
      at: this.#second(),
      set: { ...rest, ...(tags && { tags: [...tags] }) },
      comment,
      isOwn: true,
    };
    this.#kept.changes[id] = [...(this.#kept.changes[id] ?? []), change];
    this.#file.write(this.#kept);
    return { ticket: this.#known(id), change, before };
  }

  /** What has happened by itself after an instant until another, the oldest first. */
  between(after: number, until: number): Happening[] {
    const happenings: Happening[] = [];
    for (const life of this.#bornBy(until)) {
      const all = [life.born, ...life.changes];
      for (const [i, change] of all.entries()) {
        if (change.at <= after || change.at > until || change.isSilent || change.isOwn) continue;
        const before = i === 0 ? undefined : fieldsOf(life, all.slice(1, i));
        happenings.push({ ticket: ticketAfter(life, all.slice(1, i + 1)), change, before });
      }
    }
    return happenings.sort((a, b) => a.change.at - b.change.at);
  }

  /** When the next thing happens by itself after an instant; within the time between two tickets. */
  nextAfter(instant: number): number {
    const until = instant + 2 * TICKET_EVERY_MS;
    const times = this.#bornBy(until)
      .flatMap(({ born, changes }) => [born.at, ...changes.map(({ at }) => at)])
      .filter((at) => at > instant);
    return Math.min(until, ...times);
  }

  #known(id: number): Ticket {
    const ticket = this.find(id);
    if (!ticket) throw new Error(`There is no ticket ${id}.`);
    return ticket;
  }

  #second(): number {
    return Math.floor(this.#now() / 1000) * 1000;
  }

  #bornBy(now: number): Life[] {
    const { base, born, changes } = this.#kept;
    for (let n = this.#lives.length; birthOf(this.#seed, base, n) <= now; n++) {
      this.#lives.push(lifeOf(this.#seed, base, n, this.people));
    }
    const own = born.map((each): Life => ({ ...each, changes: [] }));
    return [...this.#lives, ...own]
      .filter((life) => life.born.at <= now)
      .map((life) => withChanges(life, changes[life.id]));
  }
}

function withChanges(life: Life, own: readonly Change[] | undefined): Life {
  if (!own) return life;
  return { ...life, changes: [...life.changes, ...own].sort((a, b) => a.at - b.at) };
}

function ticketAt(life: Life, now: number): Ticket {
  return ticketAfter(
    life,
    life.changes.filter(({ at }) => at <= now),
  );
}

function ticketAfter(life: Life, changes: readonly Change[]): Ticket {
  const loud = changes.filter(({ isSilent }) => !isSilent);
  return {
    id: life.id,
    fields: fieldsOf(life, changes),
    createdAt: life.born.at,
    updatedAt: loud.at(-1)?.at ?? life.born.at,
    generatedAt: changes.at(-1)?.at ?? life.born.at,
    history: [life.born, ...loud],
  };
}

const fieldsOf = (life: Life, changes: readonly Change[]): Fields =>
  Object.assign({}, life.born.set, ...changes.map(({ set }) => set));

const first = (ticket: Ticket, set: (fields: Partial<Fields>) => boolean) =>
  ticket.history.find((change) => set(change.set))?.at;
const time = (at: number | undefined) => (at === undefined ? null : iso(at));

/** A ticket as Zendesk's API shows one. */
export function shown(ticket: Ticket, url: string): Record<string, unknown> {
  const { id, fields } = ticket;
  const { channel, ...rest } = fields;
  return {
    url: `${url}/api/v2/tickets/${id}.json`,
    id,
    ...rest,
    raw_subject: fields.subject,
    via: { channel, source: { from: {}, to: {}, rel: null } },
    created_at: iso(ticket.createdAt),
    updated_at: iso(ticket.updatedAt),
    generated_timestamp: ticket.generatedAt / 1000,
    recipient: null,
    submitter_id: fields.requester_id,
    group_id: null,
    collaborator_ids: [],
    follower_ids: [],
    email_cc_ids: [],
    forum_topic_id: null,
    problem_id: null,
    has_incidents: false,
    is_public: true,
    due_at: null,
    custom_fields: [],
    satisfaction_rating: { score: 'unoffered' },
    sharing_agreement_ids: [],
    brand_id: 1,
    allow_channelback: false,
    allow_attachments: true,
    from_messaging_channel: channel === 'native_messaging',
  };
}

/** What the side-load `metric_sets` puts into a ticket. */
export function metricSet(ticket: Ticket): Record<string, unknown> {
  const statuses = ticket.history.filter(({ set }) => set.status !== undefined);
  const isSolved = ticket.fields.status === 'solved' || ticket.fields.status === 'closed';
  const assigned = first(ticket, ({ assignee_id }) => typeof assignee_id === 'number');
  return {
    id: ticket.id,
    ticket_id: ticket.id,
    created_at: iso(ticket.createdAt),
    updated_at: iso(ticket.updatedAt),
    reopens: statuses.filter(
      ({ set }, i) => set.status === 'open' && statuses[i - 1]?.set.status === 'solved',
    ).length,
    replies: ticket.history.filter(({ comment }) => comment).length,
    status_updated_at: time(statuses.at(-1)?.at),
    initially_assigned_at: time(assigned),
    assigned_at: time(assigned),
    solved_at: time(isSolved ? statuses.findLast(({ set }) => set.status === 'solved')?.at : undefined),
    latest_comment_added_at: time(ticket.history.findLast(({ comment }) => comment)?.at ?? ticket.createdAt),
  };
}
