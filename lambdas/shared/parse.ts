import * as z from 'zod/mini';
import { InvalidEvent } from './errors.ts';

/**
 * Parses what arrived at a function.
 * @throws InvalidEvent saying which members are wrong, never what they held
 */
export function parse<Schema extends z.ZodMiniType>(
  schema: Schema,
  value: unknown,
  what = 'event',
): z.output<Schema> {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  throw new InvalidEvent(`The ${what} is not what this function takes: ${problems(result.error)}.`);
}

/** Parses JSON text, then its shape. @throws InvalidEvent */
export function parseJson<Schema extends z.ZodMiniType>(
  schema: Schema,
  text: string,
  what = 'event',
): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidEvent(`The ${what} is not JSON.`);
  }
  return parse(schema, value, what);
}

/** `a.b: expected string; c: invalid format`. Says what is wrong, never what the values are. */
export function problems(error: z.core.$ZodError): string {
  return error.issues
    .map((issue) => {
      const where = issue.path.length > 0 ? issue.path.join('.') : 'all of it';
      if (issue.code === 'invalid_type') return `${where}: expected ${issue.expected}`;
      return `${where}: ${issue.code === 'custom' ? issue.message : issue.code.replaceAll('_', ' ')}`;
    })
    .join('; ');
}
