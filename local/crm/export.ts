import { type DeskRequest, Refusal } from '../help-desk/api.ts';

/** What changed in the minute before a request is left out of its answer. */
const SETTLES_MS = 60_000;
const MAX_PAGE = 1000;

/** Something that the incremental export lists. */
interface Exported {
  readonly id: number;
  /** Milliseconds since the epoch, whole seconds. */
  readonly generatedAt: number;
}

interface Position {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly id: number;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** The members that stand around the items of a page. */
  readonly frame: {
    readonly after_url: string | null;
    readonly after_cursor: string | null;
    readonly before_url: null;
    readonly before_cursor: null;
    readonly end_of_stream: boolean;
  };
}

/**
 * A page of the cursor-based incremental export (Zendesk API, "Incremental Exports"): in the order in which things
 * changed, each once, in its latest version. A page without items has no cursor behind it: the one before stays good.
 * @param url address of the endpoint
 * @param now milliseconds
 * @throws Refusal
 */
export function exportPage<Item extends Exported>(
  all: readonly Item[],
  request: DeskRequest,
  url: string,
  now: number,
): Page<Item> {
  const after = positionOf(request, now);
  const size = sizeOf(request.query.get('per_page'));
  const ordered = all
    .filter((item) => item.generatedAt <= now - SETTLES_MS && isBehind(item, after))
    .sort((a, b) => a.generatedAt - b.generatedAt || a.id - b.id);
  const items = ordered.slice(0, size);
  const last = items.at(-1);
  const cursor = last ? cursorOf({ at: last.generatedAt, id: last.id }) : null;
  const next = new URL(url);
  for (const [name, value] of request.query) {
    if (name !== 'start_time' && name !== 'cursor') next.searchParams.append(name, value);
  }
  if (cursor) next.searchParams.set('cursor', cursor);
  return {
    items,
    frame: {
      after_url: cursor && next.href,
      after_cursor: cursor,
      before_url: null,
      before_cursor: null,
      end_of_stream: ordered.length <= size,
    },
  };
}

function positionOf({ query }: DeskRequest, now: number): Position {
  const cursor = query.get('cursor');
  if (cursor !== null) return readCursor(cursor);
  const start = query.get('start_time');
  if (start === null || !/^\d{1,12}$/.test(start)) throw invalid('start_time', 'must be an integer');
  if (Number(start) * 1000 > now - SETTLES_MS)
    throw new Refusal(400, {
      error: 'StartTimeTooRecent',
      description: 'Too recent start_time. Use a start_time older than 60 seconds.',
    });
  // Everything of that second is behind it.
  return { at: Number(start) * 1000, id: 0 };
}

function sizeOf(text: string | null): number {
  if (text === null) return MAX_PAGE;
  if (!/^[1-9]\d*$/.test(text)) throw invalid('per_page', 'must be an integer');
  return Math.min(Number(text), MAX_PAGE);
}

const isBehind = ({ generatedAt, id }: Exported, after: Position) =>
  generatedAt > after.at || (generatedAt === after.at && id > after.id);

const cursorOf = ({ at, id }: Position) => Buffer.from(`${at / 1000}.0||${id}|`).toString('base64');

function readCursor(cursor: string): Position {
  const [, at, id] = /^(\d+)\.0\|\|(\d+)\|$/.exec(Buffer.from(cursor, 'base64').toString()) ?? [];
  if (at === undefined)
    throw new Refusal(400, { error: 'InvalidPaginationParameter', description: 'cursor: is invalid' });
  return { at: Number(at) * 1000, id: Number(id) };
}

/** How Zendesk refuses a parameter. */
export const invalid = (name: string, why: string) =>
  new Refusal(400, {
    error: {
      title: 'Invalid attribute',
      message: `You passed an invalid value for the ${name} attribute. Invalid parameter: ${name} ${why}`,
    },
  });
