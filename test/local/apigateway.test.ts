import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import {
  ApiGatewayV2Client,
  GetApiCommand,
  GetApisCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  GetStagesCommand,
} from '@aws-sdk/client-apigatewayv2';
import { RoleKeys } from '../../local/endpoint/credentials.ts';
import { Endpoint } from '../../local/endpoint/server.ts';
import { Faults } from '../../local/faults/faults.ts';
import { createApigateway, FRONT_PATH } from '../../local/services/apigateway/index.ts';
import { AwsError, type Shape } from '../../local/services/service.ts';
import { FakeContext, resource } from './fake-context.ts';
import { ask } from './help-desk-support.ts';

const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:webhook';
const LOG = {
  DestinationArn: 'arn:aws:logs:eu-west-1:123456789012:log-group:access',
  Format: '$context.status',
};

interface Options {
  /** Routes of the API, `POST /zendesk` unless given. */
  readonly routes?: readonly string[];
  readonly stage?: Shape;
  readonly timeoutMs?: number;
  /** What the function answers: its payload, or an error. */
  readonly answer?: (event: Shape) => unknown;
}

/** An HTTP API whose function is the test's, on an endpoint of its own. */
async function httpApi(t: TestContext, options: Options = {}) {
  const context = new FakeContext();
  const events: Shape[] = [];
  context.onCall = async ({ input }) => {
    const event = JSON.parse(String(input.Payload));
    events.push(event);
    const answer = await (options.answer ?? (() => ({ statusCode: 200, body: 'taken' })))(event);
    return answer instanceof Error
      ? { StatusCode: 200, FunctionError: 'Unhandled', Payload: '{"errorMessage":"no"}' }
      : { StatusCode: 200, Payload: JSON.stringify(answer) };
  };
  const service = context.use(t, createApigateway(context));
  const faults = new Faults({ clock: context.clock, isStateMachine: () => false });
  const endpoint = new Endpoint({
    keys: new RoleKeys(),
    serviceFor: (name) => context.services.get(name),
    dispatch: context.call.bind(context),
    faults,
    controls: { [FRONT_PATH]: (request) => service.front(request) },
  });
  context.endpoint = `http://127.0.0.1:${await endpoint.listen(0)}`;
  t.after(() => endpoint.close());
  const provision = async (type: string, properties: Shape, logicalId = type) => {
    const made = await service.resources?.[`AWS::ApiGatewayV2::${type}`]?.(
      resource(type, properties, logicalId),
    );
    assert.ok(made);
    return made;
  };
  const api = await provision('Api', { Name: 'webhook', ProtocolType: 'HTTP' });
  const ApiId = api.ref;
  const integration = await provision('Integration', {
    ApiId,
    IntegrationType: 'AWS_PROXY',
    IntegrationUri: FUNCTION,
    PayloadFormatVersion: '2.0',
    ...(options.timeoutMs && { TimeoutInMillis: options.timeoutMs }),
  });
  for (const [i, RouteKey] of (options.routes ?? ['POST /zendesk']).entries()) {
    await provision('Route', { ApiId, RouteKey, Target: `integrations/${integration.ref}` }, `Route${i}`);
  }
  await provision('Stage', { ApiId, StageName: '$default', AutoDeploy: true, ...options.stage });
  const url = String(api.attributes.ApiEndpoint);
  return { context, events, url, provision, ApiId };
}

