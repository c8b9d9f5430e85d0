import { SqlError, serializationConflict } from './errors.ts';

/** What a transaction holds and has seen. */
export interface Session {
  /** Number of the last commit that the transaction sees; undefined until its first statement. */
  snapshot: number | undefined;
  readonly held: Set<string>;
}

export function newSession(): Session {
  return { snapshot: undefined, held: new Set() };
}

/**
 * Write locks on tables, as Redshift takes them: held until the transaction ends, and a transaction whose snapshot is
 * older than what another has written to the table since may not write it.
 */
export class TableLocks {
  readonly #owners = new Map<string, Session>();
  readonly #waiting = new Map<Session, { table: string; wake: () => void }>();
  readonly #committed = new Map<string, number>();
  #commits = 0;

  /** Fixes what the transaction sees, at its first statement. */
  see(session: Session): void {
    session.snapshot ??= this.#commits;
  }

  /**
   * Waits until nobody else writes the table. @throws SqlError when the wait would never end, or when it is aborted
   */
  async lock(session: Session, table: string, signal?: AbortSignal): Promise<void> {
    for (;;) {
      const owner = this.#owners.get(table);
      if (!owner || owner === session) break;
      if (this.#waitsFor(owner, session)) throw new SqlError('deadlock detected');
      await this.#wait(session, table, signal);
    }
    this.#owners.set(table, session);
    session.held.add(table);
  }

  /** Locks a table in order to write it. @throws SqlError 1023 when somebody wrote it since the snapshot */
  async write(session: Session, table: string, signal?: AbortSignal): Promise<void> {
    await this.lock(session, table, signal);
    this.see(session);
    if ((this.#committed.get(table) ?? 0) > (session.snapshot ?? 0)) throw serializationConflict(table);
  }

  /** Ends a transaction: `written` are the tables it changed, none when it was rolled back. */
  end(session: Session, written: Iterable<string>): void {
    const commit = ++this.#commits;
    for (const table of written) this.#committed.set(table, commit);
    for (const table of session.held) this.#owners.delete(table);
    session.held.clear();
    session.snapshot = undefined;
    for (const { wake } of [...this.#waiting.values()]) wake();
  }

  #wait(session: Session, table: string, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(new SqlError("Query cancelled on user's request"));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    this.#waiting.set(session, { table, wake: resolve });
    return promise.finally(() => {
      this.#waiting.delete(session);
      signal?.removeEventListener('abort', abort);
    });
  }

  /** Whether `session` waits, directly or through others, for `other`. */
  #waitsFor(session: Session, other: Session): boolean {
    const waiting = this.#waiting.get(session);
    const owner = waiting && this.#owners.get(waiting.table);
    return owner !== undefined && (owner === other || this.#waitsFor(owner, other));
  }
}
