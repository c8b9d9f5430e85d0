import * as z from 'zod/mini';
import { problems } from '../parse.ts';
import { cut } from '../unicode.ts';
import { type HttpAnswer, type HttpClient, type HttpRequest, type Remote, retryAfterOf } from './client.ts';
import type { Credentials } from './credentials.ts';

/** A request to a service; its body is JSON or a form. */
export interface Call {
  readonly method: HttpRequest['method'];
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  /** Whether the caller knows what to make of a refusal, which is an answer then. */
  expects?(answer: Answer): boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: HttpAnswer['headers'];
  readonly text: string;
  /** The JSON in it; undefined for a refusal without any. */
  readonly body: unknown;
}

/** A remote system that says when it takes no more requests. */
export interface Throttling extends Remote {
  readonly Throttled: new (message: string, retryAfterSeconds?: number) => Error;
}

export interface ServiceOptions {
  readonly remote: Throttling;
  /** What people call it, for example `Zendesk`. */
  readonly name: string;
  readonly http: HttpClient;
  readonly credentials?: Credentials;
  /** What no message may show, should the system repeat it. */
  readonly secrets: readonly string[];
  /** Whether successful answers are JSON. @default true */
  readonly speaksJson?: boolean;
}

/** A system behind its API: requests are authorised, answers are checked, and refusals are errors. */
export interface Service {
  /** @throws `Unavailable`, `Throttled`, `Refused` */
  call(call: Call): Promise<Answer>;
  /** Parses the body of an answer. @throws `Unavailable` when it is not what the API publishes */
  read<Schema extends z.ZodMiniType>(schema: Schema, answer: Answer): z.output<Schema>;
}

/** Client errors that pass by themselves: time-out, conflicting change, lock, too early. */
const PASSING = new Set([408, 409, 423, 425]);

/** What to do about a refusal. */
const ADVICE: Readonly<Record<number, string>> = {
  401: 'Mend the credentials in its secret.',
  403: 'Give the user or key of its secret what the message names.',
  404: 'Check the address in its secret.',
};

const LONGEST_COMPLAINT = 300;

export function createService({
  remote,
  name,
  http,
  credentials,
  secrets,
  speaksJson = true,
}: ServiceOptions): Service {
  const { Refused, Unavailable, Throttled } = remote;

  async function attempt({ method, url, headers, json, form }: Call): Promise<HttpAnswer> {
    const body = json === undefined ? form && new URLSearchParams(form).toString() : JSON.stringify(json);
    const type = json === undefined ? 'application/x-www-form-urlencoded' : 'application/json; charset=utf-8';
    return http.send({
      method,
      url,
      headers: {
        accept: 'application/json',
        ...(body === undefined
          ? {}
          : { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) }),
        ...(await credentials?.headers()),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  async function call(request: Call): Promise<Answer> {
    let answer = await attempt(request);
    if (answer.status === 401 && credentials?.renew) {
      credentials.renew();
      answer = await attempt(request);
    }
    const { status, headers, text } = answer;
    const parsed = { status, headers, text, body: jsonOf(text) };
    const succeeded = status >= 200 && status < 300;
    if (succeeded && speaksJson && text !== '' && parsed.body === undefined) {
      throw new Unavailable(`${name} answered ${status} with something that is not JSON.`);
    }
    if (!succeeded && !request.expects?.(parsed)) throw refusal(answer, parsed.body);
    return parsed;
  }

  function refusal(answer: HttpAnswer, body: unknown): Error {
    const { status } = answer;
    const said = complaint(body, answer.text);
    const wait = retryAfterOf(answer, http.now());
    if (status === 429 || (status >= 500 && wait !== undefined)) {
      return new Throttled(`${name} takes no more requests for now: ${status}${said}.`, wait);
    }
    if (status >= 400 && status < 500 && !PASSING.has(status)) {
      return new Refused(`${name} refused the request: ${status}${said}. ${ADVICE[status] ?? ''}`.trim());
    }
    return new Unavailable(`${name} answered ${status}${said}.`);
  }

  /** What it said, without secrets, on one line. */
  function complaint(body: unknown, text: string): string {
    const words = (body === undefined ? remark(text) : textsIn(body).join(': ')).replace(/\s+/g, ' ').trim();
    const clean = secrets.reduce((kept, secret) => kept.replaceAll(secret, '***'), words);
    return clean === '' ? '' : ` (${cut(clean, LONGEST_COMPLAINT)})`;
  }

  return {
    call,
    read: (schema, { status, body }) => {
      const result = z.safeParse(schema, body);
      if (result.success) return result.data;
      throw new Unavailable(
        `${name} answered ${status} with what its API does not publish: ${problems(result.error)}.`,
      );
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A refusal in plain words, such as `invalid_payload`; pages for browsers say nothing. */
function remark(text: string): string {
  return text.length <= LONGEST_COMPLAINT && !text.includes('<') ? text : '';
}

/** Depth at which the bodies of refusals say something. */
const DEPTH = 5;

/** The texts in the body of a refusal, which every system arranges differently. */
function textsIn(body: unknown, depth = DEPTH): string[] {
  if (typeof body === 'string') return [body];
  if (typeof body !== 'object' || body === null || depth === 0) return [];
  return Object.values(body).flatMap((value) => textsIn(value, depth - 1));
}
