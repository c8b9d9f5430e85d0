import { randomUUID } from 'node:crypto';
import { METRIC } from '../shared/contract.ts';
import { isNamed, messageOf, nameOf } from '../shared/errors.ts';
import type { Run } from '../shared/handler.ts';
import {
  type DeskTicket,
  type HelpDeskSettings,
  type Provider,
  SECOND_CHANNEL,
  type Ticket,
} from './contract.ts';
import type { Desks } from './desks.ts';
import { type Call, paceAfter, planOf, SECOND_CHANNEL_KIND } from './pace.ts';
import { type CurrentItem, type DeskItem, shownAt } from './ticket.ts';
import type { Tickets } from './tickets.ts';

export interface SynchroniseDependencies {
  readonly tickets: Tickets;
  readonly desks: Desks;
  readonly secondChannel: Provider;
  readonly settings: HelpDeskSettings;
  readonly now: () => number;
  /** 0 ≤ n < 1; chance in the back-off. @default Math.random */
  readonly random?: () => number;
}

/** Longer than an invocation lasts: while it talks to a desk, nobody else does about the same ticket. */
const LEASE_MS = 130_000;
/** Calls in one go: resolve an old ticket, open a new one, and what changed meanwhile. */
const MOST_CALLS = 5;
/** After this time no further call is begun, so that a slow desk does not outlast the invocation. */
const PATIENCE_MS = 30_000;

interface Party {
  readonly name: string;
  readonly kind: string;
  provider(): Promise<Provider | undefined>;
  /** Before this time it takes no requests at all, milliseconds since 1970. */
  pausedUntil(): number;
  /** Takes in what it failed with. */
  failed(error: unknown, retryAt: number): void;
}

/**
 * Brings every desk of a ticket to what the ticket is now, each by itself. Without a connected desk the second channel
 * is told.
 * @returns when to come back for what is not yet due or did not succeed, milliseconds since 1970
 */
