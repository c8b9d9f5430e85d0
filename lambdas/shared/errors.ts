/**
 * Errors of the handlers. Their names are literals because state machines match on them and minification renames
 * classes. A throttling error of AWS is never wrapped in one of these: `Retry` would no longer match it.
 */

/** The environment of a function lacks a variable or holds a wrong one; the function cannot start. */
export class InvalidEnvironment extends Error {
  override readonly name = 'InvalidEnvironment';
}

/** What was sent to a function is not what it takes. Sending it again does not help. */
export class InvalidEvent extends Error {
  override readonly name = 'InvalidEvent';
  readonly permanent = true;
}

/** Textract did not finish within the state's time-out, and a last look found it unfinished. */
export class OcrTimedOut extends Error {
  override readonly name = 'OcrTimedOut';
}

/** Textract gave a job up for a reason that is not the document's; a new attempt starts a new job. */
export class OcrFailed extends Error {
  override readonly name = 'OcrFailed';
  readonly permanent = true;
}

/** A message of an attempt that a newer attempt has replaced. */
export class SupersededAttempt extends Error {
  override readonly name = 'SupersededAttempt';
  readonly permanent = true;
}

/** Comprehend refused a part of a text for a reason other than load. */
export class AnalysisFailed extends Error {
  override readonly name = 'AnalysisFailed';
}

/** EventBridge did not take an incident; telling it again may help. */
export class IncidentNotTaken extends Error {
  override readonly name = 'IncidentNotTaken';
}

/** SQS did not take messages; sending them again may help. */
export class MessagesNotTaken extends Error {
  override readonly name = 'MessagesNotTaken';
}

/** Names under which AWS services refuse a call because of load. */
const THROTTLES = new Set([
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
]);

/** Name of anything thrown, as state machines and logs see it. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}

/** Message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether AWS refused a call because of load, so that the same call succeeds later. */
export function isThrottle(error: unknown): boolean {
  return THROTTLES.has(nameOf(error));
}

/** Whether trying again cannot help. */
export function isPermanent(error: unknown): boolean {
  return error instanceof Error && 'permanent' in error && error.permanent === true;
}

/** Whether the error has one of these names. */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return names.includes(nameOf(error));
}
