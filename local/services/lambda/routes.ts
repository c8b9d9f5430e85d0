import { z } from 'zod';
import { object } from '../operation.ts';
import {
  AwsError,
  type Caller,
  type HttpRequest,
  type HttpResponse,
  type RuntimeContext,
  type Shape,
} from '../service.ts';

interface Route {
  readonly method: string;
  /** Groups name members of the input. */
  readonly path: RegExp;
  readonly operation: string;
  readonly status?: number;
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html, `requestUri` of the service model. */
const ROUTES: readonly Route[] = [
  route('GET', '/2015-03-31/functions', 'ListFunctions'),
  route('GET', '/2015-03-31/functions/{FunctionName}', 'GetFunction'),
  route('GET', '/2015-03-31/functions/{FunctionName}/configuration', 'GetFunctionConfiguration'),
  route('PUT', '/2015-03-31/functions/{FunctionName}/configuration', 'UpdateFunctionConfiguration'),
  route('GET', '/2015-03-31/functions/{FunctionName}/policy', 'GetPolicy'),
  route('PUT', '/2017-10-31/functions/{FunctionName}/concurrency', 'PutFunctionConcurrency'),
  route('DELETE', '/2017-10-31/functions/{FunctionName}/concurrency', 'DeleteFunctionConcurrency', 204),
  route('GET', '/2019-09-30/functions/{FunctionName}/concurrency', 'GetFunctionConcurrency'),
  route('GET', '/2019-09-25/functions/{FunctionName}/event-invoke-config', 'GetFunctionEventInvokeConfig'),
  route('GET', '/2015-03-31/event-source-mappings', 'ListEventSourceMappings'),
  route('POST', '/2015-03-31/event-source-mappings', 'CreateEventSourceMapping', 202),
  route('GET', '/2015-03-31/event-source-mappings/{UUID}', 'GetEventSourceMapping'),
  route('PUT', '/2015-03-31/event-source-mappings/{UUID}', 'UpdateEventSourceMapping', 202),
  route('DELETE', '/2015-03-31/event-source-mappings/{UUID}', 'DeleteEventSourceMapping', 202),
];

const INVOCATIONS = pathPattern('/2015-03-31/functions/{FunctionName}/invocations');

function route(method: string, path: string, operation: string, status = 200): Route {
  return { method, path: pathPattern(path), operation, status };
}

function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}/?$`);
}

/** Answers the REST protocol of Lambda by calling the operations. */
export async function answer(context: RuntimeContext, request: HttpRequest): Promise<HttpResponse> {
  const invoked = request.method === 'POST' ? INVOCATIONS.exec(request.path) : null;
  if (invoked) return answerInvoke(context, request, decode(invoked.groups));
  for (const { method, path, operation, status = 200 } of ROUTES) {
    const found = method === request.method ? path.exec(request.path) : null;
    if (!found) continue;
    const input = {
      ...Object.fromEntries(request.query),
      ...parseBody(request.body),
      ...decode(found.groups),
    };
    const output = await context.call('lambda', operation, input, request.caller);
    const headers = { 'content-type': 'application/json' };
    return status === 204 ? { status } : { status, headers, body: JSON.stringify(output, epochSeconds) };
  }
  throw new AwsError(
    'UnknownOperationException',
    `The local runtime does not support ${request.method} ${request.path} of Lambda.`,
    { status: 404 },
  );
}

const invokeOutput = z.object({
  StatusCode: z.number(),
  Payload: z.string().optional(),
  FunctionError: z.string().optional(),
  LogResult: z.string().optional(),
  ExecutedVersion: z.string().optional(),
});

async function answerInvoke(
  context: RuntimeContext,
  request: HttpRequest,
  path: Shape,
): Promise<HttpResponse> {
  const { headers, body, query } = request;
  const caller: Caller = request.caller;
  const input = {
    ...path,
    Qualifier: query.get('Qualifier') ?? undefined,
    Payload: body.toString(),
    InvocationType: headers['x-amz-invocation-type'],
    LogType: headers['x-amz-log-type'],
    ClientContext: headers['x-amz-client-context'],
    TraceHeader: headers['x-amzn-trace-id'],
  };
  const output = invokeOutput.parse(await context.call('lambda', 'Invoke', input, caller));
  const optional: Record<string, string | undefined> = {
    'x-amz-function-error': output.FunctionError,
    'x-amz-log-result': output.LogResult,
    'x-amz-executed-version': output.ExecutedVersion,
  };
  const given = Object.entries(optional).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return {
    status: output.StatusCode,
    headers: { 'content-type': 'application/json', ...Object.fromEntries(given) },
    body: output.Payload ?? '',
  };
}

function decode(groups: Readonly<Record<string, string>> | undefined): Shape {
  return Object.fromEntries(
    Object.entries(groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
  );
}

function parseBody(body: Buffer): Shape {
  return body.length === 0 ? {} : object.parse(JSON.parse(body.toString()));
}

/** The REST-JSON protocol carries instants as seconds since the epoch; `JSON.stringify` has called toJSON before us. */
function epochSeconds(this: Shape, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Date ? original.getTime() / 1000 : value;
}