describe('a request to an HTTP API', () => {
  test('reaches the function as AWS sends it', async (t) => {
    const { events, url, ApiId, context } = await httpApi(t);
    const answer = await ask('POST', `${url}/zendesk?a=1&b=two&a=3`, '{"ü":1}', {
      'Content-Type': 'application/json',
      'X-Zendesk-Webhook-Id': 'W1',
      cookie: 'one=1; two=2',
      'user-agent': 'Zendesk Webhook',
    });
    assert.deepEqual([answer.status, answer.text], [200, 'taken']);
    const [event] = events;
    assert.ok(event);
    const { headers, requestContext, ...rest } = event;
    assert.deepEqual(rest, {
      version: '2.0',
      routeKey: 'POST /zendesk',
      rawPath: '/zendesk',
      rawQueryString: 'a=1&b=two&a=3',
      cookies: ['one=1', 'two=2'],
      queryStringParameters: { a: '1,3', b: 'two' },
      body: '{"ü":1}',
      isBase64Encoded: false,
    });
    const sent = Object(headers);
    assert.equal(sent['x-zendesk-webhook-id'], 'W1');
    assert.equal(sent.host, `${ApiId}.execute-api.eu-west-1.amazonaws.com`);
    assert.equal(sent['x-forwarded-proto'], 'https');
    assert.equal(sent.cookie, undefined);
    const { requestId, time, ...known } = Object(requestContext);
    assert.match(requestId, /^[\w-]{36}$/);
    assert.equal(time, '01/Jan/2026:00:00:00 +0000');
    assert.deepEqual(known, {
      accountId: '123456789012',
      apiId: ApiId,
      domainName: sent.host,
      domainPrefix: ApiId,
      http: {
        method: 'POST',
        path: '/zendesk',
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: 'Zendesk Webhook',
      },
      routeKey: 'POST /zendesk',
      stage: '$default',
      timeEpoch: context.clock.now(),
    });
  });

  for (const [type, more, isBase64Encoded] of [
    ['application/json; charset=utf-8', {}, false],
    ['text/plain', {}, false],
    ['application/vnd.api+json', {}, false],
    ['application/octet-stream', {}, true],
    ['image/png', {}, true],
    ['application/json', { 'content-encoding': 'gzip' }, true],
  ] as const) {
    test(`its body is ${isBase64Encoded ? 'base64' : 'text'} for ${type}${'content-encoding' in more ? ', encoded' : ''}`, async (t) => {
      const { events, url } = await httpApi(t);
      await ask('POST', `${url}/zendesk`, 'body', { 'content-type': type, ...more });
      assert.equal(events[0]?.isBase64Encoded, isBase64Encoded);
      const body = Buffer.from(String(events[0]?.body), isBase64Encoded ? 'base64' : 'utf8');
      assert.equal(body.toString(), 'body');
    });
  }

  test('is answered by the most specific route, and by none with 404', async (t) => {
    const { events, url } = await httpApi(t, {
      routes: ['ANY /{proxy+}', 'GET /tickets/{id}', 'ANY /tickets/{id}', 'GET /tickets/mine'],
    });
    for (const [method, path] of [
      ['GET', '/tickets/mine'],
      ['GET', '/tickets/7'],
      ['PUT', '/tickets/7'],
      ['GET', '/a/b'],
    ] as const)
      await ask(method, `${url}${path}`);
    assert.deepEqual(
      events.map(({ routeKey, pathParameters }) => [routeKey, pathParameters]),
      [
        ['GET /tickets/mine', undefined],
        ['GET /tickets/{id}', { id: '7' }],
        ['ANY /tickets/{id}', { id: '7' }],
        ['ANY /{proxy+}', { proxy: 'a/b' }],
      ],
    );
    const other = await httpApi(t);
    for (const [method, path] of [
      ['GET', '/zendesk'],
      ['POST', '/'],
      ['POST', ''],
      ['POST', '/zendesk/more'],
    ] as const) {
      const { status, json } = await ask(method, `${other.url}${path}`);
      assert.deepEqual([status, json], [404, { message: 'Not Found' }], `${method} ${path}`);
    }
    assert.equal((await ask('POST', `${other.url}x/zendesk`)).status, 404);
    assert.equal(other.events.length, 0);
  });

  test('a stage with a name is the first part of the path', async (t) => {
    const { events, url } = await httpApi(t, { stage: { StageName: 'prod' } });
    assert.equal((await ask('POST', `${url}/zendesk`)).status, 404);
    assert.equal((await ask('POST', `${url}/prod/zendesk`)).status, 200);
    assert.equal(events[0]?.rawPath, '/prod/zendesk');
    assert.equal(events[0]?.routeKey, 'POST /zendesk');
  });

  test('more than 10 MB is too much', async (t) => {
    const { events, url } = await httpApi(t);
    const { status, json } = await ask('POST', `${url}/zendesk`, 'x'.repeat(10 * 1024 ** 2 + 1));
    assert.deepEqual([status, json], [413, { message: 'Request Entity Too Large' }]);
    assert.equal(events.length, 0);
  });

  test('above the burst is throttled until the rate has made room', async (t) => {
    const { context, url, events } = await httpApi(t, {
      stage: { DefaultRouteSettings: { ThrottlingBurstLimit: 3, ThrottlingRateLimit: 2 } },
    });
    const statuses = async (count: number) => {
      const seen: number[] = [];
      for (let i = 0; i < count; i++) seen.push((await ask('POST', `${url}/zendesk`)).status);
      return seen;
    };
    assert.deepEqual(await statuses(5), [200, 200, 200, 429, 429]);
    await context.manual.advance(1000);
    assert.deepEqual(await statuses(3), [200, 200, 429]);
    assert.equal(events.length, 5);
  });
});

describe('the answer of an HTTP API', () => {
  test('has status, headers, cookies and bytes of the function', async (t) => {
    const { url } = await httpApi(t, {
      answer: () => ({
        statusCode: 201,
        headers: { 'X-Own': 'yes', 'Content-Type': 'image/png' },
        cookies: ['a=1', 'b=2'],
        body: Buffer.from([0, 255, 1]).toString('base64'),
        isBase64Encoded: true,
      }),
    });
    const response = await fetch(`${url}/zendesk`, { method: 'POST' });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('x-own'), 'yes');
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
    assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [0, 255, 1]);
    assert.ok(response.headers.get('apigw-requestid'));
  });

  test('is JSON with 200 where the function gives no status', async (t) => {
    const { url } = await httpApi(t, { answer: () => ({ taken: true }) });
    const { status, json, headers } = await ask('POST', `${url}/zendesk`);
    assert.deepEqual([status, json], [200, { taken: true }]);
    assert.equal(headers.get('content-type'), 'application/json');
  });

  for (const [what, answer] of [
    ['the function fails', () => new Error('no')],
    ['its answer has no shape that is known', () => ({ statusCode: 'all is well' })],
    [
      'the function’s policy does not let the API in',
      () => Promise.reject(new AwsError('AccessDeniedException', 'no', { status: 403 })),
    ],
  ] as const) {
    test(`is 500 and tells nothing where ${what}`, async (t) => {
      const { url } = await httpApi(t, { answer });
      const { status, json } = await ask('POST', `${url}/zendesk`);
      assert.deepEqual([status, json], [500, { message: 'Internal Server Error' }]);
    });
  }

  test('is 503 where the function takes longer than the integration waits', async (t) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const begun = Promise.withResolvers<void>();
    const { url, context } = await httpApi(t, {
      timeoutMs: 5000,
      answer: () => {
        begun.resolve();
        return promise;
      },
    });
    const asked = ask('POST', `${url}/zendesk`);
    await begun.promise;
    await context.manual.advance(5000);
    const { status, json } = await asked;
    assert.deepEqual([status, json], [503, { message: 'Service Unavailable' }]);
    resolve({});
  });
});

