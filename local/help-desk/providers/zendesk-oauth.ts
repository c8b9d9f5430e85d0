import type { Clock } from '../../clock.ts';
import { type Handler, memberOf, Refusal, readBody, tokenOf } from '../api.ts';
import { Tokens } from '../credentials.ts';
import { TokenRequest } from './zendesk-shapes.ts';

export interface OAuthOptions {
  readonly clock: Clock;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  /** What tokens of the client may be for. */
  readonly scopes: readonly string[];
  readonly tokenSeconds: number;
}

export interface OAuth {
  /** `POST /oauth/tokens`. */
  readonly token: Handler;
  /** Lets only requests with a good token through, whose scope is one of these where any are given. */
  authenticated(handler: Handler, ...anyOf: string[]): Handler;
}

export const INVALID_TOKEN = {
  error: 'invalid_token',
  error_description: 'The access token provided is expired, revoked, malformed or invalid for other reasons.',
};

export const malformed = () =>
  new Refusal(422, { error: 'Unprocessable Entity', message: 'Server could not parse JSON' });

/** Zendesk's OAuth by client credentials (Zendesk API, "OAuth tokens for grant types"). */
export function oauth({ clock, client, scopes, tokenSeconds }: OAuthOptions): OAuth {
  const tokens = new Tokens();
  const granted = new Map<string, readonly string[]>();
  return {
    token: (request) => {
      const asked = readBody(request, TokenRequest, malformed, (issues) => {
        const names = issues.map((issue) => memberOf(issue)).join(', ');
        return new Refusal(400, { error: 'invalid_request', error_description: `Missing: ${names}` });
      });
      if (asked.grant_type !== 'client_credentials')
        throw new Refusal(400, {
          error: 'unsupported_grant_type',
          error_description: `The authorization grant type ${asked.grant_type} is not supported.`,
        });
      if (asked.client_id !== client.clientId || asked.client_secret !== client.clientSecret)
        throw new Refusal(401, {
          error: 'invalid_client',
          error_description:
            'Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.',
        });
      const wanted = asked.scope.split(' ');
      if (!wanted.every((scope) => scopes.includes(scope)))
        throw new Refusal(400, {
          error: 'invalid_scope',
          error_description: 'The requested scope is invalid, unknown, or malformed.',
        });
      const token = tokens.issue(clock.now() + tokenSeconds * 1000);
      granted.set(token, wanted);
      return {
        status: 200,
        body: { access_token: token, token_type: 'bearer', scope: asked.scope, expires_in: tokenSeconds },
      };
    },

    authenticated:
      (handler, ...anyOf) =>
      (request) => {
        const { authorization } = request.headers;
        if (!authorization) throw new Refusal(401, { error: "Couldn't authenticate you" });
        const token = tokenOf('Bearer', authorization);
        if (!tokens.isGood(token, clock.now()))
          return {
            status: 401,
            headers: { 'www-authenticate': 'Bearer realm="zendesk", error="invalid_token"' },
            body: INVALID_TOKEN,
          };
        const has = granted.get(token ?? '') ?? [];
        if (anyOf.length > 0 && !anyOf.some((scope) => has.includes(scope)))
          throw new Refusal(403, {
            error: 'Forbidden',
            description:
              'You do not have access to this page. Please contact the account owner of this help desk for further help.',
          });
        return handler(request);
      },
  };
}
