import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isAllowed, type NetworkAddress } from './addresses.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Talks to systems whose addresses people choose. */
export interface HttpClient {
  /**
   * Sends a request once and answers whatever its host answered, refusals included.
   * @throws `Refused` when the address is not one that requests may go to, or redirects to one of another host
   * @throws `Unavailable` when no complete answer came in time
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Milliseconds since 1970. */
  now(): number;
}

/** A kind of remote system: what it is called, and the errors that its callers know. */
export interface Remote {
  /** For example `desk`. */
  readonly what: string;
  /** Name of the option that allows http addresses and private networks. */
  readonly privateOption: string;
  /** Somebody has to mend something. */
  readonly Refused: new (
    message: string,
  ) => Error;
  /** It passes by itself. */
  readonly Unavailable: new (
    message: string,
  ) => Error;
}

export interface HttpOptions {
  readonly remote: Remote;
  /** Whether requests may go to http addresses and into private networks. */
  readonly allowPrivate: boolean;
  /** Milliseconds for the connection, TLS included. @default 5000 */
  readonly connectMs?: number;
  /** Milliseconds for everything, redirects included. @default 15000 */
  readonly totalMs?: number;
  /** Longest answer, bytes. @default 1 MiB */
  readonly maxBytes?: number;
  readonly now?: () => number;
  /** Addresses of a host name. @default the system's resolver */
  readonly resolve?: (hostname: string) => Promise<readonly NetworkAddress[]>;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 3;

/**
 * An HTTP client for addresses that somebody else chose. Addresses are checked where the connection is made, so a name
 * that resolves to something else the second time gains nothing. Nothing of an address but its host is in an error.
 */
export function createHttpClient(options: HttpOptions): HttpClient {
  const { allowPrivate, connectMs = 5_000, totalMs = 15_000, maxBytes = 1024 ** 2, now = Date.now } = options;
  const { remote } = options;
  const { Refused, Unavailable } = remote;
  const rule = { allowPrivate, remote };
  const resolve = options.resolve ?? ((hostname) => dns.lookup(hostname, { all: true }));
  const lookup = checkedLookup(resolve, rule);

  async function exchange(target: URL, request: HttpRequest, deadline: AbortSignal): Promise<HttpAnswer> {
    const secure = target.protocol === 'https:';
    const exchanged = (secure ? requestHttps : requestHttp)(target, {
      method: request.method,
      headers: { 'user-agent': 'Millrace', 'accept-encoding': 'identity', ...request.headers },
      // A connection of its own: those that are kept break while a function sleeps.
      agent: false,
      lookup,
      signal: deadline,
    });
    const slow = setTimeout(
      () => exchanged.destroy(new Unavailable(`${target.host} took no connection in ${connectMs} ms.`)),
      connectMs,
    );
    exchanged
      .once('socket', (socket) => socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(slow)))
      .once('close', () => clearTimeout(slow))
      // What fails after the answer has begun shows where it is read.
      .on('error', () => {});
    exchanged.end(request.body);
    const [response]: [IncomingMessage] = await answerOf(exchanged);
    const text = await textOf(response, maxBytes, target.host, remote);
    return { status: response.statusCode ?? 0, headers: response.headers, text };
  }

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    let target = targetOf(request.url, rule);
    const deadline = AbortSignal.timeout(totalMs);
    try {
      for (let redirects = 0; ; redirects++) {
        const answer = await exchange(target, request, deadline);
        if (!REDIRECTS.has(answer.status)) return answer;
        target = redirectOf(answer, request, target, remote);
        if (redirects === MOST_REDIRECTS) throw new Unavailable(`${target.host} redirects in a circle.`);
      }
    } catch (error) {
      if (error instanceof Refused || error instanceof Unavailable) throw error;
      const why = deadline.aborted ? `no complete answer in ${totalMs} ms` : codeOf(error);
      if (why === 'ERR_INVALID_CHAR') {
        throw new Refused(`What is to be sent to ${target.host} is no HTTP header: mend its credentials.`);
      }
      throw new Unavailable(`${target.host} cannot be reached or does not answer: ${why}.`);
    }
  }

  return { send, now };
}