describe('an HTTP API', () => {
  test('calls its function as itself, for the route alone', async (t) => {
    const { context, url, ApiId } = await httpApi(t);
    await ask('POST', `${url}/zendesk`);
    const [call] = context.calls;
    assert.equal(call?.input.FunctionName, FUNCTION);
    assert.deepEqual(call?.caller, {
      kind: 'service',
      service: 'apigateway.amazonaws.com',
      sourceArn: `arn:aws:execute-api:eu-west-1:123456789012:${ApiId}/$default/POST/zendesk`,
    });
  });

  test('writes its access log and counts', async (t) => {
    const { context, url, ApiId } = await httpApi(t, {
      stage: {
        AccessLogSettings: {
          ...LOG,
          Format:
            '{"status":"$context.status","route":"$context.routeKey","at":"$context.requestTimeEpoch","ip":"$context.identity.sourceIp","who":"$context.authorizer.principalId"}',
        },
      },
    });
    await ask('POST', `${url}/zendesk`);
    await ask('GET', `${url}/else`);
    const lines = context.lines
      .filter(({ group }) => group === 'access')
      .map(({ message }) => JSON.parse(message));
    assert.deepEqual(lines, [
      { status: '200', route: 'POST /zendesk', at: String(context.clock.now()), ip: '127.0.0.1', who: '-' },
      { status: '404', route: '-', at: String(context.clock.now()), ip: '127.0.0.1', who: '-' },
    ]);
    const sum = (name: string) =>
      context.metrics
        .filter((each) => each.name === name && each.dimensions.ApiId === ApiId && !each.dimensions.Stage)
        .reduce((total, { value }) => total + value, 0);
    assert.deepEqual([sum('Count'), sum('4xx'), sum('5xx')], [2, 1, 0]);
  });

  test('is shown by the API of the service', async (t) => {
    const { context, ApiId, url } = await httpApi(t, { stage: { AccessLogSettings: LOG } });
    const client = new ApiGatewayV2Client({
      endpoint: context.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const { Items: apis = [] } = await client.send(new GetApisCommand({}));
    assert.deepEqual(
      apis.map((each) => [each.ApiId, each.Name, each.ProtocolType, each.ApiEndpoint]),
      [[ApiId, 'webhook', 'HTTP', url]],
    );
    assert.equal(
      (await client.send(new GetApiCommand({ ApiId }))).CreatedDate?.getTime(),
      context.clock.now(),
    );
    const { Items: stages } = await client.send(new GetStagesCommand({ ApiId }));
    assert.equal(stages?.[0]?.StageName, '$default');
    assert.equal(stages?.[0]?.AccessLogSettings?.Format, '$context.status');
    const { Items: integrations } = await client.send(new GetIntegrationsCommand({ ApiId }));
    const { Items: routes } = await client.send(new GetRoutesCommand({ ApiId }));
    assert.equal(routes?.[0]?.Target, `integrations/${integrations?.[0]?.IntegrationId}`);
    assert.deepEqual(context.authorized.map(({ action, resource }) => [action, resource]).slice(0, 2), [
      ['apigateway:GET', 'arn:aws:apigateway:eu-west-1::/apis'],
      ['apigateway:GET', `arn:aws:apigateway:eu-west-1::/apis/${ApiId}`],
    ]);
    await assert.rejects(client.send(new GetApiCommand({ ApiId: 'none' })), { name: 'NotFoundException' });
    client.destroy();
  });

  test('what has no stand-in stops the start', async (t) => {
    const { provision, ApiId } = await httpApi(t);
    await assert.rejects(provision('Api', { Name: 'chat', ProtocolType: 'WEBSOCKET' }));
    await assert.rejects(provision('Stage', { ApiId, StageName: 'v1' }), /AutoDeploy/);
    await assert.rejects(
      provision('Integration', {
        ApiId,
        IntegrationType: 'HTTP_PROXY',
        IntegrationUri: 'https://example.com',
        PayloadFormatVersion: '1.0',
      }),
    );
    await assert.rejects(provision('Route', { ApiId, RouteKey: 'GET /', Target: 'integrations/none' }));
  });
});
