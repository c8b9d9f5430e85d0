import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AwsError, type HttpRequest, type HttpResponse, type RuntimeContext } from '../service.ts';
import { type Api, type Apis, FRONT_PATH, type Stage } from './apis.ts';
import { commonLogTime, eventOf, type Received, responseOf, SOURCE_IP } from './event.ts';
import { routeOf } from './routing.ts';
import { Bucket } from './throttle.ts';

/** Largest payload of an HTTP API (quotas). */
const MAX_BODY_BYTES = 10 * 1024 ** 2;

/** What an integration did, for the access log. */
interface Outcome {
  readonly response: HttpResponse;
  readonly integrationStatus?: number;
  readonly integrationLatency?: number;
  readonly integrationError?: string;
}

const Invoked = z.object({ Payload: z.string().optional(), FunctionError: z.string().optional() });

const message = (status: number, text: string): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ message: text }),
});
const NOT_FOUND = message(404, 'Not Found');
const TOO_MANY = message(429, 'Too Many Requests');
const TOO_LARGE = message(413, 'Request Entity Too Large');
const FAILED = message(500, 'Internal Server Error');
const UNAVAILABLE = message(503, 'Service Unavailable');

/** Answers requests to HTTP APIs. */
export class Front {
  readonly #context: RuntimeContext;
  readonly #apis: Apis;
  readonly #buckets = new Map<string, Bucket>();

  constructor(context: RuntimeContext, apis: Apis) {
    this.#context = context;
    this.#apis = apis;
  }

