import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  CreateEventSourceMappingCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  ListFunctionsCommand,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import { AwsError } from '../../local/services/service.ts';
import { ADMINISTRATOR } from './fake-context.ts';
import { lambdaHarness } from './lambda-harness.ts';

/** The service behind HTTP, as the endpoint serves it, and a client of the SDK for it. */
async function setUp(t: TestContext) {
  const harness = lambdaHarness(t);
  await harness.define(
    'echo',
    `export const handler = async (event, context) => { if (event.bad) throw new Error('no'); return { event, client: context.clientContext } };`,
  );
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value);
    try {
      const answer = await harness.lambda.http?.({
        method: request.method ?? 'GET',
        path: pathname,
        query: searchParams,
        headers,
        body: Buffer.concat(chunks),
        caller: ADMINISTRATOR,
      });
      response.writeHead(answer?.status ?? 500, answer?.headers).end(answer?.body ?? '');
    } catch (error) {
      assert.ok(error instanceof AwsError);
      response
        .writeHead(error.status, { 'x-amzn-errortype': error.code })
        .end(JSON.stringify({ message: error.message, ...error.members }));
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const client = new LambdaClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  });
  t.after(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { ...harness, client };
}

test('the SDK invokes a function, with its log and client context', async (t) => {
  const { client } = await setUp(t);
  const output = await client.send(
    new InvokeCommand({
      FunctionName: 'echo',
      Payload: JSON.stringify({ a: 1 }),
      LogType: 'Tail',
      ClientContext: Buffer.from('{"custom":1}').toString('base64'),
    }),
  );
  assert.equal(output.StatusCode, 200);
  assert.deepEqual(JSON.parse(output.Payload?.transformToString() ?? ''), {
    event: { a: 1 },
    client: { custom: 1 },
  });
  assert.match(Buffer.from(output.LogResult ?? '', 'base64').toString(), /^START RequestId/);
  const failed = await client.send(new InvokeCommand({ FunctionName: 'echo', Payload: '{"bad":1}' }));
  assert.equal(failed.FunctionError, 'Unhandled');
  const later = await client.send(new InvokeCommand({ FunctionName: 'echo', InvocationType: 'Event' }));
  assert.equal(later.StatusCode, 202);
});

test('the SDK reads and changes functions and mappings', async (t) => {
  const { client } = await setUp(t);
  const { Functions = [] } = await client.send(new ListFunctionsCommand({}));
  const arn = Functions[0]?.FunctionArn;
  const put = { FunctionName: arn, ReservedConcurrentExecutions: 2 };
  assert.equal((await client.send(new PutFunctionConcurrencyCommand(put))).ReservedConcurrentExecutions, 2);
  const { Configuration, Concurrency } = await client.send(new GetFunctionCommand({ FunctionName: arn }));
  assert.equal(Configuration?.FunctionName, 'echo');
  assert.equal(Concurrency?.ReservedConcurrentExecutions, 2);
  const created = await client.send(
    new CreateEventSourceMappingCommand({
      FunctionName: 'echo',
      EventSourceArn: 'arn:aws:sqs:eu-west-1:123456789012:q',
      BatchSize: 5,
    }),
  );
  assert.ok(created.LastModified instanceof Date);
  const { EventSourceMappings } = await client.send(
    new ListEventSourceMappingsCommand({ FunctionName: 'echo' }),
  );
  assert.equal(EventSourceMappings?.[0]?.UUID, created.UUID);
});

test('the SDK sees the exceptions of Lambda', async (t) => {
  const { client } = await setUp(t);
  await assert.rejects(client.send(new InvokeCommand({ FunctionName: 'nobody' })), {
    name: 'ResourceNotFoundException',
  });
  await client.send(
    new PutFunctionConcurrencyCommand({ FunctionName: 'echo', ReservedConcurrentExecutions: 0 }),
  );
  await assert.rejects(client.send(new InvokeCommand({ FunctionName: 'echo' })), {
    name: 'TooManyRequestsException',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
  });
});
