import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** A ticket as the small Zendesk keeps it; anything may be put in the place of a member. */
export type SmallTicket = Readonly<Record<string, unknown>> & { readonly id: number };

/** What one request is answered instead of a page. */
export type Odd = (request: IncomingMessage, response: ServerResponse) => void;

const EPOCH = Date.UTC(2026, 9, 1);
const HOUR = 3_600_000;

/** The n-th ticket, from 1: opened an hour after the one before, by one of seven customers. */
export function smallTicket(id: number, changes: Readonly<Record<string, unknown>> = {}): SmallTicket {
  const opened = new Date(EPOCH + id * HOUR);
  return {
    id,
    requester_id: 100 + (id % 7),
    organization_id: 7,
    subject: id % 3 === 0 ? 'I love it' : 'Broken again',
    description: `Hello, my name is Jane Miller, jane${id}@example.com. The thing ${id % 10} ${id % 3 === 0 ? 'is wonderful, thank you' : 'is broken and terrible'}.`,
    status: id % 2 === 0 ? 'solved' : 'open',
    priority: id % 4 === 0 ? 'urgent' : null,
    via: { channel: 'email' },
    tags: ['shop', `tag${id % 3}`],
    created_at: opened.toISOString(),
    updated_at: new Date(opened.getTime() + HOUR).toISOString(),
    metric_set: {
      ticket_id: id,
      solved_at: id % 2 === 0 ? new Date(opened.getTime() + HOUR).toISOString() : null,
    },
    ...changes,
  };
}

/** Just enough of Zendesk for an export by cursor: a list of changes that is read from a place on. */
export class SmallZendesk {
  /** In the order of their changes. */
  readonly changes: SmallTicket[] = [];
  /** Answers that the next requests for pages get instead. */
  readonly odd: Odd[] = [];
  readonly requests: string[] = [];
  tokens = 0;
  /** Token that is good now. */
  #token = '';
  readonly #server: Server;
  #url = '';

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (typeof address !== 'object' || !address) throw new Error('no port');
    this.#url = `http://127.0.0.1:${address.port}`;
    return this;
  }

  /** Lets the process end before it. */
  unref(): void {
    this.#server.unref();
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** What goes into the CRM's secret. */
  connection(perPage = 10): string {
    return JSON.stringify({ url: this.#url, clientId: 'millrace', clientSecret: 's3cret', perPage });
  }

  /** Name of the source, as the pipeline has it. */
  get source(): string {
    return `zendesk-${new URL(this.#url).host.replace(':', '-')}`;
  }

  /** Makes the token that was given out worthless. */
  expire(): void {
    this.#token = '';
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.#url);
    const json = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    if (url.pathname === '/oauth/tokens') {
      this.tokens++;
      this.#token = `token-${this.tokens}`;
      json(200, { access_token: this.#token, token_type: 'bearer', expires_in: 3600 });
      return;
    }
    if (request.headers.authorization !== `Bearer ${this.#token}`) {
      json(401, { error: 'invalid_token' });
      return;
    }
    this.requests.push(url.search);
    const odd = this.odd.shift();
    if (odd) {
      odd(request, response);
      return;
    }
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const ids = url.searchParams.get('ids')?.split(',');
    const tickets = ids
      ? this.changes.filter(({ id }) => ids.includes(String(id)))
      : this.changes.slice(from, from + Number(url.searchParams.get('per_page')));
    const to = from + tickets.length;
    const users = [...new Set(tickets.map(({ requester_id }) => requester_id))].map((id) => ({
      id,
      external_id: id === 100 ? null : `C-${String(id)}`,
      role: 'end-user',
      name: `Customer ${String(id)}`,
      email: `customer${String(id)}@example.com`,
      organization_id: 7,
      time_zone: 'Berlin',
      created_at: new Date(EPOCH).toISOString(),
      updated_at: new Date(EPOCH + HOUR).toISOString(),
    }));
    json(200, {
      tickets,
      users: [...users, { id: 1, role: 'agent', name: 'Agent', created_at: '2020-01-01T00:00:00Z' }],
      organizations: [{ id: 7, name: 'Acme' }],
      after_cursor: tickets.length > 0 ? String(to) : null,
      end_of_stream: to >= this.changes.length,
    });
  }
}

/** Answers a status, with headers and text. */
export const says =
  (status: number, text = '{}', headers: Readonly<Record<string, string>> = {}): Odd =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(text);
  };
