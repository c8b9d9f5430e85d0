import type { JsonObject } from './json.ts';

/** Errors that end an execution whatever `States.ALL` or `States.TaskFailed` says (concepts-error-handling). */
const TERMINAL = new Set(['States.DataLimitExceeded', 'States.Runtime']);
const TIMEOUTS = new Set(['States.Timeout', 'States.HeartbeatTimeout']);

/** An error of a state: what `Retry` and `Catch` match and what `$states.errorOutput` holds. */
export class StateError extends Error {
  readonly error: string | undefined;
  readonly reason: string | undefined;
  /** A missed heartbeat is reported as `States.Timeout` and matched by `States.HeartbeatTimeout` too. */
  readonly alias: string | undefined;

  constructor(error: string | undefined, reason?: string, options: { alias?: string; cause?: unknown } = {}) {
    super(reason ?? error, { cause: options.cause });
    this.name = 'StateError';
    this.error = error;
    this.reason = reason;
    this.alias = options.alias;
  }

  /** `{Error, Cause}` as a catcher receives it. */
  get output(): JsonObject {
    return {
      ...(this.error !== undefined && { Error: this.error }),
      ...(this.reason !== undefined && { Cause: this.reason }),
    };
  }

  /** Whether a retrier or catcher with these `ErrorEquals` handles the error. */
  matches(errorEquals: readonly string[]): boolean {
    const name = this.error ?? '';
    return errorEquals.some((pattern) => {
      if (pattern === name || pattern === this.alias) return true;
      if (TERMINAL.has(name)) return false;
      return pattern === 'States.ALL' || (pattern === 'States.TaskFailed' && !TIMEOUTS.has(name));
    });
  }
}

export const dataLimitExceeded = (what: string): StateError =>
  new StateError(
    'States.DataLimitExceeded',
    `${what} with a size exceeding the maximum number of bytes service limit.`,
  );

/** Why a flow is cancelled from outside: a stopped execution, a failed sibling branch, the end of the runtime. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}