  /** @param request its path begins with {@link FRONT_PATH} and the API's id */
  async answer(request: HttpRequest): Promise<HttpResponse> {
    const [, id = '', rest = ''] = /^([^/]*)(\/.*)?$/.exec(request.path.slice(FRONT_PATH.length)) ?? [];
    const api = this.#apis.find(id);
    const found = api && stageOf(api, rest || '/');
    if (!api || !found) return NOT_FOUND;
    const { stage, path } = found;
    const at = this.#context.clock.now();
    const requestId = randomUUID();
    const began = performance.now();
    const match = routeOf(api, request.method, found.route);
    const domain = `${api.id}.execute-api.${this.#context.region}.amazonaws.com`;
    const { account } = this.#context;
    const search = request.query.size > 0 ? request.query.toString() : '';
    const outcome: Outcome = match
      ? await this.#route({ api, stage, match, request, path, search, requestId, at, account, domain })
      : { response: NOT_FOUND };
    const { response } = outcome;
    const latency = performance.now() - began;
    this.#count(api, stage, request, outcome, latency);
    this.#log(stage, {
      accountId: account,
      apiId: api.id,
      stage: stage.name,
      domainName: domain,
      domainPrefix: api.id,
      httpMethod: request.method,
      path,
      protocol: 'HTTP/1.1',
      requestId,
      extendedRequestId: requestId,
      requestTime: commonLogTime(at),
      requestTimeEpoch: at,
      responseLatency: Math.round(latency),
      responseLength: lengthOf(response),
      routeKey: match?.route.key,
      status: response.status,
      'identity.sourceIp': SOURCE_IP,
      'identity.userAgent': request.headers['user-agent'],
      integrationStatus: outcome.integrationStatus,
      'integration.integrationStatus': outcome.integrationStatus,
      integrationLatency: outcome.integrationLatency && Math.round(outcome.integrationLatency),
      integrationErrorMessage: outcome.integrationError,
      'integration.error': outcome.integrationError,
      'error.message': match ? undefined : 'Not Found',
    });
    return { ...response, headers: { ...response.headers, 'apigw-requestid': requestId } };
  }

  async #route(received: Received): Promise<Outcome> {
    const { api, stage, match, request } = received;
    if (!this.#bucketOf(api, stage, match.route.key).take()) return { response: TOO_MANY };
    if (request.body.length > MAX_BODY_BYTES) return { response: TOO_LARGE };
    const integration = api.integrations.get(match.route.integrationId);
    if (!integration) return { response: FAILED, integrationError: 'The integration is not there.' };
    const began = performance.now();
    const since = () => ({ integrationLatency: performance.now() - began });
    const { region, account, clock } = this.#context;
    const path =
      match.route.key === '$default' ? '$default' : match.route.key.replace(' ', '').replace('ANY', '*');
    const invoked = this.#context.call(
      'lambda',
      'Invoke',
      { FunctionName: integration.functionArn, Payload: JSON.stringify(eventOf(received)) },
      {
        kind: 'service',
        service: 'apigateway.amazonaws.com',
        sourceArn: `arn:aws:execute-api:${region}:${account}:${api.id}/${stage.name}/${path}`,
      },
    );
    const late = Promise.withResolvers<'late'>();
    const cancel = clock.after(integration.timeoutMs, () => late.resolve('late'));
    try {
      const output = await Promise.race([invoked, late.promise]);
      if (output === 'late') {
        invoked.catch(() => {});
        return { response: UNAVAILABLE, integrationError: 'Endpoint request timed out', ...since() };
      }
      const { Payload, FunctionError } = Invoked.parse(output);
      const response = FunctionError === undefined ? responseOf(Payload) : undefined;
      return response
        ? { response, integrationStatus: 200, ...since() }
        : {
            response: FAILED,
            integrationStatus: 200,
            integrationError: FunctionError
              ? `The Lambda function returned the following error: ${FunctionError}. Check your Lambda function code and try again.`
              : 'The response from the Lambda function doesn’t match the format that API Gateway expects.',
            ...since(),
          };
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const isBusy = error.code === 'TooManyRequestsException';
      return { response: isBusy ? UNAVAILABLE : FAILED, integrationError: error.message, ...since() };
    } finally {
      cancel();
    }
  }

  /** One bucket for each route of a stage: limits are those of the route, or the stage's for each of them. */
  #bucketOf(api: Api, stage: Stage, routeKey: string): Bucket {
    const key = `${api.id} ${stage.name} ${routeKey}`;
    const known = this.#buckets.get(key);
    if (known) return known;
    const own = stage.throttlingOf.get(routeKey);
    const made = new Bucket(this.#context.clock, {
      rate: own?.rate ?? stage.throttling.rate,
      burst: own?.burst ?? stage.throttling.burst,
    });
    this.#buckets.set(key, made);
    return made;
  }

  #count(api: Api, stage: Stage, request: HttpRequest, outcome: Outcome, latency: number): void {
    const { status } = outcome.response;
    const values: readonly (readonly [string, number | undefined, string])[] = [
      ['Count', 1, 'Count'],
      ['4xx', status >= 400 && status < 500 ? 1 : 0, 'Count'],
      ['5xx', status >= 500 ? 1 : 0, 'Count'],
      ['Latency', latency, 'Milliseconds'],
      ['IntegrationLatency', outcome.integrationLatency, 'Milliseconds'],
      ['DataProcessed', request.body.length + lengthOf(outcome.response), 'Bytes'],
    ];
    for (const [name, value, unit] of values) {
      if (value === undefined) continue;
      const all: Record<string, string>[] = [{ ApiId: api.id }, { ApiId: api.id, Stage: stage.name }];
      for (const dimensions of all) {
        this.#context.metric({ namespace: 'AWS/ApiGateway', name, dimensions, value, unit });
      }
    }
  }

  #log({ accessLog }: Stage, values: Readonly<Record<string, unknown>>): void {
    if (!accessLog) return;
    const line = accessLog.format.replaceAll(/\$context\.([\w.]+)/g, (_, name) => {
      const value = values[name];
      return value === undefined
        ? '-'
        : String(value).replaceAll(/["\\\n]/g, (character) => `\\${character}`);
    });
    const hour = new Date(this.#context.clock.now()).toISOString().slice(0, 13).replace('T', '-');
    this.#context.log(accessLog.group, hour, line);
  }
}

/** The stage that a path begins with, or the one that needs no name. */
function stageOf(
  { stages }: Api,
  path: string,
): { readonly stage: Stage; readonly path: string; readonly route: string } | undefined {
  const [, first = '', rest = ''] = /^\/([^/]*)(\/.*)?$/.exec(path) ?? [];
  const named = stages.get(first);
  // The path that functions see has the stage in it, and the route's has not.
  if (named) return { stage: named, path, route: rest || '/' };
  const unnamed = stages.get('$default');
  return unnamed && { stage: unnamed, path, route: path };
}

const lengthOf = ({ body }: HttpResponse): number =>
  body === undefined || (typeof body === 'object' && 'pipe' in body) ? 0 : Buffer.byteLength(body);
