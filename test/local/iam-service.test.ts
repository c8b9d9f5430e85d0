import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPolicyStore } from '../../local/iam/index.ts';
import { createIam } from '../../local/services/iam/index.ts';
import type { Provision, RuntimeContext, Shape } from '../../local/services/service.ts';
import { ADMINISTRATOR, FakeContext, resource } from './fake-context.ts';

const trust = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } }],
};
const allow = (action: string): Shape => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }],
});

function setUp(t: Parameters<FakeContext['use']>[0]) {
  const fake = new FakeContext();
  const policies = createPolicyStore();
  const context: RuntimeContext = Object.assign(Object.create(fake), { policies });
  const iam = fake.use(t, createIam(context));
  const provision = async (type: string, properties: Shape, logicalId = 'Role') => {
    const provisioner: Provision | undefined = iam.resources?.[type];
    assert.ok(provisioner);
    return provisioner(resource(type, properties, logicalId));
  };
  const may = (roleArn: unknown, action: string) =>
    policies.authorize(
      { caller: { kind: 'role', roleArn: String(roleArn), sessionName: 's' }, action, resource: '*' },
      fake.account,
    ).allowed;
  return { fake, policies, provision, may };
}

test('a role may do what its inline, attached and separate policies allow', async (t) => {
  const { policies, provision, may } = setUp(t);
  const managed = await provision(
    'AWS::IAM::ManagedPolicy',
    { PolicyDocument: allow('sns:Publish') },
    'Managed',
  );
  const role = await provision('AWS::IAM::Role', {
    AssumeRolePolicyDocument: trust,
    Policies: [{ PolicyName: 'inline', PolicyDocument: allow('s3:GetObject') }],
    ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole', managed.ref],
  });
  await provision('AWS::IAM::Policy', {
    PolicyName: 'own',
    PolicyDocument: allow('sqs:*'),
    Roles: [role.ref],
  });
  assert.equal(role.ref, 'Stack-Role-0123456789AB');
  assert.equal(role.attributes.Arn, 'arn:aws:iam::123456789012:role/Stack-Role-0123456789AB');
  for (const action of ['s3:GetObject', 'sns:Publish', 'logs:PutLogEvents', 'sqs:SendMessage']) {
    assert.ok(may(role.attributes.Arn, action), action);
  }
  assert.ok(!may(role.attributes.Arn, 's3:PutObject'));
  assert.ok(policies.canAssume(String(role.attributes.Arn), 'lambda.amazonaws.com'));
});

test('a managed policy that is not known stops the start with its name', async (t) => {
  const { provision } = setUp(t);
  const arn = 'arn:aws:iam::aws:policy/PowerUserAccess';
  await assert.rejects(
    provision('AWS::IAM::Role', { AssumeRolePolicyDocument: trust, ManagedPolicyArns: [arn] }),
    /Role \(Stack\/Role\).*PowerUserAccess/,
  );
});

test('roles and their policies can be read as from IAM', async (t) => {
  const { fake, provision } = setUp(t);
  await provision('AWS::IAM::Role', {
    RoleName: 'reader',
    Path: '/teams/',
    AssumeRolePolicyDocument: trust,
    Policies: [{ PolicyName: 'inline', PolicyDocument: allow('s3:GetObject') }],
  });
  const iam = (operation: string, input: Shape) => fake.call('iam', operation, input, ADMINISTRATOR);
  assert.deepEqual((await iam('ListRolePolicies', { RoleName: 'reader' })).PolicyNames, ['inline']);
  const { PolicyDocument } = await iam('GetRolePolicy', { RoleName: 'reader', PolicyName: 'inline' });
  assert.deepEqual(JSON.parse(decodeURIComponent(String(PolicyDocument))), allow('s3:GetObject'));
  assert.equal(fake.authorized.at(-1)?.resource, 'arn:aws:iam::123456789012:role/teams/reader');
  await assert.rejects(iam('GetRole', { RoleName: 'nobody' }), { code: 'NoSuchEntity' });
});
