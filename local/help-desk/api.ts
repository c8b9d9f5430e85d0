import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Credentials } from './credentials.ts';
import type { Shelf } from './store.ts';

/** A request to one of the desks, its path without the desk's prefix. */
export interface DeskRequest {
  readonly method: string;
  readonly path: string;
  /** Values of the route's `:names`, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface DeskResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
}

export type Handler = (request: DeskRequest) => DeskResponse;

/** A request that the desk refuses, with the answer that it publishes for that. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly response: DeskResponse;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`${status}`);
    this.response = { status, body, headers };
  }
}

/** What the one server gives to each desk. */
export interface DeskContext {
  readonly clock: Clock;
  /** Address of the desk, `http://127.0.0.1:<port>/<name>`. */
  readonly url: string;
  readonly credentials: Credentials;
  readonly shelf: Shelf;
}

/** One help desk product, as far as its published API is spoken here. */
export interface DeskApi {
  /** By method and path, for example `PUT /api/v2/tickets/:id`. */
  readonly routes: Readonly<Record<string, Handler>>;
  /** What the secret of a desk of this kind may hold, the usual way first. */
  readonly connections: readonly [Connection, ...Connection[]];
  /** How this product says that it cannot now, that it is called too often, and that the credentials are wrong. */
  unavailable(): DeskResponse;
  throttled(retryAfterSeconds: number): DeskResponse;
  unauthorized(): DeskResponse;
  /** How it answers a path that it does not have. */
  missing(): DeskResponse;
}

export type Connection = Readonly<Record<string, string>>;

export type CreateDesk = (context: DeskContext) => DeskApi;

/**
 * The body of a request, parsed once at the door.
 * @param malformed the answer to what is not JSON
 * @param refuse the answer to JSON of another shape
 * @throws Refusal
 */
export function readBody<Schema extends z.ZodType>(
  request: DeskRequest,
  schema: Schema,
  malformed: () => Refusal,
  refuse: (issues: readonly z.core.$ZodIssue[]) => Refusal,
): z.output<Schema> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) throw malformed();
  let value: unknown;
  try {
    value = JSON.parse(request.body);
  } catch {
    throw malformed();
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw refuse(result.error.issues);
}

/** Name of the member that an issue of zod is about, `fallback` for the body as a whole. */
export const memberOf = (issue: z.core.$ZodIssue, fallback = 'body'): string =>
  issue.path.map(String).join('.') || fallback;

/** Name and password of HTTP's Basic authentication; undefined where there is none. */
export function basicOf(authorization = ''): { user: string; password: string } | undefined {
  const [, encoded] = /^Basic (.+)$/i.exec(authorization) ?? [];
  if (!encoded) return undefined;
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return { user, password: password.join(':') };
}

/** The token behind a scheme of the Authorization header, such as `Bearer`. */
export const tokenOf = (scheme: string, authorization = ''): string | undefined =>
  new RegExp(`^${scheme} (\\S+)$`, 'i').exec(authorization)?.[1];
