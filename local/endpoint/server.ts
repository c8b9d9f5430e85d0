import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Faults } from '../faults/faults.ts';
import { AwsError, type HttpRequest, type HttpResponse, type LocalService } from '../services/service.ts';
import { credentialScope, type RoleKeys } from './credentials.ts';
import type { Dispatch } from './dispatch.ts';
import type { ObservedCall } from './observe.ts';
import { parseQuery, queryError, queryResponse } from './query-protocol.ts';

export interface EndpointOptions {
  readonly keys: RoleKeys;
  /** Finds the service that a signing name routes to. */
  readonly serviceFor: (signingName: string) => LocalService | undefined;
  readonly dispatch: Dispatch;
  /** Sees REST requests; the others are seen by who observes `dispatch`. */
  readonly onCall?: ((call: ObservedCall) => void) | undefined;
  /** Stands around REST requests, as `dispatch` around the others. */
  readonly faults: Faults;
  /** What the runtime itself answers, by path; one that ends in a slash is the first part of longer ones. */
  readonly controls: Readonly<Record<string, (request: HttpRequest) => Promise<HttpResponse>>>;
}

/** The port is taken by another process. */
export class PortInUse extends Error {
  override readonly name = 'PortInUse';
}

/** One HTTP address for every AWS service, routed by the service that the request was signed for. */
export class Endpoint {
  readonly #server: Server;
  readonly #options: EndpointOptions;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 0 }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  /**
   * Listens on the loopback address.
   * @param port 0 takes a free one
   * @returns the port
   * @throws PortInUse
   */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          error.code === 'EADDRINUSE'
            ? new PortInUse(`Port ${port} is in use. Choose another: npm start -- --port ${port + 1}`)
            : error,
        ),
      );
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    const body = await readBody(incoming);
    const [path = '/', search = ''] = splitOnce(incoming.url ?? '/', '?');
    const query = new URLSearchParams(search);
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : value,
      ]),
    );
    const scope = credentialScope(headers.authorization, query);
    const signingName = scope?.service ?? serviceOfTarget(headers['x-amz-target']) ?? 's3';
    const request: HttpRequest = {
      method: incoming.method ?? 'GET',
      path,
      query,
      headers,
      body,
      caller: this.#options.keys.callerOf(scope?.accessKeyId),
    };
    const { controls } = this.#options;
    const control = controls[path] ?? controls[path.slice(0, path.indexOf('/', 1) + 1)];
    const response = await (control ? control(request) : this.#answer(signingName, request, requestId));
    await send(outgoing, response, requestId, request.method === 'HEAD');
  }

  async #answer(signingName: string, request: HttpRequest, requestId: string): Promise<HttpResponse> {
    const service = this.#options.serviceFor(signingName);
    const target = request.headers['x-amz-target'];
    const isQuery = !target && (request.headers['content-type'] ?? '').includes('x-www-form-urlencoded');
    try {
      if (!service) {
        throw new AwsError(
          'UnknownService',
          `The local runtime has no stand-in for the service "${signingName}".`,
          {
            status: 501,
          },
        );
      }
      if (service.http) {
        const { caller } = request;
        const response = await service.http({
          ...request,
          around: (operation, work) =>
            this.#options.faults.call({ via: 'endpoint', service: signingName, operation, caller }, work),
        });
        this.#options.onCall?.({
          via: 'endpoint',
          service: signingName,
          operation: `${request.method} ${request.path}${request.query.size > 0 ? `?${request.query}` : ''}`,
          caller,
          ...(response.status >= 400 && { error: String(response.status) }),
        });
        return response;
      }
      const { operation, input } = isQuery
        ? parseQuery(request.body.toString())
        : parseJson(target, request.body);
      const output = await this.#options.dispatch(signingName, operation, input, request.caller);
      return isQuery
        ? xml(200, queryResponse(signingName, operation, output, requestId))
        : json(200, output, request.headers['content-type']);
    } catch (thrown) {
      const error =
        thrown instanceof AwsError
          ? thrown
          : new AwsError(
              'InternalFailure',
              `${thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown}`,
              {
                status: 500,
              },
            );
      if (isQuery) return xml(error.status, queryError(signingName, error, requestId));
      const answer = json(
        error.status,
        { __type: error.code, message: error.message, ...error.members },
        request.headers['content-type'],
      );
      return { ...answer, headers: { ...answer.headers, ...errorHeaders(error) } };
    }
  }
}

/** Codes of SQS errors in the query protocol where they are not the errors' names (`awsQueryError` of its model). */
const QUERY_CODES: Readonly<Record<string, string>> = {
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  ...Object.fromEntries(
    [
      'BatchEntryIdsNotDistinct',
      'BatchRequestTooLong',
      'EmptyBatchRequest',
      'InvalidBatchEntryId',
      'MessageNotInflight',
      'TooManyEntriesInBatchRequest',
    ].map((name) => [name, `AWS.SimpleQueueService.${name}`]),
  ),
};

/** Clients written for the query protocol of SQS still look for its old code. */
function errorHeaders({ code }: AwsError): Record<string, string> {
  const legacy = QUERY_CODES[code];
  return { 'x-amzn-errortype': code, ...(legacy ? { 'x-amzn-query-error': `${legacy};Sender` } : {}) };
}

function parseJson(
  target: string | undefined,
  body: Buffer,
): { operation: string; input: Record<string, unknown> } {
  const operation = target?.split('.').at(-1);
  if (!operation)
    throw new AwsError('UnknownOperationException', 'The request names no operation (X-Amz-Target).');
  const input: unknown = body.length === 0 ? {} : JSON.parse(body.toString());
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new AwsError('SerializationException', 'The request body is not a JSON object.');
  }
  return { operation, input: { ...input } };
}

/** Unsigned requests of JSON services still say which service they are for. */
function serviceOfTarget(target: string | undefined): string | undefined {
  const prefix = target?.split('.')[0] ?? '';
  return TARGETS.find(([pattern]) => prefix.startsWith(pattern))?.[1];
}

const TARGETS: readonly (readonly [string, string])[] = [
  ['AWSStepFunctions', 'states'],
  ['AmazonSQS', 'sqs'],
  ['DynamoDB', 'dynamodb'],
  ['Textract', 'textract'],
  ['Comprehend', 'comprehend'],
  ['RedshiftData', 'redshift-data'],
  ['AWSEvents', 'events'],
  ['Logs', 'logs'],
];

function json(status: number, value: unknown, contentType = 'application/x-amz-json-1.0'): HttpResponse {
  return { status, headers: { 'content-type': contentType }, body: JSON.stringify(value, epochSeconds) };
}

/** The JSON protocols carry instants as seconds since the epoch; `JSON.stringify` has called toJSON before us. */
function epochSeconds(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Date ? original.getTime() / 1000 : value;
}

function xml(status: number, body: string): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'text/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
  };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

async function send(
  outgoing: ServerResponse,
  response: HttpResponse,
  requestId: string,
  headOnly: boolean,
): Promise<void> {
  const { body } = response;
  const headers: Record<string, string | string[]> = { 'x-amzn-requestid': requestId, ...response.headers };
  const isStream = typeof body === 'object' && 'pipe' in body;
  if (!isStream && !headOnly && headers['content-length'] === undefined) {
    headers['content-length'] = String(body === undefined ? 0 : Buffer.byteLength(body));
  }
  outgoing.writeHead(response.status, headers);
  if (isStream && !headOnly) await pipeline(body, outgoing);
  else outgoing.end(headOnly || isStream ? undefined : body);
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
