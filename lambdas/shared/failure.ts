import * as z from 'zod/mini';
import type { Reason } from './contract.ts';

/** Longest sentence kept of an error's cause. */
const MAX_CAUSE = 1_000;

const ChildFailure = z.looseObject({
  ExecutionArn: z.string(),
  Error: z.string(),
  Cause: z.optional(z.string()),
});
const FunctionError = z.looseObject({ errorMessage: z.string() });

/** Why for people: of a child execution that failed its own error, of a function's error only the message. */
export function failureOf(code: string, cause: string | null | undefined): Reason {
  const value = jsonOf(cause);
  const child = z.safeParse(ChildFailure, value);
  if (child.success) return failureOf(child.data.Error, child.data.Cause);
  const told = z.safeParse(FunctionError, value);
  const message = told.success ? told.data.errorMessage : (cause ?? '');
  return { code, message: message.slice(0, MAX_CAUSE) };
}

/** How an execution ends without success: what is said where it says nothing itself. */
export const FAILURE = {
  FAILED: { code: 'FAILED', message: 'The execution failed without saying why.' },
  TIMED_OUT: { code: 'States.Timeout', message: 'The execution ran into its time-out.' },
  ABORTED: { code: 'ABORTED', message: 'Somebody stopped the execution.' },
} as const;

/** Why an execution ended without success, with words of ours where it has none. */
export function failureOfExecution(
  status: keyof typeof FAILURE,
  execution: { readonly error?: string | null | undefined; readonly cause?: string | null | undefined },
): Reason {
  const { code, message } = failureOf(execution.error || FAILURE[status].code, execution.cause);
  return { code, message: message || FAILURE[status].message };
}

/** Parses JSON text of Step Functions; `undefined` for what is empty or no JSON. */
export function jsonOf(text: string | null | undefined): unknown {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
