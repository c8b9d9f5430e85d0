import * as z from 'zod/mini';
import type { HttpClient } from '../../shared/http/client.ts';
import { type AccessToken, basic, type Credentials, fixed, oauth } from '../../shared/http/credentials.ts';
import { type Answer, createService, type Service, type Throttling } from '../../shared/http/service.ts';
import { problems } from '../../shared/parse.ts';
import { CrmRefused, CrmThrottled, CrmUnavailable } from '../errors.ts';

/** The CRM, as a remote system. */
export const CRM: Throttling = {
  what: 'CRM',
  privateOption: 'crm.allowPrivateTargets',
  Refused: CrmRefused,
  Unavailable: CrmUnavailable,
  Throttled: CrmThrottled,
};

export const text = z.string().check(z.minLength(1));

/** An address, without a slash at its end. Whether requests may go there is the HTTP client's to say. */
export const address = z.pipe(
  z.string().check(
    z.refine((value) => {
      const url = URL.parse(value);
      return url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
    }, 'expected an address such as https://acme.zendesk.com'),
  ),
  z.transform((value: string) => value.replace(/\/+$/, '')),
);

/**
 * Whether somebody has put a connection into the CRM's secret, complete or not. `"connected": false` takes it off again
 * without removing it.
 */
export function isConnected(connection: unknown): boolean {
  if (typeof connection !== 'object' || connection === null) return false;
  // The console's editor of keys and values writes every value as text.
  if ('connected' in connection && String(connection.connected) === 'false') return false;
  return 'url' in connection;
}

/** @throws CrmRefused saying which members of the secret are missing or wrong, never what they held */
export function connectionOf<Schema extends z.ZodMiniType>(
  schema: Schema,
  connection: unknown,
): z.output<Schema> {
  const result = z.safeParse(schema, connection);
  if (result.success) return result.data;
  throw new CrmRefused(`The CRM's secret does not hold a connection: ${problems(result.error)}.`);
}

/** How requests are authorised. */
export const Authentication = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('bearer'), token: text }),
  z.object({ kind: z.literal('basic'), user: text, password: z.string() }),
  z.object({
    kind: z.literal('oauth'),
    tokenUrl: address,
    clientId: text,
    clientSecret: text,
    scope: z.optional(text),
    /** Whether the token is asked for by a form (RFC 6749) or by JSON. */
    as: z._default(z.enum(['form', 'json']), 'form'),
  }),
]);
export type Authentication = z.output<typeof Authentication>;

const Token = z.object({ access_token: text, expires_in: z.optional(z.nullable(z.coerce.number())) });

type Of<Kind extends Authentication['kind']> = Extract<Authentication, { kind: Kind }>;

/** Credentials of each kind, and what no message may show of them. */
const KINDS: {
  readonly [Kind in Authentication['kind']]: (
    authentication: Of<Kind>,
    name: string,
    http: HttpClient,
  ) => { readonly credentials?: Credentials; readonly secrets: readonly string[] };
} = {
  none: () => ({ secrets: [] }),
  bearer: ({ token }) => ({
    credentials: fixed({ authorization: `Bearer ${token}` }),
    secrets: [token],
  }),
  basic: ({ user, password }) => ({ credentials: fixed(basic(user, password)), secrets: [password] }),
  oauth: ({ tokenUrl, clientId, clientSecret, scope, as }, name, http) => {
    const secrets = [clientSecret];
    const server = createService({ remote: CRM, name, http, secrets });
    const fields = {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      ...(scope !== undefined && { scope }),
    };
    async function fetch(): Promise<AccessToken> {
      const answer = await server.call({
        method: 'POST',
        url: tokenUrl,
        ...(as === 'json' ? { json: fields } : { form: fields }),
      });
      const { access_token, expires_in } = server.read(Token, answer);
      return { token: access_token, expiresIn: expires_in ?? undefined };
    }
    const identity = [tokenUrl, clientId, clientSecret, scope ?? ''];
    return { credentials: oauth({ identity, fetch, now: http.now }), secrets };
  },
};

/** The CRM's API: requests are authorised, and a token that is refused is renewed once. */
export function serviceOf(name: string, authentication: Authentication, http: HttpClient): Service {
  const make = KINDS[authentication.kind] as (typeof KINDS)['none'];
  return createService({ remote: CRM, name, http, ...make(authentication as Of<'none'>, name, http) });
}

const COUNTED = /remaining=(\d+);\s*resets?=(\d+)/i;

/**
 * Seconds to wait before the next request by what an answer says of the rate limit: none while requests remain.
 * `ratelimit-*` and `x-rate-limit-*` are the usual names; Zendesk counts some endpoints apart, as
 * `zendesk-ratelimit-<endpoint>: total=10; remaining=0; resets=41`.
 */
export function waitOf({ headers }: Pick<Answer, 'headers'>, now: number): number {
  const number = (...names: readonly string[]) => {
    const value = names.map((name) => headers[name]).find((found) => found !== undefined);
    return value === undefined || Number.isNaN(Number(value)) ? undefined : Number(value);
  };
  const waits = Object.entries(headers).flatMap(([name, value]) => {
    const [, remaining, resets] =
      (name.startsWith('zendesk-ratelimit-') && COUNTED.exec(String(value))) || [];
    return remaining === '0' ? [Number(resets)] : [];
  });
  const remaining = number('ratelimit-remaining', 'x-rate-limit-remaining', 'x-ratelimit-remaining');
  if (remaining === 0) {
    const reset = number('ratelimit-reset', 'x-rate-limit-reset', 'x-ratelimit-reset') ?? MINUTE;
    // A moment rather than a number of seconds, as GitHub has it.
    waits.push(reset > YEAR_SECONDS ? reset - now / 1000 : reset);
  }
  return Math.min(Math.max(0, Math.ceil(Math.max(0, ...waits))), LONGEST_WAIT);
}

const MINUTE = 60;
const YEAR_SECONDS = 31_536_000;
/** An hour: whoever asks for more is asked again then. */
export const LONGEST_WAIT = 3_600;
