import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { type Clock, systemClock } from '../../local/clock.ts';
import { createS3 } from '../../local/services/s3/index.ts';
import {
  type AuthorizationRequest,
  AwsError,
  type BusEvent,
  type Caller,
  type HttpRequest,
  type LocalService,
  type RuntimeContext,
  type Shape,
} from '../../local/services/service.ts';

export interface RecordedCall {
  readonly service: string;
  readonly operation: string;
  readonly input: Shape;
  readonly caller: Caller;
}

/** A runtime with nothing in it but S3; what S3 asks of it is recorded and can be answered by the test. */
export class FakeRuntime {
  readonly calls: RecordedCall[] = [];
  readonly events: BusEvent[] = [];
  readonly authorized: AuthorizationRequest[] = [];
  readonly policies = new Map<string, Shape>();
  readonly warnings: string[] = [];
  /** Actions refused to everybody. */
  readonly denied = new Set<string>();
  /** What a call of another service does, instead of succeeding. */
  onCall: (call: RecordedCall) => void | Promise<void> = () => {};
  #listeners: (() => void)[] = [];

  context(dataDir: string, clock: Clock = systemClock): RuntimeContext {
    return {
      clock,
      account: '123456789012',
      region: 'eu-west-1',
      dataDir,
      endpoint: 'http://127.0.0.1:4566',
      authorize: (request) => {
        this.authorized.push(request);
        if (this.denied.has(request.action))
          throw new AwsError('AccessDenied', `not authorized to perform: ${request.action}`, { status: 403 });
      },
      call: async (service, operation, input, caller) => {
        const call = { service, operation, input, caller };
        await this.onCall(call);
        this.calls.push(call);
        for (const listener of this.#listeners.splice(0)) listener();
        return {};
      },
      emit: (event) => {
        this.events.push(event);
        for (const listener of this.#listeners.splice(0)) listener();
      },
      policies: {
        setRolePolicy: () => {},
        setRoleTrust: () => {},
        setResourcePolicy: (arn, document) => {
          this.policies.set(arn, document);
        },
      },
      credentialsFor: () => ({ accessKeyId: 'x', secretAccessKey: 'x', sessionToken: 'x' }),
      metric: () => {},
      log: () => {},
      warn: (message) => {
        this.warnings.push(message);
      },
    };
  }

  /** Resolves when `done` holds; looks again after each call and event. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#listeners.push(resolve));
  }
}

export interface RunningS3 {
  readonly runtime: FakeRuntime;
  readonly service: LocalService;
  readonly dataDir: string;
  readonly endpoint: string;
  readonly client: S3Client;
  /** Another client of the same endpoint. */
  connect(options?: S3ClientConfig): S3Client;
}

/** S3 behind HTTP on a free port, in a directory of its own unless one is given; gone after the test. */
export async function startS3(
  test: Pick<TestContext, 'after'>,
  options: { runtime?: FakeRuntime; dataDir?: string; clock?: Clock; start?: boolean } = {},
): Promise<RunningS3> {
  const { runtime = new FakeRuntime(), start = true } = options;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'millrace-s3-')));
  const service = createS3(runtime.context(dataDir, options.clock));
  if (start) await service.start?.();
  const { endpoint, close } = await serve(service);
  const clients: S3Client[] = [];
  const connect = (config: S3ClientConfig = {}): S3Client => {
    const client = new S3Client({
      endpoint,
      region: 'eu-west-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
      ...config,
    });
    clients.push(client);
    return client;
  };
  test.after(async () => {
    for (const client of clients) client.destroy();
    await close();
    await service.stop?.();
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true });
  });
  return { runtime, service, dataDir, endpoint, client: connect(), connect };
}

/** Adapts node:http to a service's `http`. */
export async function serve(
  service: LocalService,
  port = 0,
): Promise<{ endpoint: string; close: () => Promise<void> }> {
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const [path = '/', query] = (incoming.url ?? '/').split(/\?(.*)/s);
    const headers: Record<string, string | undefined> = {};
    for (const [name, value] of Object.entries(incoming.headers)) headers[name] = value?.toString();
    const request: HttpRequest = {
      method: incoming.method ?? 'GET',
      path,
      query: new URLSearchParams(query),
      headers,
      body: Buffer.concat(chunks),
      caller: { kind: 'administrator' },
    };
    const response = await service.http?.(request);
    outgoing.writeHead(response?.status ?? 500, response?.headers);
    const body = response?.body;
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) outgoing.end(body);
    else body.pipe(outgoing);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
