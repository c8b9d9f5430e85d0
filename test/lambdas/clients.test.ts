import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { DetectDocumentTextCommand } from '@aws-sdk/client-textract';

const server = createServer((_request, response) => response.writeHead(200).end('{}'));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close().closeAllConnections());

const address = server.address();
assert(address && typeof address === 'object');
Object.assign(process.env, {
  AWS_ENDPOINT_URL: `http://127.0.0.1:${address.port}`,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
});
const { dynamo, textract } = await import('../../lambdas/shared/clients.ts');

test('a request that gets no answer fails, and does not last as long as the function', async () => {
  // The handler has its configuration from the first request on.
  await dynamo().send(new GetItemCommand({ TableName: 'table', Key: { pk: { S: 'id' } } }));
  await textract().send(new DetectDocumentTextCommand({ Document: { Bytes: new Uint8Array([1]) } }));
  for (const { requestHandler } of [dynamo().config, textract().config]) {
    assert('httpHandlerConfigs' in requestHandler);
    assert(typeof requestHandler.httpHandlerConfigs === 'function');
    const { requestTimeout, throwOnRequestTimeout } = requestHandler.httpHandlerConfigs();
    assert.equal(throwOnRequestTimeout, true);
    assert(requestTimeout > 0 && requestTimeout <= 120_000);
  }
});
