import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { after, test } from 'node:test';
import type { z } from 'zod';
import type { Provider, Ticket } from '../../lambdas/help-desk/contract.ts';
import { DESK } from '../../lambdas/help-desk/remote.ts';
import { createHttpClient, type HttpClient } from '../../lambdas/shared/http/client.ts';

/** A ticket that tries to be markup wherever it is shown. */
export const TICKET: Ticket = {
  externalId: '0123456789abcdef0123456789abcdef-1',
  severity: 'error',
  pipeline: 'document-ingestion',
  owner: 'data@example.com',
  title: 'Files fail at <Publish> & "Read"',
  summary:
    'AccessDenied <!channel> {{ticket.requester.email}} [code]<b>x</b>[/code] *bold* `tick` "quoted" \\ end',
  count: 12,
  firstAt: '2026-03-01T09:30:00.000Z',
  lastAt: '2026-03-01T10:00:00Z',
  members: 3,
  links: [
    { label: 'Runbook', url: 'docs/operations.md#failed-executions' },
    { label: 'Execution', url: 'https://console.aws.amazon.com/states/home?region=eu-central-1#/v2/x|y' },
  ],
  command: 'npx millrace redrive --pipeline document-ingestion --error AccessDenied --yes',
};
export const RESOLVED: Ticket = { ...TICKET, resolvedAt: '2026-03-01T11:00:00.000Z' };

/** Longer than any desk takes, everywhere. */
export const LONG: Ticket = {
  ...TICKET,
  title: '😀'.repeat(500),
  summary: 'long & <long> '.repeat(5_000),
  owner: 'o'.repeat(5_000),
  links: Array.from({ length: 60 }, (_, n) => ({
    label: `Link ${n}`,
    // Each ampersand takes five characters once it is escaped.
    url: `https://example.com/${n}?${'&'.repeat(300)}`,
  })),
  command: `npx millrace redrive ${'x'.repeat(700)}`,
};

/** What is kept of a request. */
export interface Received {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request as an API publishes it, and what it answers. */
export interface Exchange {
  readonly request: string;
  readonly headers?: Readonly<Record<string, string | RegExp>>;
  /** Shape of a JSON body; absent for a request without a body. */
  readonly body?: z.ZodType;
  /** A form in the body. */
  readonly form?: Readonly<Record<string, string>>;
  readonly answer: Answer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
}

export const json = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  json: body,
});

function write(response: ServerResponse, { status, headers = {}, json: body, text }: Answer): void {
  response.writeHead(status, headers).end(body === undefined ? text : JSON.stringify(body));
}

/** A server on the loopback address, closed when the file's tests are through. */
async function listen(respond: (request: Received, response: ServerResponse) => void): Promise<string> {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const { method = '', url: path = '', headers } = request;
    respond({ method, path, headers, body }, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close().closeAllConnections());
  const address = server.address();
  assert(address && typeof address === 'object');
  return `http://127.0.0.1:${address.port}`;
}

export interface DeskStub {
  readonly url: string;
  readonly received: readonly Received[];
  /** Expects these requests in this order and no others, around a piece of work. */
  during<Result>(exchanges: readonly Exchange[], work: () => Promise<Result>): Promise<Result>;
}

/** A desk that holds every request against what its API publishes. */
export async function startDesk(): Promise<DeskStub> {
  const received: Received[] = [];
  let expected: Exchange[] = [];
  let mismatches: unknown[] = [];
  const url = await listen((request, response) => {
    received.push(request);
    const exchange = expected.shift();
    try {
      assert(exchange, `unexpected ${request.method} ${request.path}`);
      compare(request, exchange);
      write(response, exchange.answer);
    } catch (mismatch) {
      mismatches.push(mismatch);
      write(response, { status: 400, text: 'mismatch' });
    }
  });
  return {
    url,
    received,
    during: async (exchanges, work) => {
      expected = [...exchanges];
      mismatches = [];
      const [result] = await Promise.allSettled([work()]);
      // What did not match is the reason, whatever came of it.
      if (mismatches.length > 0) throw mismatches[0];
      if (result.status === 'rejected') throw result.reason;
      const missed = expected.map(({ request }) => request);
      assert.deepEqual(missed, [], 'requests that were expected and did not come');
      return result.value;
    },
  };
}

