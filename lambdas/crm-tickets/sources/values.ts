/** A member of what may be no object. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

/** An id as text; null for nothing. */
export function idOf(value: unknown): string | null {
  return typeof value === 'number' || (typeof value === 'string' && value !== '') ? String(value) : null;
}

/** Text in lower case; anything else as it is, for the validation to refuse. */
export function lowerCase(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** Statuses, lower case, of tickets on which nobody has to do anything any more. */
const OVER: readonly unknown[] = ['solved', 'closed', 'resolved', 'done', 'deleted', 'cancelled', 'canceled'];

export const isOpen = (status: unknown): boolean => !OVER.includes(status);
