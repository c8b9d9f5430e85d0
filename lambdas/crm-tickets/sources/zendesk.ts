import * as z from 'zod/mini';
import type { HttpClient } from '../../shared/http/client.ts';
import { CrmUnavailable } from '../errors.ts';
import { address, connectionOf, serviceOf, text, waitOf } from './connection.ts';
import { hostOf } from './names.ts';
import type { Source } from './source.ts';

/**
 * `clientId` and `clientSecret` are those of a confidential OAuth client whose owner is an administrator: exports are for
 * administrators only.
 */
const Connection = z.object({
  url: address,
  clientId: text,
  clientSecret: text,
  scope: z._default(text, 'read'),
  perPage: z._default(z.coerce.number().check(z.gte(1), z.lte(1000)), 1000),
});

const Page = z.object({
  tickets: z.array(z.unknown()),
  after_cursor: z.nullable(z.string()),
  end_of_stream: z.boolean(),
});

const Shown = z.object({ tickets: z.array(z.object({ updated_at: z.iso.datetime({ offset: true }) })) });

/** Seconds that `start_time` has to be in the past. */
const START_MARGIN = 60;

/**
 * Zendesk's incremental export of tickets by cursor
 * (https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/), with users,
 * organisations and the times of solution side-loaded. What changed in the minute before a request is left out and comes
 * with the next; a ticket that changes comes again.
 */
export function zendesk(connection: unknown, http: HttpClient): Source {
  const { url, clientId, clientSecret, scope, perPage } = connectionOf(Connection, connection);
  const service = serviceOf(
    'Zendesk',
    { kind: 'oauth', tokenUrl: `${url}/oauth/tokens`, clientId, clientSecret, scope, as: 'json' },
    http,
  );
  const include = 'users,organizations,metric_sets';
  const common = { per_page: String(perPage), include };
  return {
    name: `zendesk-${hostOf(url)}`,
    format: 'zendesk',
    first: (since) => {
      const latest = Math.floor(http.now() / 1000) - START_MARGIN;
      return `start_time=${Math.min(Math.floor(since.getTime() / 1000), latest)}`;
    },
    async fetch(position) {
      const query = new URLSearchParams([...new URLSearchParams(position), ...Object.entries(common)]);
      const answer = await service.call({
        method: 'GET',
        url: `${url}/api/v2/incremental/tickets/cursor.json?${query}`,
      });
      const page = service.read(Page, answer);
      if (!page.end_of_stream && !page.after_cursor) {
        throw new CrmUnavailable('Zendesk says that there is more, and not where.');
      }
      return {
        body: answer.text,
        tickets: page.tickets.length,
        // At the end of an export that has nothing new there may be no cursor: the old one stays.
        next: page.after_cursor ? `${new URLSearchParams({ cursor: page.after_cursor })}` : position,
        end: page.end_of_stream,
        waitSeconds: waitOf(answer, http.now()),
      };
    },
    async show(ids) {
      const query = new URLSearchParams({ ids: ids.join(','), include });
      const answer = await service.call({
        method: 'GET',
        url: `${url}/api/v2/tickets/show_many.json?${query}`,
      });
      const { tickets } = service.read(Shown, answer);
      const changed = tickets.map(({ updated_at }) => Date.parse(updated_at));
      return {
        body: answer.text,
        changedAt: changed.length > 0 ? new Date(Math.max(...changed)).toISOString() : undefined,
        tickets: tickets.length,
      };
    },
  };
}