function compare(request: Received, { request: line, headers = {}, body, form }: Exchange): void {
  assert.equal(decodeURIComponent(`${request.method} ${request.path}`.replaceAll('+', ' ')), line);
  for (const [name, value] of Object.entries(headers)) {
    const actual = String(request.headers[name]);
    if (typeof value === 'string') assert.equal(actual, value, name);
    else assert.match(actual, value, name);
  }
  if (body) {
    assert.match(String(request.headers['content-type']), /^application\/json(;|$)/);
    const { error } = body.safeParse(JSON.parse(request.body));
    assert.equal(error?.message, undefined, `${line}: ${error?.message}\n${request.body}`);
  } else if (form) {
    assert.equal(request.headers['content-type'], 'application/x-www-form-urlencoded');
    assert.deepEqual(Object.fromEntries(new URLSearchParams(request.body)), form);
  } else {
    assert.equal(request.body, '');
  }
}

/** A client for desks in tests, whose clock can be moved. */
export function testClient(now: () => number = Date.now): HttpClient {
  return createHttpClient({ remote: DESK, allowPrivate: true, totalMs: 300, connectMs: 300, now });
}

export interface FaultyDesk {
  readonly name: string;
  provider(url: string, http: HttpClient): Provider;
  /** Answers to requests that come before, such as for a token; others meet the fault. */
  readonly before?: (request: Received) => Answer | undefined;
  /** Bodies of refusals as the API publishes them, by status, and what is to be told of them. */
  readonly refusals: readonly { readonly answer: Answer; readonly error: string; readonly says?: RegExp }[];
  /** What no error may hold. */
  readonly secret: string;
  /** Faults that are none, where the answer to a request means nothing. */
  readonly takes?: readonly string[];
}

const HTML = '<!doctype html><html><body><h1>Maintenance</h1></body></html>';

/** What every desk can do wrong, and the error that it is. */
const FAULTS: Readonly<Record<string, readonly [error: string, (response: ServerResponse) => void]>> = {
  'HTML instead of JSON': ['DeskUnavailable', (response) => write(response, { status: 200, text: HTML })],
  'an error page': ['DeskUnavailable', (response) => write(response, { status: 502, text: HTML })],
  'JSON of another kind': ['DeskUnavailable', (response) => write(response, json(200, { hello: ['world'] }))],
  'an empty answer': ['DeskUnavailable', (response) => write(response, { status: 200, text: '' })],
  'JSON that is cut off': [
    'DeskUnavailable',
    (response) => {
      response.writeHead(201, { 'content-length': '500' });
      response.write('{"ticket":{"id":', () => response.destroy());
    },
  ],
  'a connection that is reset': ['DeskUnavailable', (response) => response.socket?.resetAndDestroy()],
  'no answer': ['DeskUnavailable', () => {}],
  'a huge answer': [
    'DeskUnavailable',
    (response) => write(response, { status: 200, text: 'x'.repeat(2 ** 21) }),
  ],
  'a redirect to another host': [
    'DeskRefused',
    (response) => write(response, { status: 302, headers: { location: 'http://127.0.0.1:9/login?k=1' } }),
  ],
  'a wait in seconds': [
    'DeskThrottled',
    (response) =>
      write(response, { status: 429, headers: { 'retry-after': '93' }, text: 'Too many requests' }),
  ],
  'a wait during maintenance': [
    'DeskThrottled',
    (response) => write(response, { status: 503, headers: { 'retry-after': '120' }, text: HTML }),
  ],
};

/** Tests that whatever a desk does wrong becomes the error that tells what to do, and holds no secret. */
export function testFaults(desk: FaultyDesk): void {
  async function failOpening(fail: (response: ServerResponse) => void): Promise<Error> {
    const url = await listen((request, response) => {
      const answer = desk.before?.(request);
      if (answer) write(response, answer);
      else fail(response);
    });
    const opening = desk.provider(url, testClient()).open(TICKET);
    const error: unknown = await opening.then(
      () => assert.fail('it was opened'),
      (reason: unknown) => reason,
    );
    assert(error instanceof Error);
    assert(!`${error.stack} ${JSON.stringify(error)} ${error.cause}`.includes(desk.secret), error.stack);
    return error;
  }

  for (const [fault, [name, fail]] of Object.entries(FAULTS)) {
    if (desk.takes?.includes(fault)) continue;
    test(`${desk.name}: ${fault} is ${name}`, async () => {
      const error = await failOpening(fail);
      assert.equal(error.name, name, error.message);
      if ('retryAfterSeconds' in error) assert.ok([93, 120].includes(Number(error.retryAfterSeconds)));
    });
  }
  for (const { answer, error: name, says = /./ } of desk.refusals) {
    test(`${desk.name}: a ${answer.status} is ${name}`, async () => {
      const error = await failOpening((response) => write(response, answer));
      assert.equal(error.name, name, error.message);
      assert.match(error.message, says);
    });
  }
}
