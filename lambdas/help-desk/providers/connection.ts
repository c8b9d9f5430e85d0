import * as z from 'zod/mini';
import { problems } from '../../shared/parse.ts';
import { DeskRefused } from '../errors.ts';

/** A value that has to be there. */
export const text = z.string().check(z.minLength(1));

/** The address of a desk, without a slash at its end. Whether requests may go there is the HTTP client's to say. */
export const address = z.pipe(
  z.string().check(z.refine(isAddress, 'expected an address such as https://desk.example.com')),
  z.transform((value: string) => value.replace(/\/+$/, '')),
);

function isAddress(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
}

/** Members of which every connection has at least one. The template's own secret value has none of them. */
const SIGNS = ['url', 'apiKey', 'routingKey', 'webhookUrl', 'botToken'];

/**
 * Whether somebody has put a connection into the secret of a desk, complete or not. `"connected": false` takes it off
 * again without removing it.
 */
export function isConnected(connection: unknown): boolean {
  if (typeof connection !== 'object' || connection === null) return false;
  // The console's editor of keys and values writes every value as text.
  if ('connected' in connection && String(connection.connected) === 'false') return false;
  return SIGNS.some((sign) => sign in connection);
}

/** Whether a connection has a member, which tells one kind of credentials from another. */
export function has(connection: unknown, member: string): boolean {
  return typeof connection === 'object' && connection !== null && member in connection;
}

/**
 * The connection of a desk.
 * @throws DeskRefused saying which members are missing or wrong, never what they held
 */
export function connectionOf<Schema extends z.ZodMiniType>(
  desk: string,
  schema: Schema,
  connection: unknown,
): z.output<Schema> {
  const result = z.safeParse(schema, connection);
  if (result.success) return result.data;
  throw new DeskRefused(
    `The secret of the ${desk} desk does not hold a connection: ${problems(result.error)}.`,
  );
}
