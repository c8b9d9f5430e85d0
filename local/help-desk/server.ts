import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DeskApi, DeskRequest, DeskResponse, Handler } from './api.ts';
import { Refusal } from './api.ts';

/** More than any of the products takes. */
const MAX_BODY_BYTES = 1024 * 1024;

/** What became of a request before a handler saw it. */
export type Answer =
  | { readonly kind: 'response'; readonly response: DeskResponse }
  /** Close the connection in the middle of the answer. */
  | { readonly kind: 'truncated'; readonly response: DeskResponse }
  /** Close the connection without an answer. */
  | { readonly kind: 'hang-up' }
  /** Keep the connection, and never answer. */
  | { readonly kind: 'silence' };

export type Serve = (request: DeskRequest) => Answer;

/** An HTTP server on the loopback address. */
export class DeskServer {
  readonly #server: Server;

  constructor(serve: Serve, warn: (message: string) => void) {
    this.#server = createServer((incoming, outgoing) => {
      respond(serve, incoming, outgoing).catch((error) => {
        warn(`The help desk failed at ${incoming.method} ${incoming.url}: ${error?.stack ?? error}`);
        outgoing.destroy();
      });
    });
  }

  /**
   * @param port 0, or one that is taken, gives a free one
   * @returns the port
   */
  async listen(port: number): Promise<number> {
    const isListening = await this.#tryListen(port);
    if (!isListening) await this.#tryListen(0);
    return (this.#server.address() as AddressInfo).port;
  }

  async #tryListen(port: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' && port !== 0 ? resolve(false) : reject(error);
      this.#server.once('error', failed);
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.off('error', failed);
        resolve(true);
      });
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function respond(serve: Serve, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      outgoing.writeHead(413, { connection: 'close' }).end();
      return;
    }
    chunks.push(chunk);
  }
  const answer = serve({
    method: incoming.method ?? 'GET',
    path: url.pathname,
    params: {},
    query: url.searchParams,
    headers: Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : value,
      ]),
    ),
    body: Buffer.concat(chunks).toString(),
  });
  if (answer.kind === 'silence') return;
  if (answer.kind === 'hang-up') {
    incoming.socket.destroy();
    return;
  }
  const { status, headers, body } = answer.response;
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  outgoing.writeHead(status, {
    ...(text !== undefined && {
      'content-type': body === text ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
    }),
    ...headers,
  });
  if (answer.kind === 'truncated') {
    outgoing.write(text?.slice(0, text.length / 2) ?? '', () => incoming.socket.destroy());
    return;
  }
  outgoing.end(text);
}

/** Finds the handler of a request, and its parameters, in a table of routes; literal parts come before parameters. */
export function router(
  routes: Readonly<Record<string, Handler>>,
): (request: DeskRequest) => Handler | undefined {
  const table = Object.entries(routes)
    .map(([route, handler]) => {
      const [method = '', path = ''] = route.split(' ');
      const pattern = path
        .split('/')
        .map((part) => (part.startsWith(':') ? `(?<${part.slice(1)}>[^/]+)` : RegExp.escape(part)))
        .join('/');
      return { method, pattern: new RegExp(`^${pattern}$`), handler, parameters: path.split(':').length };
    })
    .sort((a, b) => a.parameters - b.parameters);
  return (request) => {
    for (const { method, pattern, handler } of table) {
      const found = method === request.method && pattern.exec(request.path);
      if (found) {
        const params = Object.fromEntries(
          Object.entries(found.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
        );
        return (given) => handler({ ...given, params });
      }
    }
    return undefined;
  };
}

/** What answers in place of a product that is gone. */
export const NONSENSE: DeskResponse = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>',
};

/** Whether a request came under this machine's own name: a page in a browser could ask under another that leads here. */
export const isForThisMachine = ({ headers }: DeskRequest): boolean =>
  /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '');

/** Lets a desk answer; what it refuses is its answer too. */
export function handle(desk: DeskApi, find: ReturnType<typeof router>, request: DeskRequest): DeskResponse {
  try {
    return find(request)?.(request) ?? desk.missing();
  } catch (error) {
    if (error instanceof Refusal) return error.response;
    throw error;
  }
}
