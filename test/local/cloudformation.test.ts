import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCloudformation } from '../../local/services/cloudformation/index.ts';
import type { ProvisionedStacks } from '../../local/template/provision.ts';
import { ADMINISTRATOR, FakeContext } from './fake-context.ts';

const stackId = 'arn:aws:cloudformation:eu-west-1:123456789012:stack/data/1';
const stacks: ProvisionedStacks = {
  stacks: [
    {
      stackName: 'data',
      stackId,
      description: 'the data',
      parameters: { BootstrapVersion: '30' },
      resources: [
        {
          logicalId: 'Landing',
          physicalId: 'data-landing-1',
          type: 'AWS::S3::Bucket',
          constructPath: 'Data/Landing',
          attributes: {},
        },
      ],
      outputs: [{ key: 'Bucket', value: 'data-landing-1', exportName: 'bucket' }],
      template: { Resources: { Landing: { Type: 'AWS::S3::Bucket' } } },
    },
  ],
};

function setUp() {
  const context = new FakeContext();
  context.services.set(
    'cloudformation',
    createCloudformation(context, () => stacks),
  );
  return {
    context,
    call: (name: string, input = {}) => context.call('cloudformation', name, input, ADMINISTRATOR),
  };
}

test('stacks are found by name and by id, with their outputs', async () => {
  const { call } = setUp();
  for (const input of [{}, { StackName: 'data' }, { StackName: stackId }]) {
    const { Stacks } = await call('DescribeStacks', input);
    assert.ok(Array.isArray(Stacks));
    assert.equal(Stacks[0].StackStatus, 'CREATE_COMPLETE');
    assert.deepEqual(Stacks[0].Outputs, [
      { OutputKey: 'Bucket', OutputValue: 'data-landing-1', ExportName: 'bucket', Description: undefined },
    ]);
  }
  await assert.rejects(call('DescribeStacks', { StackName: 'none' }), {
    name: 'ValidationError',
    message: 'Stack with id none does not exist',
  });
});

test('resources are found by stack, logical id and physical id', async () => {
  const { call } = setUp();
  const { StackResourceDetail } = await call('DescribeStackResource', {
    StackName: 'data',
    LogicalResourceId: 'Landing',
  });
  assert.partialDeepStrictEqual(StackResourceDetail, {
    PhysicalResourceId: 'data-landing-1',
    Metadata: '{"aws:cdk:path":"Data/Landing"}',
  });
  const { StackResources } = await call('DescribeStackResources', { PhysicalResourceId: 'data-landing-1' });
  assert.partialDeepStrictEqual(StackResources, [{ LogicalResourceId: 'Landing' }]);
  await assert.rejects(
    call('DescribeStackResource', { StackName: 'data', LogicalResourceId: 'X' }),
    /Resource X does not exist for stack data/,
  );
});

test('templates and exports are shown, and permission is asked on the stack', async () => {
  const { call, context } = setUp();
  const { TemplateBody } = await call('GetTemplate', { StackName: 'data' });
  assert.deepEqual(JSON.parse(String(TemplateBody)), stacks.stacks[0]?.template);
  assert.deepEqual((await call('ListExports')).Exports, [
    { ExportingStackId: stackId, Name: 'bucket', Value: 'data-landing-1' },
  ]);
  assert.deepEqual(
    context.authorized.map(({ action, resource }) => [action, resource]),
    [
      ['cloudformation:GetTemplate', stackId],
      ['cloudformation:ListExports', '*'],
    ],
  );
});
