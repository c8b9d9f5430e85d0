import type { HttpRequest, HttpResponse, LocalService, RuntimeContext } from '../service.ts';
import { AwsError } from '../service.ts';
import { type Api, Apis, asShown } from './apis.ts';
import { Front } from './front.ts';

export { FRONT_PATH } from './apis.ts';

type Show = (api: Api) => unknown;
interface Listing {
  readonly path: RegExp;
  readonly show: (apis: Apis, groups: Readonly<Record<string, string>>) => unknown;
}

/** Names of a request's path, as the service model has them. */
const listing = (path: string, show: Listing['show']): Listing => ({
  path: new RegExp(`^/v2/apis${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}/?$`),
  show,
});

const api = (each: Api) => ({
  apiId: each.id,
  apiEndpoint: each.endpoint,
  name: each.name,
  protocolType: 'HTTP',
  createdDate: new Date(each.created).toISOString(),
  routeSelectionExpression: '$request.method $request.path',
  disableExecuteApiEndpoint: false,
});
const stages: Show = (each) => [...each.stages.values()].map(({ shown }) => asShown(shown));
const integrations: Show = (each) =>
  [...each.integrations.values()].map(({ id, shown }) =>
    Object.assign({ integrationId: id }, asShown(shown)),
  );
const routes: Show = (each) =>
  [...each.routes.values()].map(({ id, key, integrationId }) => ({
    routeId: id,
    routeKey: key,
    target: `integrations/${integrationId}`,
    authorizationType: 'NONE',
    apiKeyRequired: false,
  }));

/** https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/resources.html */
const LISTINGS: readonly Listing[] = [
  listing('', (apis) => ({ items: apis.all().map(api) })),
  listing('/{ApiId}', (apis, { ApiId = '' }) => api(apis.get(ApiId))),
  ...Object.entries({ stages, integrations, routes }).map(([name, show]) =>
    listing(`/{ApiId}/${name}`, (apis, { ApiId = '' }) => ({ items: show(apis.get(ApiId)) })),
  ),
];

/**
 * API Gateway: HTTP APIs that call functions. They are reached below {@link FRONT_PATH} of the runtime's endpoint, where
 * AWS gives each a host of its own.
 */
export function createApigateway(
  context: RuntimeContext,
): LocalService & { front(request: HttpRequest): Promise<HttpResponse> } {
  const apis = new Apis(context);
  const front = new Front(context, apis);
  return {
    signingNames: ['apigateway'],
    iamPrefix: 'apigateway',
    front: (request) => front.answer(request),
    http: async ({ method, path, caller }) => {
      for (const { path: pattern, show } of LISTINGS) {
        const found = method === 'GET' ? pattern.exec(path) : null;
        if (!found) continue;
        // Its actions are the methods of HTTP, and its ARNs the paths.
        const resource = `arn:aws:apigateway:${context.region}::${path.replace(/^\/v2/, '')}`;
        context.authorize({ caller, action: 'apigateway:GET', resource });
        const body = JSON.stringify(show(apis, found.groups ?? {}));
        return { status: 200, headers: { 'content-type': 'application/json' }, body };
      }
      throw new AwsError(
        'UnknownOperationException',
        `The local runtime does not support ${method} ${path} of API Gateway.`,
        { status: 404 },
      );
    },
    resources: {
      'AWS::ApiGatewayV2::Api': (resource) => apis.makeApi(resource),
      'AWS::ApiGatewayV2::Stage': (resource) => apis.makeStage(resource),
      'AWS::ApiGatewayV2::Integration': (resource) => apis.makeIntegration(resource),
      'AWS::ApiGatewayV2::Route': (resource) => apis.makeRoute(resource),
    },
  };
}
