import { Chance } from './chance.ts';
import type { People } from './people.ts';
import { MOODS, PRODUCTS, REPLIES, TOPICS, type Topic } from './words.ts';

export const STATUSES = ['new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted'] as const;
export type Status = (typeof STATUSES)[number];
export const PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** What may change about a ticket. */
export interface Fields {
  readonly subject: string;
  readonly description: string;
  readonly status: Status;
  readonly priority: Priority | null;
  readonly type: 'problem' | 'incident' | 'question' | 'task' | null;
  readonly tags: readonly string[];
  readonly assignee_id: number | null;
  readonly requester_id: number;
  readonly organization_id: number | null;
  readonly channel: string;
  readonly external_id: string | null;
}

/** One thing that happens to a ticket. */
export interface Change {
  /** Milliseconds since the epoch, whole seconds. */
  readonly at: number;
  readonly set: Partial<Fields>;
  readonly comment?: string;
  /** Zendesk's own work on a ticket: the export brings it again, though nobody has updated it. */
  readonly isSilent?: boolean;
  /** Somebody did it through the API. */
  readonly isOwn?: boolean;
}

/** A ticket from its first second on: the first change holds all fields. */
export interface Life {
  readonly id: number;
  readonly born: Change & { readonly set: Fields };
  readonly changes: readonly Change[];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Mean time between two tickets; a few thousand of them are three months. */
export const TICKET_EVERY_MS = 43 * MINUTE_MS;
export const TICKETS_AT_START = 3000;
const FIRST_TICKET = 10_001;
/** The automation that every account begins with closes tickets four days after they were solved. */
const CLOSES_AFTER_MS = 4 * DAY_MS;

const CHANNELS = ['email', 'email', 'email', 'web', 'web', 'chat', 'native_messaging', 'api'];
const DAYS_TO_SOLVE: Readonly<Record<Priority, number>> = { urgent: 0.5, high: 1.5, normal: 4, low: 8 };

const seconds = (ms: number) => Math.floor(ms / 1000) * 1000;

/** When the n-th ticket comes, from 0. */
export function birthOf(seed: number, base: number, n: number): number {
  return seconds(base + (n + new Chance(seed, n).between(0, 1)) * TICKET_EVERY_MS);
}

/** What happens to the n-th ticket, in its time and after. */
export function lifeOf(seed: number, base: number, n: number, people: People): Life {
  const born = birthOf(seed, base, n);
  const chance = new Chance(seed + 2, n);
  const requester = people.writer(chance);
  const mood = chance.one(MOODS);
  const topic = chance.one<Topic>(TOPICS[mood]);
  const fill = filler(chance);
  const user = people.user(requester, born);
  const priority = chance.one([...PRIORITIES, 'normal', 'normal', 'low'] as const);
  const isVip = chance.happens(0.05);
  const set: Fields = {
    subject: fill(topic.subject),
    description: [
      'Hello,',
      topic.sentences.map(fill).join(' '),
      `Kind regards, ${user?.name}${chance.happens(0.3) ? `, ${user?.email}` : ''}`,
    ].join('\n\n'),
    status: 'new',
    priority: null,
    type: null,
    tags: isVip ? [...topic.tags, 'vip'] : [...topic.tags],
    assignee_id: null,
    requester_id: requester,
    organization_id: user?.organization_id ?? null,
    channel: chance.one(CHANNELS),
    external_id: null,
  };
  return {
    id: FIRST_TICKET + n,
    born: { at: born, set },
    changes: changesOf(chance, people, born, chance.happens(0.2) ? null : priority),
  };
}

function changesOf(chance: Chance, people: People, born: number, priority: Priority | null): Change[] {
  const changes: Change[] = [];
  let at = born;
  const later = (from: number, to: number, set: Partial<Fields>, more: Partial<Change> = {}) => {
    at = seconds(at + chance.between(from, to));
    changes.push({ at, set, ...more });
  };
  const reply = () => ({ comment: chance.one(REPLIES) });
  if (chance.happens(0.03)) {
    later(HOUR_MS, 3 * DAY_MS, { status: 'deleted' });
    return changes;
  }
  const first = {
    assignee_id: people.agent(chance),
    priority,
    type: chance.one(['question', 'problem'] as const),
  };
  later(5 * MINUTE_MS, 8 * HOUR_MS, { status: 'open', ...first }, reply());
  if (chance.happens(0.5)) {
    later(HOUR_MS, DAY_MS, { status: 'pending' }, reply());
    later(2 * HOUR_MS, 2 * DAY_MS, { status: 'open' }, { comment: 'Here is what you asked for.' });
  }
  if (chance.happens(0.1)) later(HOUR_MS, DAY_MS, { status: 'hold' });
  if (chance.happens(0.1)) return changes;
  const days = DAYS_TO_SOLVE[priority ?? 'normal'];
  later(0.2 * days * DAY_MS, 2 * days * DAY_MS, { status: 'solved' }, reply());
  if (chance.happens(0.07)) {
    later(DAY_MS, 3 * DAY_MS, { status: 'open' }, { comment: 'It has happened again.' });
    later(HOUR_MS, 2 * DAY_MS, { status: 'solved' }, reply());
  }
  later(CLOSES_AFTER_MS, CLOSES_AFTER_MS + HOUR_MS, { status: 'closed' });
  if (chance.happens(0.05)) later(DAY_MS, 20 * DAY_MS, {}, { isSilent: true });
  return changes;
}

function filler(chance: Chance): (text: string) => string {
  const values: Readonly<Record<string, string>> = {
    order: `SO-${chance.whole(100_000, 999_999)}`,
    product: chance.one(PRODUCTS),
    days: String(chance.whole(2, 30)),
  };
  return (text) => {
    const filled = text.replaceAll(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
    return filled.charAt(0).toUpperCase() + filled.slice(1);
  };
}
