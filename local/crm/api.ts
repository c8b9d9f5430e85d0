import { z } from 'zod';
import type { Clock } from '../clock.ts';
import {
  type Connection,
  type DeskApi,
  type DeskRequest,
  type DeskResponse,
  type Handler,
  Refusal,
  readBody,
} from '../help-desk/api.ts';
import { INVALID_TOKEN, malformed, oauth } from '../help-desk/providers/zendesk-oauth.ts';
import { Fields as Asked, notFound, recordInvalid, refuse } from '../help-desk/providers/zendesk-shapes.ts';
import { exportPage, invalid } from './export.ts';
import type { Fields } from './life.ts';
import { CUSTOMERS } from './people.ts';
import { accountHeaders, endpointHeader, RateLimit, tooMany } from './rate-limit.ts';
import { type Happening, metricSet, shown, type Ticket, type Tickets } from './tickets.ts';

/** Requests a minute: of the export's endpoints, each for itself, and of the account. */
const EXPORTS_PER_MINUTE = 10;
const REQUESTS_PER_MINUTE = 700;
/** Half an hour, so that a long export outlives its token. Zendesk grants 5 minutes to 2 days. */
const TOKEN_SECONDS = 1800;
const MAX_SHOWN = 100;
const SCOPES = ['read', 'tickets:read', 'users:read', 'organizations:read', 'write', 'tickets:write'];

const Body = z.object({ ticket: Asked.extend({ requester_id: z.int().optional() }) });

export interface CrmApiOptions {
  readonly clock: Clock;
  /** Its own address, without a slash at the end. */
  readonly url: string;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  readonly tickets: Tickets;
  /** Told of each change that came through the API. */
  readonly onChange: (happening: Happening) => void;
}

