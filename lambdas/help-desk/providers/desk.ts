import * as z from 'zod/mini';
import { problems } from '../../shared/parse.ts';
import { DeskRefused, DeskThrottled, DeskUnavailable } from '../errors.ts';
import { type HttpAnswer, type HttpClient, type HttpRequest, retryAfterOf } from '../http.ts';
import type { Credentials } from './credentials.ts';
import { cut } from './text.ts';

/** A request to a desk; its body is JSON or a form. */
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
  readonly text: string;
  /** The JSON in it; undefined for a refusal without any. */
  readonly body: unknown;
}

export interface DeskOptions {
  /** What people call it, for example `Zendesk`. */
  readonly name: string;
  readonly http: HttpClient;
  readonly credentials?: Credentials;
  /** What no message may show, should the desk repeat it. */
  readonly secrets: readonly string[];
  /** Whether successful answers are JSON. @default true */
  readonly speaksJson?: boolean;
}

/** A desk behind its API: requests are authorised, answers are checked, and refusals are errors. */
export interface Desk {
  /** @throws DeskUnavailable, DeskThrottled, DeskRefused */
  call(call: Call): Promise<Answer>;
  /** Parses the body of an answer. @throws DeskUnavailable when it is not what the API publishes */
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

export function createDesk({ name, http, credentials, secrets, speaksJson = true }: DeskOptions): Desk {
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
    const { status, text } = answer;
    const parsed = { status, text, body: jsonOf(text) };
    const succeeded = status >= 200 && status < 300;
    if (succeeded && speaksJson && text !== '' && parsed.body === undefined) {
      throw new DeskUnavailable(`${name} answered ${status} with something that is not JSON.`);
    }
    if (!succeeded && !request.expects?.(parsed)) throw refusal(answer, parsed.body);
    return parsed;
  }

  function refusal(answer: HttpAnswer, body: unknown): Error {
    const { status } = answer;
    const said = complaint(body, answer.text);
    const wait = retryAfterOf(answer, http.now());
    if (status === 429 || (status >= 500 && wait !== undefined)) {
      return new DeskThrottled(`${name} takes no more requests for now: ${status}${said}.`, wait);
    }
    if (status >= 400 && status < 500 && !PASSING.has(status)) {
      return new DeskRefused(`${name} refused the request: ${status}${said}. ${ADVICE[status] ?? ''}`.trim());
    }
    return new DeskUnavailable(`${name} answered ${status}${said}.`);
  }

  /** What the desk said, without secrets, on one line. */
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
      throw new DeskUnavailable(
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

/** The texts in the body of a refusal, which every desk arranges differently. */
function textsIn(body: unknown, depth = DEPTH): string[] {
  if (typeof body === 'string') return [body];
  if (typeof body !== 'object' || body === null || depth === 0) return [];
  return Object.values(body).flatMap((value) => textsIn(value, depth - 1));
}
