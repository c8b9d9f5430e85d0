/**
 * Errors of desks. None of them loses a message: it goes back to its queue. Messages name the desk, what it said and
 * what to do, and never hold an address's path, a credential or the body of an answer.
 */

/** The desk cannot be reached, is too slow, fails, or answers what its API does not publish. It passes by itself. */
export class DeskUnavailable extends Error {
  override readonly name = 'DeskUnavailable';
}

/** The desk takes no more requests for now. */
export class DeskThrottled extends Error {
  override readonly name = 'DeskThrottled';
  /** Seconds that the desk asked to wait, if it did. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, retryAfterSeconds?: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The desk, or a check before it, refuses the request. Somebody has to mend the connection, so the wait is long. */
export class DeskRefused extends Error {
  override readonly name = 'DeskRefused';
}

/** The desk has closed or removed the ticket for good, while its incident lasts: it takes a new one. */
export class TicketGone extends Error {
  override readonly name = 'TicketGone';
}