/** Zendesk's ticketing API, as far as a copy of its tickets needs it. */
export function crmApi(options: CrmApiOptions): DeskApi {
  const { clock, url, client, tickets } = options;
  const { token, authenticated } = oauth({ clock, client, scopes: SCOPES, tokenSeconds: TOKEN_SECONDS });
  const account = new RateLimit(clock, REQUESTS_PER_MINUTE);

  /** Counts requests of the account, and of an endpoint that has a limit of its own. */
  const limited = (handler: Handler, name?: string): Handler => {
    const own = name === undefined ? undefined : new RateLimit(clock, EXPORTS_PER_MINUTE);
    return (request) => {
      const isWithin = account.take();
      const isWithinOwn = own?.take() ?? true;
      const headers = { ...accountHeaders(account), ...(own && name && endpointHeader(name, own)) };
      if (!isWithin) throw tooMany(account.resets, headers);
      if (own && !isWithinOwn)
        throw tooMany(
          own.resets,
          headers,
          `incremental ${name?.split('-')[0]} export API requests per minute`,
        );
      const response = handler(request);
      return { ...response, headers: { ...headers, ...response.headers } };
    };
  };
  const read = (handler: Handler, ...scopes: string[]): Handler =>
    authenticated(limited(handler), 'read', ...scopes);

  const included = ({ query }: DeskRequest) => (query.get('include') ?? '').split(',').filter(Boolean);

  /** Tickets with what a request wants beside them. Tokens for tickets alone cannot have it. */
  function withSideLoads(request: DeskRequest, found: readonly Ticket[]) {
    const include = included(request);
    const users = new Set(found.flatMap(({ fields }) => [fields.requester_id, fields.assignee_id ?? 0]));
    const organizations = new Set(found.map(({ fields }) => fields.organization_id ?? 0));
    return {
      tickets: found.map((ticket) => ({
        ...shown(ticket, url),
        ...(include.includes('metric_sets') && { metric_set: metricSet(ticket) }),
      })),
      ...(include.includes('users') && {
        users: [...users].flatMap((id) => tickets.people.user(id, clock.now()) ?? []),
      }),
      ...(include.includes('organizations') && {
        organizations: [...organizations].flatMap((id) => tickets.people.organizations.get(id) ?? []),
      }),
    };
  }

  /** Without side-loads, a token for tickets is enough. */
  function ticketReader(handler: Handler, name?: string): Handler {
    const plain = authenticated(limited(handler, name), 'read', 'tickets:read');
    const side = authenticated(plain, 'read');
    return (request) => (included(request).length > 0 ? side(request) : plain(request));
  }

  const find = (text = ''): Ticket => {
    const ticket = tickets.find(Number(text.replace(/\.json$/, '')));
    if (!ticket || ticket.fields.status === 'deleted') throw notFound();
    return ticket;
  };

  const everyone = () =>
    Array.from({ length: CUSTOMERS }, (_, n) => tickets.people.user(20_001 + n, clock.now())).flatMap(
      (user) => (user ? [{ id: user.id, generatedAt: Date.parse(user.updated_at), user }] : []),
    );

  const routes: Record<string, Handler> = {
    'POST /oauth/tokens': token,

    'GET /api/v2/incremental/tickets/cursor': ticketReader((request) => {
      const address = `${url}/api/v2/incremental/tickets/cursor.json`;
      const isLeftOut = request.query.get('exclude_deleted') === 'true';
      const all = tickets.all().filter(({ fields }) => !isLeftOut || fields.status !== 'deleted');
      const { items, frame } = exportPage(all, request, address, clock.now());
      return { status: 200, body: { ...withSideLoads(request, items), ...frame } };
    }, 'incremental-exports-cursor'),

    'GET /api/v2/incremental/users/cursor': authenticated(
      limited((request) => {
        const address = `${url}/api/v2/incremental/users/cursor.json`;
        const { items, frame } = exportPage(everyone(), request, address, clock.now());
        return { status: 200, body: { users: items.map(({ user }) => user), ...frame } };
      }, 'users-incremental-exports-cursor'),
      'read',
      'users:read',
    ),

    'GET /api/v2/tickets/show_many': ticketReader((request) => {
      const ids = (request.query.get('ids') ?? '').split(',').filter(Boolean);
      if (ids.length === 0 || !ids.every((id) => /^\d+$/.test(id))) throw invalid('ids', 'must be integers');
      if (ids.length > MAX_SHOWN)
        throw new Refusal(400, {
          error: 'TooManyValues',
          description: `Exceeded maximum of ${MAX_SHOWN} ids`,
        });
      const found = ids.flatMap((id) => tickets.find(Number(id)) ?? []);
      const alive = found.filter(({ fields }) => fields.status !== 'deleted');
      return {
        status: 200,
        body: { ...withSideLoads(request, alive), next_page: null, previous_page: null, count: alive.length },
      };
    }),

    'GET /api/v2/tickets/:id': ticketReader((request) => {
      const { tickets, ...side } = withSideLoads(request, [find(request.params.id)]);
      return { status: 200, body: { ticket: tickets[0], ...side } };
    }),

    'POST /api/v2/tickets': authenticated(
      limited((request) => {
        const { ticket } = readBody(request, Body, malformed, refuse);
        const description = ticket.comment?.body;
        if (!description) throw recordInvalid('base', 'Description: cannot be blank');
        const requester = tickets.people.user(ticket.requester_id ?? 20_001, clock.now());
        if (!requester) throw recordInvalid('requester', 'Requester: is invalid');
        const fields: Fields = {
          subject: ticket.subject ?? description.slice(0, 150),
          description,
          status: ticket.status ?? 'new',
          priority: ticket.priority ?? null,
          type: ticket.type ?? null,
          tags: ticket.tags ?? [],
          assignee_id: ticket.assignee_id ?? null,
          requester_id: requester.id,
          organization_id: requester.organization_id,
          channel: 'api',
          external_id: ticket.external_id ?? null,
        };
        const opened = tickets.open(fields);
        options.onChange(opened);
        return { status: 201, body: { ticket: shown(opened.ticket, url) } };
      }),
      'write',
      'tickets:write',
    ),

    'PUT /api/v2/tickets/:id': authenticated(
      limited((request) => {
        const { id, fields } = find(request.params.id);
        if (fields.status === 'closed')
          throw recordInvalid('status', 'Status: closed prevents ticket update');
        const { comment, ...set } = readBody(request, Body, malformed, refuse).ticket;
        const changed = tickets.change(id, set, comment?.body);
        options.onChange(changed);
        return { status: 200, body: { ticket: shown(changed.ticket, url) } };
      }),
      'write',
      'tickets:write',
    ),

    'DELETE /api/v2/tickets/:id': authenticated(
      limited((request) => {
        options.onChange(tickets.change(find(request.params.id).id, { status: 'deleted' }));
        return { status: 204 };
      }),
      'write',
      'tickets:write',
    ),

    'GET /api/v2/users/:id': read(({ params }) => {
      const user = tickets.people.user(Number(params.id?.replace(/\.json$/, '')), clock.now());
      if (!user) throw notFound();
      return { status: 200, body: { user } };
    }, 'users:read'),

    'GET /api/v2/organizations/:id': read(({ params }) => {
      const organization = tickets.people.organizations.get(Number(params.id?.replace(/\.json$/, '')));
      if (!organization) throw notFound();
      return { status: 200, body: { organization } };
    }, 'organizations:read'),
  };
  // Every path also has the name with the format behind it.
  for (const [route, handler] of Object.entries(routes)) {
    if (/\/(cursor|show_many|tickets)$/.test(route) && route.includes('/api/'))
      routes[`${route}.json`] = handler;
  }

  const connection: Connection = { url, ...client };
  return {
    routes,
    connections: [connection],
    unavailable: () => ({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { error: 'ServiceUnavailable', description: 'The service is unavailable' },
    }),
    throttled: (seconds): DeskResponse => tooMany(seconds, accountHeaders(account)).response,
    unauthorized: () => ({ status: 401, body: INVALID_TOKEN }),
    missing: () => ({ status: 404, body: { error: 'InvalidEndpoint', description: 'Not found' } }),
  };
}