async function answerOf(request: ReturnType<typeof requestHttp>): Promise<[IncomingMessage]> {
  const [response] = await once(request, 'response');
  return [response];
}

/** @throws `Unavailable` when there is more than `maxBytes` */
async function textOf(
  response: IncomingMessage,
  maxBytes: number,
  host: string,
  { Unavailable }: Remote,
): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Unavailable(`${host} answered with more than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Where requests may go. */
interface Rule {
  readonly allowPrivate: boolean;
  readonly remote: Remote;
}

/** The address of a request. @throws `Refused` when requests must not go there */
function targetOf(address: string, rule: Rule): URL {
  const { allowPrivate, remote } = rule;
  const { Refused, what, privateOption } = remote;
  const target = URL.parse(address);
  if (!target) throw new Refused(`The address of the ${what} is not a URL.`);
  if (target.protocol !== 'https:' && !(allowPrivate && target.protocol === 'http:')) {
    throw new Refused(`${target.host} is not at an https address, and ${privateOption} is not set.`);
  }
  if (target.username !== '' || target.password !== '') {
    throw new Refused(`The address of ${target.host} holds credentials, which belong beside it.`);
  }
  const literal = target.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(literal);
  // Addresses that are written as such are never looked up.
  if (family !== 0) check(literal, [{ address: literal, family }], rule);
  return target;
}

function check(
  hostname: string,
  addresses: readonly NetworkAddress[],
  { allowPrivate, remote: { Refused, privateOption } }: Rule,
): void {
  if (addresses.every((address) => isAllowed(address, allowPrivate))) return;
  throw new Refused(
    `${hostname} is at an address that is not on the internet${allowPrivate ? ' nor in a private network' : `, and ${privateOption} is not set`}.`,
  );
}

/** A look-up for the socket itself: what it answers is what is connected to. */
function checkedLookup(
  resolve: (hostname: string) => Promise<readonly NetworkAddress[]>,
  rule: Rule,
): LookupFunction {
  return (hostname, { all }, callback) => {
    const found = resolve(hostname).then((addresses) => {
      check(hostname, addresses, rule);
      const [first] = addresses;
      if (!first) throw new rule.remote.Unavailable(`${hostname} has no address.`);
      return { first, addresses };
    });
    found.then(
      ({ first, addresses }) =>
        all ? callback(null, [...addresses]) : callback(null, first.address, first.family),
      (error) => callback(error, ''),
    );
  };
}

/** Where a redirect leads. @throws `Refused` when it leads to another host, or the request was not just to read */
function redirectOf(
  { headers, status }: HttpAnswer,
  { method }: HttpRequest,
  from: URL,
  { Refused, Unavailable, what }: Remote,
): URL {
  const to = URL.parse(headers.location ?? '', from.href);
  if (!to) throw new Unavailable(`${from.host} redirects (${status}) to nowhere.`);
  if (method === 'GET' && to.origin === from.origin && to.username === '') return to;
  throw new Refused(
    `${from.host} redirects (${status}) to ${to.host}, which is not followed: put the ${what}'s own address into its secret.`,
  );
}

/** The name of a fault in the network, for example `ECONNRESET`. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown fault';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** The longest wait that a queue grants, seconds (SQS: twelve hours). */
const LONGEST_WAIT = 43_200;

/**
 * Seconds that an answer asks to wait, from `Retry-After` as a number of seconds or as a date (RFC 9110, 10.2.3).
 * @param now milliseconds since 1970
 */
export function retryAfterOf({ headers }: HttpAnswer, now: number): number | undefined {
  const value = headers['retry-after']?.trim();
  if (!value) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - now) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 0), LONGEST_WAIT);
}
