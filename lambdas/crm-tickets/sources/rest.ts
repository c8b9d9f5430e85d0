import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { HttpClient } from '../../shared/http/client.ts';
import { parseJson } from '../../shared/parse.ts';
import { CrmRefused, CrmUnavailable } from '../errors.ts';
import { Authentication, address, connectionOf, serviceOf, text, waitOf } from './connection.ts';
import { hostOf } from './names.ts';
import { nextOf, Pagination, type Place } from './pagination.ts';
import { at } from './pointer.ts';
import { itemsOf } from './rest-records.ts';
import type { Source } from './source.ts';

const pointer = z.string().check(z.regex(/^(\/.*)?$/));
const Pointers = z.record(z.string(), pointer);

const Connection = z.object({
  url: address,
  path: z.string().check(z.startsWith('/')),
  /** Of every first request. */
  query: z._default(z.record(z.string(), z.string()), {}),
  /** Parameter that asks for what changed at or after a time. Without one everything is fetched each time. */
  since: z.optional(
    z.object({
      parameter: text,
      as: z._default(z.enum(['iso', 'unix']), 'iso'),
      /** Whether `query` makes pages come in the order of changes, the oldest first. */
      isSorted: z._default(z.boolean(), false),
    }),
  ),
  headers: z._default(z.record(z.string(), z.string()), {}),
  items: pointer,
  pagination: Pagination,
  authentication: Authentication,
  ticket: Pointers.check(
    z.refine(
      (columns) => NEEDED.every((column) => column in columns),
      'expected pointers for ticket_id, status, created_at and updated_at',
    ),
  ),
  customer: z.optional(Pointers),
  openStatuses: z.optional(z.array(z.string())),
  priorities: z.optional(z.record(z.string(), z.string())),
});

const NEEDED = ['ticket_id', 'status', 'created_at', 'updated_at'];

const Position: z.ZodMiniType<Place> = z.object({
  url: z.nullable(z.string()),
  cursor: z.nullable(z.string()),
  offset: z.number(),
  since: z.nullable(z.string()),
  latest: z.nullable(z.string()),
  seen: z.nullable(z.string()),
});

/**
 * Any REST API that its secret describes: where the items are and how they become tickets, how pages follow each other
 * (pagination.ts), how requests are authorised.
 *
 * Where the API can be asked for what changed since a time, the next export begins at the latest change of this one. What
 * changed at that very moment comes again, and is no news when nothing else does.
 */
export function rest(connection: unknown, http: HttpClient): Source {
  const settings = connectionOf(Connection, connection);
  const { url, path, query, since, headers, items, pagination, authentication } = settings;
  const { ticket, customer, openStatuses, priorities } = settings;
  const name = new URL(url).host;
  const service = serviceOf(name, authentication, http);

  function urlOf(place: Place): string {
    if (place.url !== null) return sameHost(place.url);
    const parameters = new URLSearchParams(query);
    if (since && place.since !== null) parameters.set(since.parameter, timeOf(place.since, since.as));
    if (pagination.kind === 'cursor' && place.cursor !== null) {
      parameters.set(pagination.parameter, place.cursor);
    }
    if (pagination.kind === 'offset') {
      parameters.set(pagination.limitParameter, String(pagination.limit));
      parameters.set(pagination.parameter, String(place.offset));
    }
    const asked = parameters.size > 0 ? `?${parameters}` : '';
    return `${url}${path}${asked}`;
  }

  /** Links lead where the credentials may go. */
  function sameHost(link: string): string {
    const target = URL.parse(link, `${url}${path}`);
    if (target?.origin === new URL(url).origin) return target.href;
    throw new CrmRefused(
      `${name} answered with a link to ${target?.host ?? 'nowhere'}, which is not followed: the credentials are for ${name}.`,
    );
  }

  return {
    name: `rest-${hostOf(url)}`,
    format: 'rest',
    mapping: {
      items,
      ticket,
      ...(customer && { customer }),
      ...(openStatuses && { openStatuses }),
      ...(priorities && { priorities }),
    },
    first: (from) => placeText({ ...START, since: since ? from.toISOString() : null }),
    async fetch(position) {
      const place = parseJson(Position, position, 'position');
      const answer = await service.call({ method: 'GET', url: urlOf(place), headers });
      const found = itemsOf(answer.body, items);
      if (!found) throw new CrmUnavailable(`${name} answered without the items that its secret tells of.`);
      const times = found.map((item) => at(item, ticket.updated_at ?? '')).filter((time) => isTime(time));
      const { place: next, end } = nextOf(pagination, place, {
        answer,
        count: found.length,
        latest: times.reduce<string | null>(later, place.latest),
        usesSince: since !== undefined,
        isSorted: since?.isSorted ?? false,
      });
      // Only the last page of an export can be the same again.
      const digest = createHash('sha256').update(JSON.stringify(found)).digest('hex');
      const isKnown = end && found.length > 0 && place.url === null && place.seen === digest;
      return {
        body: answer.text,
        tickets: isKnown ? 0 : found.length,
        next: placeText(
          end ? { ...next, seen: boundaryOf(found, ticket.updated_at ?? '', next.since) } : next,
        ),
        end,
        waitSeconds: waitOf(answer, http.now()),
      };
    },
  };
}

const START: Place = { url: null, cursor: null, offset: 0, since: null, latest: null, seen: null };

const placeText = ({ url, cursor, offset, since, latest, seen }: Place): string =>
  JSON.stringify({ url, cursor, offset, since, latest, seen });

const isTime = (value: unknown): value is string =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value));

const later = (a: string | null, b: string): string => (a !== null && Date.parse(a) >= Date.parse(b) ? a : b);

const timeOf = (time: string, as: 'iso' | 'unix'): string =>
  as === 'iso' ? time : String(Math.floor(Date.parse(time) / 1000));

/** Digest of the items that the next export begins with, should nothing else have changed. */
function boundaryOf(items: readonly unknown[], updatedAt: string, since: string | null): string | null {
  if (since === null) return null;
  const again = items.filter((item) => Date.parse(String(at(item, updatedAt))) >= Date.parse(since));
  return createHash('sha256').update(JSON.stringify(again)).digest('hex');
}
