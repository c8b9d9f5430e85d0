import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countThrottles } from '../../local/endpoint/throttles.ts';
import type { Shape } from '../../local/services/service.ts';

interface Case {
  readonly call: readonly [service: string, operation: string, input: Shape, error?: string];
  readonly counts?: readonly [namespace: string, name: string, dimensions: Record<string, string>];
}

const CASES: readonly Case[] = [
  {
    call: ['dynamodb', 'PutItem', { TableName: 't' }, 'ProvisionedThroughputExceededException'],
    counts: ['AWS/DynamoDB', 'WriteThrottleEvents', { TableName: 't' }],
  },
  {
    call: ['dynamodb', 'Query', { TableName: 't' }, 'ThrottlingException'],
    counts: ['AWS/DynamoDB', 'ReadThrottleEvents', { TableName: 't' }],
  },
  {
    call: ['textract', 'DetectDocumentText', {}, 'ProvisionedThroughputExceededException'],
    counts: ['AWS/Textract', 'ThrottledCount', { Operation: 'DetectDocumentText' }],
  },
  { call: ['dynamodb', 'PutItem', { TableName: 't' }, 'ConditionalCheckFailedException'] },
  { call: ['dynamodb', 'PutItem', { TableName: 't' }] },
  { call: ['dynamodb', 'BatchWriteItem', {}, 'ThrottlingException'] },
];

for (const { call, counts } of CASES) {
  const [service, operation, input, error] = call;
  test(`${service} ${operation} that ends ${error ?? 'well'} counts ${counts ? 'once' : 'nothing'}`, () => {
    const counted: Shape[] = [];
    countThrottles(
      {
        via: 'process',
        service,
        operation,
        caller: { kind: 'administrator' },
        input,
        ...(error && { error }),
      },
      (datum) => void counted.push(datum),
    );
    const [namespace, name, dimensions] = counts ?? [];
    assert.deepEqual(counted, name ? [{ namespace, name, dimensions, value: 1, unit: 'Count' }] : []);
  });
}
