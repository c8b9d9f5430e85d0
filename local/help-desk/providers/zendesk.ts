import { createHash } from 'node:crypto';
import { type CreateDesk, type DeskRequest, type Handler, Refusal, readBody } from '../api.ts';
import type { LocalTicket } from '../store.ts';
import { INVALID_TOKEN, malformed, oauth } from './zendesk-oauth.ts';
import { queryOf } from './zendesk-search.ts';
import {
  Body,
  type Fields,
  notFound,
  plain,
  recordInvalid,
  refuse,
  ZendeskTicket,
} from './zendesk-shapes.ts';

const SCOPES = ['tickets:read', 'tickets:write', 'read', 'write'];
const TOKEN_SECONDS = 7200;
/** Keys are known for two hours (Zendesk API, "Idempotency"). */
const IDEMPOTENCY_MS = 2 * 3600 * 1000;
const MAX_KEY = 255;
/** The automation that every account begins with closes tickets four days after they were solved. */
const CLOSES_AFTER_MS = 4 * 24 * 3600 * 1000;
const MAX_PAGE = 100;
/** The agent that the OAuth client acts as. */
const AGENT_ID = 1001;

/** Zendesk Support: tickets, search, and OAuth by client credentials (Ticketing API). */
export const zendesk: CreateDesk = ({ clock, url, credentials, shelf }) => {
  const client = { clientId: 'millrace', clientSecret: credentials.secret('clientSecret', 32) };
  const iso = () => new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');

  const { token, authenticated } = oauth({ clock, client, scopes: SCOPES, tokenSeconds: TOKEN_SECONDS });

  /** The ticket as it is now: solved ones close by themselves. */
  function current(ticket: LocalTicket): ZendeskTicket {
    const record = ZendeskTicket.parse(ticket.record);
    const closes =
      record.status === 'solved' && clock.now() - Date.parse(record.updated_at) >= CLOSES_AFTER_MS;
    return closes ? { ...record, status: 'closed' } : record;
  }

  const find = (id = ''): ZendeskTicket => {
    const ticket = shelf.find(id.replace(/\.json$/, ''));
    if (!ticket) throw notFound();
    return current(ticket);
  };

  const shown = ({ comments, ...ticket }: ZendeskTicket) => ticket;

  function keep(record: ZendeskTicket, text: string): ZendeskTicket {
    const { status, subject, priority, external_id } = record;
    shelf.save(
      {
        id: String(record.id),
        externalId: typeof external_id === 'string' ? external_id : null,
        title: String(subject),
        state: status === 'solved' || status === 'closed' ? 'resolved' : 'open',
        status,
        priority: typeof priority === 'string' ? priority : null,
        record,
      },
      text,
    );
    return record;
  }

  /** What a comment says, without its markup. */
  const textOf = ({ comment }: Fields) => comment?.body ?? plain(comment?.html_body ?? '');

  function create(fields: Fields): ZendeskTicket {
    const text = textOf(fields);
    if (!text.trim()) throw recordInvalid('base', 'Description: cannot be blank');
    const id = shelf.next('ticket');
    const { comment, ...given } = fields;
    const record: ZendeskTicket = {
      priority: null,
      type: null,
      external_id: null,
      assignee_id: null,
      tags: [],
      ...given,
      status: given.status ?? 'new',
      id,
      url: `${url}/api/v2/tickets/${id}.json`,
      subject: given.subject ?? text.slice(0, 150),
      description: text,
      requester_id: AGENT_ID,
      submitter_id: AGENT_ID,
      created_at: iso(),
      updated_at: iso(),
      comments: [{ body: text, public: comment?.public ?? true, at: iso() }],
    };
    assertSolvable(record);
    return keep(record, text);
  }

  function update(before: ZendeskTicket, fields: Fields): ZendeskTicket {
    if (before.status === 'closed') throw recordInvalid('status', 'Status: closed prevents ticket update');
    if (fields.status === 'new' && before.status !== 'new')
      throw recordInvalid('status', 'Status: cannot be set back to new');
    const { comment, ...given } = fields;
    const text = textOf(fields);
    if (comment && !text.trim()) throw recordInvalid('comment', 'Comment: cannot be blank');
    const record: ZendeskTicket = {
      ...before,
      ...given,
      tags: given.tags ?? before.tags,
      status: given.status ?? before.status,
      assignee_id: given.assignee_id === undefined ? before.assignee_id : given.assignee_id,
      updated_at: iso(),
      comments: text
        ? [...before.comments, { body: text, public: comment?.public ?? true, at: iso() }]
        : before.comments,
    };
    assertSolvable(record);
    return keep(record, text || Object.keys(given).join(', '));
  }

  /** The status field of every account wants somebody who solved it. */
  function assertSolvable({ status, assignee_id }: ZendeskTicket): void {
    if (status === 'solved' && assignee_id === null)
      throw recordInvalid('base', 'Assignee: is required when solving a ticket');
  }

  function page(request: DeskRequest, name: string, tickets: readonly ZendeskTicket[]) {
    const { query } = request;
    const size = Math.min(Number(query.get('per_page') ?? query.get('page[size]') ?? MAX_PAGE), MAX_PAGE);
    const number = Number(query.get('page') ?? 1);
    const end = number * size;
    const next = new URL(`${url}${request.path}?${query}`);
    next.searchParams.set('page', String(number + 1));
    return {
      status: 200,
      body: {
        [name]: tickets.slice(end - size, end).map(shown),
        next_page: end < tickets.length ? next.href : null,
        previous_page: null,
        count: tickets.length,
      },
    };
  }

  const tickets = () => shelf.all().map(current);

  const routes: Record<string, Handler> = {
    'POST /oauth/tokens': token,

    'POST /api/v2/tickets': authenticated((request) => {
      const key = request.headers['idempotency-key'];
      if (key && key.length > MAX_KEY)
        throw new Refusal(400, {
          error: 'IdempotentRequestError',
          description: `Idempotency key must be at most ${MAX_KEY} characters`,
        });
      const fingerprint = createHash('sha256').update(request.body).digest('hex');
      const known = key === undefined ? undefined : shelf.recall(`key ${key}`, IDEMPOTENCY_MS);
      if (known) {
        const answer = JSON.parse(known);
        if (answer.fingerprint !== fingerprint)
          throw new Refusal(400, {
            error: 'IdempotentRequestError',
            description: "Request parameters don't match the given idempotency key",
          });
        return { status: 201, headers: { 'x-idempotency-lookup': 'hit' }, body: answer.body };
      }
      const body = { ticket: shown(create(readBody(request, Body, malformed, refuse).ticket)) };
      if (key) shelf.remember(`key ${key}`, JSON.stringify({ fingerprint, body }));
      return {
        status: 201,
        headers: { location: body.ticket.url, ...(key && { 'x-idempotency-lookup': 'miss' }) },
        body,
      };
    }),

    'GET /api/v2/tickets': authenticated((request) => {
      const externalId = request.query.get('external_id');
      const found = tickets().filter(({ external_id }) => externalId === null || external_id === externalId);
      return page(request, 'tickets', found);
    }),

    'GET /api/v2/tickets/:id': authenticated(({ params }) => ({
      status: 200,
      body: { ticket: shown(find(params.id)) },
    })),

    'PUT /api/v2/tickets/:id': authenticated((request) => {
      const ticket = find(request.params.id);
      const fields = readBody(request, Body, malformed, refuse).ticket;
      return { status: 200, body: { ticket: shown(update(ticket, fields)) } };
    }),

    'GET /api/v2/tickets/:id/comments': authenticated(({ params }) => {
      const comments = find(params.id).comments.map(({ at, ...comment }, i) => ({
        id: i + 1,
        type: 'Comment',
        author_id: AGENT_ID,
        ...comment,
        created_at: at,
      }));
      return {
        status: 200,
        body: { comments, next_page: null, previous_page: null, count: comments.length },
      };
    }),

    'GET /api/v2/search': authenticated((request) => {
      const matches = queryOf(request.query.get('query') ?? '');
      return page(request, 'results', tickets().filter(matches));
    }),

    'GET /agent/tickets/:id': ({ params }) => ({
      status: 302,
      headers: { location: `/#zendesk-${params.id}` },
    }),
  };
  // Every path also has the name with the format behind it.
  for (const [route, handler] of Object.entries(routes)) {
    if (/\/(tickets|search)$/.test(route) && route.includes('/api/')) routes[`${route}.json`] = handler;
  }

  return {
    routes,
    connections: [{ url, ...client }],
    unavailable: () => ({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { error: 'ServiceUnavailable', description: 'The service is unavailable' },
    }),
    throttled: (seconds) => ({
      status: 429,
      headers: { 'retry-after': String(seconds), 'x-rate-limit': '700', 'x-rate-limit-remaining': '0' },
      body: {
        error: 'APIRateLimitExceeded',
        description: 'Number of allowed API requests per minute exceeded',
      },
    }),
    unauthorized: () => ({ status: 401, body: INVALID_TOKEN }),
    missing: () => ({
      status: 404,
      body: {
        error: 'InvalidEndpoint',
        description: 'Not found',
      },
    }),
  };
};
