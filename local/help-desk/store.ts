import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../clock.ts';
import { inTransaction } from '../transaction.ts';

export type ChangeKind = 'opened' | 'updated' | 'resolved' | 'reopened';

/** One thing that happened to a ticket. */
export interface Change {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly kind: ChangeKind;
  readonly text: string;
}

/** A ticket of any desk. */
export interface LocalTicket {
  readonly desk: string;
  /** What the desk calls it. */
  readonly id: string;
  /** Millrace's identity of it, where the desk's API has a place for one. */
  readonly externalId: string | null;
  readonly title: string;
  readonly state: 'open' | 'resolved';
  /** The state in the desk's own words. */
  readonly status: string;
  readonly priority: string | null;
  readonly openedAt: string;
  readonly updatedAt: string;
  readonly resolvedAt: string | null;
  readonly history: readonly Change[];
  /** The desk's own record of it. */
  readonly record: Readonly<Record<string, unknown>>;
}

/** What a desk says of its ticket; the shelf keeps times and history. */
export type TicketDraft = Pick<
  LocalTicket,
  'id' | 'externalId' | 'title' | 'state' | 'status' | 'priority' | 'record'
>;

export type OnChange = (ticket: LocalTicket, change: Change) => void;

/** Tickets of every desk, on disk. */
export class TicketStore {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #onChange: OnChange;

  constructor(directory: string, clock: Clock, onChange: OnChange) {
    mkdirSync(directory, { recursive: true });
    this.#clock = clock;
    this.#onChange = onChange;
    this.#db = new DatabaseSync(join(directory, 'tickets.sqlite'));
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS ticket (
        number INTEGER PRIMARY KEY, desk TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (desk, id)
      ) STRICT;
      CREATE TABLE IF NOT EXISTS note (
        desk TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (desk, name)
      ) STRICT;
    `);
  }

  /** Every ticket, oldest first. */
  all(): LocalTicket[] {
    return this.#db.prepare('SELECT body FROM ticket ORDER BY number').all().map(ticketOf);
  }

  /** The part of the store that one desk sees. */
  shelf(desk: string): Shelf {
    return new Shelf(desk, this.#db, this.#clock, this.#onChange);
  }

  /** May be called again. */
  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

/** Tickets of one desk. */
export class Shelf {
  readonly #desk: string;
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #onChange: OnChange;

  constructor(desk: string, db: DatabaseSync, clock: Clock, onChange: OnChange) {
    this.#desk = desk;
    this.#db = db;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  find(id: string): LocalTicket | undefined {
    const row = this.#db.prepare('SELECT body FROM ticket WHERE desk = ? AND id = ?').get(this.#desk, id);
    return row && ticketOf(row);
  }

  /** Oldest first. */
  all(): LocalTicket[] {
    return this.#db
      .prepare('SELECT body FROM ticket WHERE desk = ? ORDER BY number')
      .all(this.#desk)
      .map(ticketOf);
  }

  /** The next whole number of a sequence, from 1. */
  next(sequence: string): number {
    return inTransaction(this.#db, () => {
      const number = Number(this.recall(`sequence ${sequence}`) ?? 0) + 1;
      this.remember(`sequence ${sequence}`, String(number));
      return number;
    });
  }

  /** Keeps a ticket as the desk now sees it; what the change is follows from its state before. */
  save(draft: TicketDraft, text: string): LocalTicket {
    const at = new Date(this.#clock.now()).toISOString();
    const before = this.find(draft.id);
    const change: Change = { at, kind: kindOf(before?.state, draft.state), text };
    const ticket: LocalTicket = {
      ...draft,
      desk: this.#desk,
      openedAt: before?.openedAt ?? at,
      updatedAt: at,
      resolvedAt: draft.state === 'resolved' ? (before?.resolvedAt ?? at) : null,
      history: [...(before?.history ?? []), change],
    };
    this.#db
      .prepare(
        'INSERT INTO ticket (desk, id, body) VALUES (?, ?, ?) ON CONFLICT (desk, id) DO UPDATE SET body = excluded.body',
      )
      .run(this.#desk, ticket.id, JSON.stringify(ticket));
    this.#onChange(ticket, change);
    return ticket;
  }

  remember(name: string, value: string): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO note (desk, name, at, value) VALUES (?, ?, ?, ?)')
      .run(this.#desk, name, this.#clock.now(), value);
  }

  /** @param maxAgeMs what is older is forgotten */
  recall(name: string, maxAgeMs = Number.MAX_SAFE_INTEGER): string | undefined {
    const row = this.#db
      .prepare('SELECT value FROM note WHERE desk = ? AND name = ? AND at > ?')
      .get(this.#desk, name, this.#clock.now() - maxAgeMs);
    return row && String(row.value);
  }
}

function kindOf(before: LocalTicket['state'] | undefined, now: LocalTicket['state']): ChangeKind {
  if (before === undefined) return 'opened';
  if (before === now) return 'updated';
  return now === 'resolved' ? 'resolved' : 'reopened';
}

const ticketOf = (row: Record<string, unknown>): LocalTicket => JSON.parse(String(row.body));
