import { AwsError, type Shape } from '../service.ts';

/** Reads members of an operation's input, refusing what has the wrong type as AWS does. */
export function text(input: Shape, member: string): string {
  const value = optionalText(input, member);
  if (value !== undefined) return value;
  throw new AwsError(
    'ValidationException',
    `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
  );
}

export function optionalText(input: Shape, member: string): string | undefined {
  const value = input[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new AwsError('SerializationException', `'${member}' must be a string`);
}

const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;

export interface Page {
  readonly size: number;
  /** Where the page begins, as the token of the page before said. */
  readonly from: string | undefined;
}

export function pageOf(input: Shape): Page {
  const size = Number(input.maxResults ?? 0) || DEFAULT_PAGE;
  if (!Number.isInteger(size) || size < 0 || size > MAX_PAGE)
    throw new AwsError('ValidationException', `maxResults must be between 0 and ${MAX_PAGE}`);
  const token = optionalText(input, 'nextToken');
  if (token === undefined) return { size, from: undefined };
  const from = Buffer.from(token, 'base64url').toString();
  if (!/^-?\d+$/.test(from)) throw new AwsError('InvalidToken', `Invalid Token: '${token}'`);
  return { size, from };
}

/** Cuts a list that was read with one row more than asked for into a page and the token of the next. */
export function paginate<T>(rows: T[], page: Page, key: (row: T) => string | number) {
  const more = rows.length > page.size;
  const items = more ? rows.slice(0, page.size) : rows;
  const last = items.at(-1);
  const nextToken =
    more && last !== undefined ? Buffer.from(String(key(last))).toString('base64url') : undefined;
  return { items, ...(nextToken !== undefined && { nextToken }) };
}

/** Times are epoch seconds in the JSON protocol. */
export const seconds = (milliseconds: number): number => milliseconds / 1000;
