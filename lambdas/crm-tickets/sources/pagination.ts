import * as z from 'zod/mini';
import type { Answer } from '../../shared/http/service.ts';
import { text } from './connection.ts';
import { at } from './pointer.ts';

const pointer = z.string().check(z.regex(/^\/.+$/));

/** How the pages of a REST API follow each other. */
export const Pagination = z.discriminatedUnion('kind', [
  /** All items are on one page. */
  z.object({ kind: z.literal('none') }),
  /**
   * The body names a cursor that goes back as a parameter, and is empty at the end. Where `more` says whether there is
   * more, the cursor of the last page begins the next export.
   */
  z.object({ kind: z.literal('cursor'), pointer, parameter: text, more: z.optional(pointer) }),
  /**
   * The body holds the address of the next page (Microsoft Graph's `/@odata.nextLink`), and of the next export where
   * there is a `delta` (`/@odata.deltaLink`).
   */
  z.object({ kind: z.literal('next-link'), pointer, delta: z.optional(pointer) }),
  /** The header `Link` holds the address of the next page, as `rel="next"` (RFC 8288). */
  z.object({ kind: z.literal('link-header') }),
  /** Items are counted; a page that is not full is the last one. */
  z.object({
    kind: z.literal('offset'),
    parameter: z._default(text, 'offset'),
    limitParameter: z._default(text, 'limit'),
    limit: z._default(z.coerce.number().check(z.gte(1), z.lte(10_000)), 100),
  }),
]);
export type Pagination = z.output<typeof Pagination>;

/** Where a page begins. */
export interface Place {
  /** Address of the page; null for one that the description makes. */
  readonly url: string | null;
  readonly cursor: string | null;
  readonly offset: number;
  /** Changes from then on; ISO 8601. */
  readonly since: string | null;
  /** Latest change that was seen since; ISO 8601. */
  readonly latest: string | null;
  /** Digest of the items that come again at the beginning of an export because they changed at `since`. */
  readonly seen: string | null;
}

interface Seen {
  readonly answer: Pick<Answer, 'headers' | 'body'>;
  /** Items of the page. */
  readonly count: number;
  readonly latest: string | null;
  /** Whether the API can be asked for changes since a time, and whether its pages are in the order of changes. */
  readonly usesSince: boolean;
  readonly isSorted: boolean;
}

export interface Following {
  readonly place: Place;
  readonly end: boolean;
}

type Of<Kind extends Pagination['kind']> = Extract<Pagination, { kind: Kind }>;

/** What each kind says of the next page; null at the end, where `again` begins the next export. */
type Next = Partial<Pick<Place, 'url' | 'cursor' | 'offset'>> & { readonly again?: true };

const KINDS: {
  readonly [Kind in Pagination['kind']]: (pagination: Of<Kind>, place: Place, seen: Seen) => Next | null;
} = {
  none: () => null,
  cursor: ({ pointer: where, more }, _place, { answer: { body } }) => {
    const cursor = at(body, where);
    if (cursor === undefined || cursor === null || cursor === '') return null;
    const isLast = more !== undefined && at(body, more) !== true;
    return { cursor: String(cursor), ...(isLast && { again: true }) };
  },
  'next-link': ({ pointer: where, delta }, _place, { answer: { body } }) => {
    const next = at(body, where);
    if (typeof next === 'string') return { url: next };
    const again = delta === undefined ? undefined : at(body, delta);
    return typeof again === 'string' ? { url: again, again: true } : null;
  },
  'link-header': (_pagination, _place, { answer: { headers } }) => {
    const url = linkOf(headers.link);
    return url === undefined ? null : { url };
  },
  offset: ({ limit }, { offset }, { count }) => (count < limit ? null : { offset: offset + count }),
};

/**
 * Where the next page begins.
 *
 * Pages that are counted shift when an item changes in between, and one would be skipped. Where they are in the order of
 * changes, the next page begins at the latest change of this one instead, as long as that gets further.
 */
export function nextOf(pagination: Pagination, place: Place, seen: Seen): Following {
  const { latest, usesSince, isSorted } = seen;
  const kind = KINDS[pagination.kind] as (typeof KINDS)['none'];
  const next = kind(pagination as Of<'none'>, place, seen);
  const anew: Place = {
    url: null,
    cursor: null,
    offset: 0,
    since: usesSince ? (latest ?? place.since) : null,
    latest: null,
    seen: null,
  };
  if (next === null) return { place: anew, end: true };
  const { again, ...where } = next;
  if (again) return { place: { ...anew, ...where }, end: true };
  if (usesSince && isSorted && isLater(latest, place.since)) return { place: anew, end: false };
  return { place: { ...place, latest, ...where }, end: false };
}

const isLater = (a: string | null, b: string | null): boolean =>
  a !== null && b !== null && Date.parse(a) > Date.parse(b);

/** The target of `rel="next"` in a `Link` header: `<https://…?page=2>; rel="next", <…>; rel="last"`. */
function linkOf(header: string | string[] | undefined): string | undefined {
  const links = String(header ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[^,;=]+=(?:"[^"]*"|[^",;]*))*)/g);
  for (const [, target, parameters = ''] of links) {
    if (/;\s*rel="?[^"]*\bnext\b/i.test(parameters)) return target;
  }
  return undefined;
}
