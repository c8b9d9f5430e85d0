import { z } from 'zod';
import type { HttpRequest, HttpResponse } from '../service.ts';
import type { Api, Stage } from './apis.ts';
import type { Match } from './routing.ts';

/** What is known of a request before anybody has answered it. */
export interface Received {
  readonly api: Api;
  readonly stage: Stage;
  readonly match: Match;
  readonly request: HttpRequest;
  /** Path without the part that only this runtime has. */
  readonly path: string;
  /** Query, encoded. */
  readonly search: string;
  readonly requestId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly account: string;
  readonly domain: string;
}

export const SOURCE_IP = '127.0.0.1';

/** A body of another type, or one that is encoded, reaches the function in base64. */
const IS_TEXT =
  /^(text\/.*|application\/(json|xml|javascript|graphql|x-www-form-urlencoded|.+\+(json|xml)))\s*(;|$)/i;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `21/Nov/2026:19:03:58 +0000` */
export function commonLogTime(ms: number): string {
  const [year, month, day] = new Date(ms).toISOString().slice(0, 10).split('-');
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${new Date(ms).toISOString().slice(11, 19)} +0000`;
}

/** The event of a request, in the payload format 2.0 (API Gateway developer guide, "Lambda proxy integrations"). */
export function eventOf(received: Received): Record<string, unknown> {
  const { api, stage, match, request, path, search, at, domain, requestId } = received;
  const { cookie, ...headers } = request.headers;
  const query = [...new Set(new URLSearchParams(search).keys())];
  const body = bodyOf(request);
  return {
    version: '2.0',
    routeKey: match.route.key,
    rawPath: path,
    rawQueryString: search,
    ...(cookie && { cookies: cookie.split(/;\s*/) }),
    headers: {
      ...headers,
      host: domain,
      'content-length': String(request.body.length),
      'x-amzn-trace-id': `Root=1-${Math.floor(at / 1000).toString(16)}-${requestId.replaceAll('-', '').slice(0, 24)}`,
      'x-forwarded-for': SOURCE_IP,
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
    },
    ...(query.length > 0 && {
      queryStringParameters: Object.fromEntries(
        query.map((name) => [name, new URLSearchParams(search).getAll(name).join(',')]),
      ),
    }),
    requestContext: {
      accountId: received.account,
      apiId: api.id,
      domainName: domain,
      domainPrefix: api.id,
      http: {
        method: request.method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp: SOURCE_IP,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId,
      routeKey: match.route.key,
      stage: stage.name,
      time: commonLogTime(at),
      timeEpoch: at,
    },
    ...(Object.keys(match.parameters).length > 0 && { pathParameters: match.parameters }),
    ...(Object.keys(stage.variables).length > 0 && { stageVariables: stage.variables }),
    ...body,
  };
}

function bodyOf({ body, headers }: HttpRequest): { body?: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false };
  const type = headers['content-type'];
  const isText = (type === undefined || IS_TEXT.test(type)) && headers['content-encoding'] === undefined;
  return { body: body.toString(isText ? 'utf8' : 'base64'), isBase64Encoded: !isText };
}

const Answer = z.object({
  statusCode: z.coerce.number().int().min(100).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  cookies: z.array(z.string()).default([]),
  body: z.string().optional(),
  isBase64Encoded: z.boolean().default(false),
});

/**
 * What a function's answer is to the client. One without a status is JSON to be sent as it is.
 * @returns undefined when it is neither
 */
export function responseOf(payload: string | undefined): HttpResponse | undefined {
  let value: unknown;
  try {
    value = JSON.parse(payload ?? 'null');
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('statusCode' in value)) {
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: typeof value === 'string' ? value : JSON.stringify(value),
    };
  }
  const parsed = Answer.safeParse(value);
  if (!parsed.success) return undefined;
  const { statusCode, headers, cookies, body = '', isBase64Encoded } = parsed.data;
  return {
    status: statusCode,
    headers: {
      'content-type': 'text/plain;charset=utf-8',
      ...Object.fromEntries(
        Object.entries(headers).map(([name, each]) => [name.toLowerCase(), String(each)]),
      ),
      ...(cookies.length > 0 && { 'set-cookie': cookies }),
    },
    body: isBase64Encoded ? Buffer.from(body, 'base64') : body,
  };
}