export async function synchronise(
  ticket: CurrentItem,
  run: Run,
  dependencies: SynchroniseDependencies,
): Promise<number | undefined> {
  const { desks, secondChannel } = dependencies;
  const parties = desks.of(ticket).map(
    (desk): Party => ({
      name: desk.name,
      kind: desk.provider,
      provider: () => desks.provider(desk),
      pausedUntil: () => desks.pausedUntil(desk),
      failed: (error, retryAt) => {
        if (isNamed(error, 'DeskRefused')) desks.forget(desk);
        if (isNamed(error, 'DeskThrottled')) desks.pause(desk, retryAt);
      },
    }),
  );
  const results = await every(parties, (party) => bring(party, ticket, run, dependencies));
  const isTold = results.some(({ isConnected }) => isConnected);
  if (!isTold || ticket.Desks[SECOND_CHANNEL]?.State === 'OPEN') {
    const party: Party = {
      name: SECOND_CHANNEL,
      kind: SECOND_CHANNEL_KIND,
      provider: async () => secondChannel,
      pausedUntil: () => 0,
      failed: () => {},
    };
    results.push(await bring(party, ticket, run, dependencies));
  }
  const times = results.flatMap(({ again }) => (again === undefined ? [] : [again]));
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** Works on all, and lets all come to their end before it throws what one has thrown. */
export async function every<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = await Promise.allSettled(items.map(work));
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

interface Brought {
  /** Whether there is somebody to tell, however it went. */
  readonly isConnected: boolean;
  readonly again?: number;
}

/** Brings one desk to what the ticket is now. What the desk or its connection fails with is written down, not thrown. */
async function bring(
  party: Party,
  seen: CurrentItem,
  run: Run,
  dependencies: SynchroniseDependencies,
): Promise<Brought> {
  const { tickets, now } = dependencies;
  let ticket = seen;
  let isConnected = true;
  const deadline = now() + PATIENCE_MS;
  for (let calls = 0; calls < MOST_CALLS && now() < deadline; calls++) {
    const plan = planOf(ticket, ticket.Desks[party.name]);
    if (!plan) return { isConnected };
    const notBefore = Math.max(plan.notBefore, party.pausedUntil());
    if (notBefore > now()) return { isConnected, again: notBefore };
    let provider: Provider | undefined;
    let broken: unknown;
    try {
      provider = await party.provider();
      if (!provider) return { isConnected: false };
    } catch (error) {
      // Nobody is told by a desk without a whole connection: the second channel is.
      isConnected = false;
      broken = error;
    }
    const by = randomUUID();
    const taken = await tickets.take(ticket, party.name, party.kind, by, isoOf(now() + LEASE_MS));
    if (!taken) return { isConnected };
    const result = await turn(party, provider, broken, taken, run, dependencies);
    const given = await tickets.give(taken.pk, party.name, by, result);
    // The turn was over: somebody else has it, and sees to the rest.
    if (!given) return { isConnected };
    const retryAt = Date.parse(result.RetryAt ?? '');
    if (retryAt > now()) return { isConnected, again: retryAt };
    ticket = given;
  }
  return { isConnected, again: now() + 1_000 };
}

/** One turn at a desk: what it has afterwards. */
async function turn(
  party: Party,
  provider: Provider | undefined,
  broken: unknown,
  ticket: CurrentItem,
  run: Run,
  { settings, now, random = Math.random }: SynchroniseDependencies,
): Promise<DeskItem> {
  const known = ticket.Desks[party.name];
  if (!known) throw new Error(`${party.name} has a turn and no item`);
  const plan = planOf(ticket, known);
  if (!plan || plan.notBefore > now()) return known;
  try {
    if (!provider) throw broken;
    const next = await CALLS[plan.call](provider, ticket, known, settings);
    run.log.info('A desk was told.', { desk: party.name, call: plan.call, ticket: next.Id });
    const { Failure: _, RetryAt: __, ...rest } = next;
    return { ...rest, ...paceAfter(plan.call, known, now()), UpdatedAt: isoOf(now()) };
  } catch (error) {
    run.meter.add(METRIC.deskFailures, 1, { Desk: party.name });
    run.log.warn('A desk failed; it is tried again.', {
      desk: party.name,
      call: plan.call,
      reason: `${nameOf(error)}: ${messageOf(error)}`,
    });
    const count = (known.Failure?.Count ?? 0) + 1;
    const retryAt = now() + 1_000 * retrySeconds(error, count, random);
    party.failed(error, retryAt);
    return {
      ...known,
      Failure: {
        Name: nameOf(error),
        Message: messageOf(error).slice(0, MAX_MESSAGE),
        At: isoOf(now()),
        Count: count,
      },
      RetryAt: isoOf(retryAt),
    };
  }
}

const MAX_MESSAGE = 500;

/** Longest wait after a failure that heals by itself, seconds; and after one that somebody has to mend. */
const LONGEST_SECONDS = 300;
const REFUSED_SECONDS = { first: 60, longest: 900 };
/** A desk that is told less is asked no later than this, whatever it says, seconds: an hour. */
const LONGEST_THROTTLE = 3_600;

/** Seconds until a desk that failed `count` times is tried again. */
function retrySeconds(error: unknown, count: number, random: () => number): number {
  const doubled = 2 ** Math.min(count, 20);
  if (isNamed(error, 'DeskRefused')) {
    return Math.min(REFUSED_SECONDS.longest, (REFUSED_SECONDS.first * doubled) / 2);
  }
  // Half of it by chance, so that what failed together does not come back together.
  const own = Math.ceil(Math.min(LONGEST_SECONDS, doubled) * (0.5 + random() / 2));
  const asked =
    error instanceof Error && 'retryAfterSeconds' in error ? Number(error.retryAfterSeconds) || 0 : 0;
  return Math.min(LONGEST_THROTTLE, Math.max(own, asked));
}

type Telling = (
  provider: Provider,
  ticket: CurrentItem,
  known: DeskItem,
  settings: HelpDeskSettings,
) => Promise<DeskItem>;

const CALLS: Readonly<Record<Call, Telling>> = {
  open: (provider, ticket, known, settings) => opened(provider, ticket, known, settings, 1),
  update: async (provider, ticket, known, settings) => {
    try {
      await provider.update(shown(ticket, known, settings), ticketAt(known));
    } catch (error) {
      // Closed for good while the incident lasts: it gets a new one.
      if (isNamed(error, 'TicketGone')) return opened(provider, ticket, known, settings, known.Opening + 1);
      throw error;
    }
    return { ...known, Revision: ticket.Revision };
  },
  resolve: async (provider, ticket, known, settings) => {
    try {
      await provider.resolve(shown(ticket, known, settings), ticketAt(known));
    } catch (error) {
      if (!isNamed(error, 'TicketGone')) throw error;
    }
    const isOld = known.Generation < ticket.Generation;
    return { ...known, State: 'RESOLVED', Revision: isOld ? known.Revision : ticket.Revision };
  },
  reopen: async (provider, ticket, known, settings) => {
    const again = await provider.reopen(shown(ticket, known, settings), ticketAt(known));
    if (!again) return opened(provider, ticket, known, settings, known.Opening + 1);
    return { ...known, ...identified(again), State: 'OPEN', Revision: ticket.Revision };
  },
};

/** Opens a ticket. Its identity is the same however often this is repeated, so that the desk finds the one it has. */
async function opened(
  provider: Provider,
  ticket: CurrentItem,
  { Url: _, ...known }: DeskItem,
  settings: HelpDeskSettings,
  opening: number,
): Promise<DeskItem> {
  const generation = ticket.Generation;
  const at = await provider.open(shownAt(ticket, { generation, opening }, settings));
  return {
    ...known,
    ...identified(at),
    State: 'OPEN',
    Generation: generation,
    Opening: opening,
    Revision: ticket.Revision,
  };
}

/** A ticket as the desk knows it already. */
function shown(ticket: CurrentItem, { Generation, Opening }: DeskItem, settings: HelpDeskSettings): Ticket {
  return shownAt(ticket, { generation: Generation, opening: Opening }, settings);
}

function ticketAt({ Id, Url }: DeskItem): DeskTicket {
  if (Id === undefined) throw new Error('A ticket that no desk has cannot be changed there.');
  return { id: Id, ...(Url && { url: Url }) };
}

const identified = ({ id, url }: DeskTicket) => ({ Id: id, ...(url && { Url: url }) });

const isoOf = (millis: number) => new Date(millis).toISOString();
