/**
 * Errors of the CRM. Messages name the CRM, what it said and what to do, and never hold an address's path, a credential
 * or the body of an answer.
 */

/** The CRM cannot be reached, is too slow, fails, or answers what its API does not publish. It passes by itself. */
export class CrmUnavailable extends Error {
  override readonly name = 'CrmUnavailable';
}

/** The CRM takes no more requests for now. */
export class CrmThrottled extends Error {
  override readonly name = 'CrmThrottled';
  /** Seconds that the CRM asked to wait, if it did. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, retryAfterSeconds?: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The CRM, or a check before it, refuses the request. Somebody has to mend the connection in its secret. */
export class CrmRefused extends Error {
  override readonly name = 'CrmRefused';
  readonly permanent = true;
}

/** What was published of a page is not what was read less what was quarantined. */
export class CountMismatch extends Error {
  override readonly name = 'CountMismatch';
  readonly permanent = true;
}

/** The job's result is not what the dataset says; another run of the same job would give the same. */
export class WrongFeatures extends Error {
  override readonly name = 'WrongFeatures';
  readonly permanent = true;
}
