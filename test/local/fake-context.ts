import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ManualClock, systemClock } from '../../local/clock.ts';
import {
  type AuthorizationRequest,
  AwsError,
  type BusEvent,
  type Caller,
  type LocalService,
  type ResourceRequest,
  type RuntimeContext,
  type Shape,
} from '../../local/services/service.ts';

export const ADMINISTRATOR: Caller = { kind: 'administrator' };

type Metric = Parameters<RuntimeContext['metric']>[0];

const directories: string[] = [];
process.on('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A runtime context for one or a few services: records what they emit and lets them call each other. */
export class FakeContext implements RuntimeContext {
  readonly account = '123456789012';
  readonly region = 'eu-west-1';
  readonly manual = new ManualClock();
  readonly clock;
  readonly dataDir: string;
  endpoint = 'http://127.0.0.1:4566';
  readonly events: BusEvent[] = [];
  readonly metrics: Metric[] = [];
  readonly lines: { group: string; stream: string; message: string }[] = [];
  readonly warnings: string[] = [];
  readonly authorized: AuthorizationRequest[] = [];
  readonly resourcePolicies = new Map<string, Shape>();
  readonly services = new Map<string, LocalService>();
  /** Answers calls to services that are not registered; records them by default. */
  readonly calls: { service: string; operation: string; input: Shape; caller: Caller }[] = [];
  onCall: (call: FakeContext['calls'][number]) => Shape | Promise<Shape> = () => ({});
  /** Makes `authorize` refuse. */
  deny: (request: AuthorizationRequest) => boolean = () => false;
  onEmit: (event: BusEvent) => void = () => {};
  readonly policies = {
    setRolePolicy: () => {},
    setRoleTrust: () => {},
    setResourcePolicy: (arn: string, policy: Shape) => void this.resourcePolicies.set(arn, policy),
  };

  /** @param options.realTime uses the machine's clock instead of `manual` */
  constructor(options: { dataDir?: string; realTime?: boolean } = {}) {
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'millrace-test-'));
    if (options.dataDir === undefined) directories.push(this.dataDir);
    this.clock = options.realTime ? systemClock : this.manual;
  }

  authorize(request: AuthorizationRequest): void {
    this.authorized.push(request);
    if (this.deny(request))
      throw new AwsError('AccessDenied', `${request.action} on ${request.resource} denied`);
  }

  async call(
    service: string,
    name: string,
    input: Shape,
    caller: Caller,
    signal?: AbortSignal,
  ): Promise<Shape> {
    const registered = this.services.get(service);
    if (!registered) {
      const call = { service, operation: name, input, caller };
      this.calls.push(call);
      return this.onCall(call);
    }
    const operation = registered.operations?.[name];
    if (!operation) throw new AwsError('UnknownOperationException', `${service}:${name}`);
    const action = operation.action === undefined ? `${registered.iamPrefix}:${name}` : operation.action;
    if (action !== null) {
      for (const resource of operation.resources?.(input) ?? ['*'])
        this.authorize({ caller, action, resource });
    }
    return operation.handle(input, { caller, ...(signal && { signal }) });
  }

  emit(event: BusEvent): void {
    this.events.push(event);
    this.onEmit(event);
  }

  credentialsFor() {
    return { accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: 'token' };
  }

  metric(datum: Metric): void {
    this.metrics.push(datum);
  }

  log(group: string, stream: string, message: string): void {
    this.lines.push({ group, stream, message });
  }

  warn(message: string): void {
    this.warnings.push(message);
  }

  /** Makes a service callable, and stops it when the test ends. */
  use<Service extends LocalService>(t: TestContext, service: Service): Service {
    for (const name of service.signingNames) this.services.set(name, service);
    t.after(() => stopped(service));
    return service;
  }
}

/** Stops a service as the runtime does. */
export async function stopped(service: LocalService): Promise<void> {
  await service.stop?.();
  service.close?.();
}

/** A template's resource for a provisioner. */
export function resource(type: string, properties: Shape, logicalId = 'Thing'): ResourceRequest {
  return {
    type,
    logicalId,
    constructPath: `Stack/${logicalId}`,
    stackName: 'Stack',
    generatedName: `Stack-${logicalId}-0123456789AB`,
    properties,
  };
}

/** Serves the operations of a service over the AWS JSON protocol, enough for an SDK client. */
export async function serveJson(t: TestContext, context: FakeContext, signingName: string): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const name = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    const contentType = String(request.headers['content-type']);
    try {
      const input: Shape = JSON.parse(Buffer.concat(chunks).toString() || '{}');
      const output = await context.call(signingName, name, input, ADMINISTRATOR);
      response.writeHead(200, { 'content-type': contentType }).end(JSON.stringify(output));
    } catch (error) {
      const { code, status, message, members } =
        error instanceof AwsError ? error : new AwsError('InternalFailure', String(error), { status: 500 });
      response
        .writeHead(status, { 'content-type': contentType })
        .end(JSON.stringify({ __type: code, message, ...members }));
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => void server.closeAllConnections());
  t.after(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
