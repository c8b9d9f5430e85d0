import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEc2 } from '../../local/services/ec2/index.ts';
import { createKms } from '../../local/services/kms/index.ts';
import { parseSchedule } from '../../local/services/scheduler/expression.ts';
import { createScheduler } from '../../local/services/scheduler/index.ts';
import { createSecretsmanager } from '../../local/services/secretsmanager/index.ts';
import { createSsm } from '../../local/services/ssm/index.ts';
import { createSts } from '../../local/services/sts/index.ts';
import { ADMINISTRATOR, FakeContext, resource } from './fake-context.ts';

const next = (expression: string, timeZone: string, after: string) => {
  const at = parseSchedule(expression, timeZone, Date.parse(after)).next(Date.parse(after));
  return at === undefined ? undefined : new Date(at).toISOString();
};

test('schedules follow the wall clock of their time zone, daylight saving included', () => {
  assert.equal(next('cron(0 3 * * ? *)', 'UTC', '2026-01-01T04:00:00Z'), '2026-01-02T03:00:00.000Z');
  assert.equal(
    next('cron(0 3 * * ? *)', 'Europe/Berlin', '2026-01-01T04:00:00Z'),
    '2026-01-02T02:00:00.000Z',
  );
  assert.equal(
    next('cron(0 3 * * ? *)', 'Europe/Berlin', '2026-07-01T04:00:00Z'),
    '2026-07-02T01:00:00.000Z',
  );
  assert.equal(
    next('cron(0 9 ? * MON *)', 'America/New_York', '2026-03-07T00:00:00Z'),
    '2026-03-09T13:00:00.000Z',
  );
  assert.equal(next('rate(5 minutes)', 'UTC', '2026-01-01T00:00:00Z'), '2026-01-01T00:05:00.000Z');
  assert.equal(
    next('at(2026-06-01T10:00:00)', 'Asia/Tokyo', '2026-01-01T00:00:00Z'),
    '2026-06-01T01:00:00.000Z',
  );
  assert.equal(next('at(2025-06-01T10:00:00)', 'UTC', '2026-01-01T00:00:00Z'), undefined);
  for (const wrong of ['rate(0 minutes)', 'cron(* * *)', 'every day', 'rate(5 weeks)']) {
    assert.throws(() => next(wrong, 'UTC', '2026-01-01T00:00:00Z'), { code: 'ValidationException' });
  }
});

test('a schedule starts its target with its role, and a one-time schedule once', async (t) => {
  const context = new FakeContext();
  const scheduler = context.use(t, createScheduler(context));
  const schedule = (logicalId: string, properties: object) =>
    scheduler.resources?.['AWS::Scheduler::Schedule']?.(
      resource('AWS::Scheduler::Schedule', { FlexibleTimeWindow: { Mode: 'OFF' }, ...properties }, logicalId),
    );
  const RoleArn = 'arn:aws:iam::123456789012:role/scheduler';
  const machine = 'arn:aws:states:eu-west-1:123456789012:stateMachine:m';
  await schedule('Hourly', {
    ScheduleExpression: 'rate(1 hour)',
    Target: { Arn: machine, RoleArn, Input: '{"at":"<aws.scheduler.scheduled-time>"}' },
  });
  await schedule('Once', {
    ScheduleExpression: 'at(2026-01-01T00:30:00)',
    Target: {
      Arn: 'arn:aws:scheduler:::aws-sdk:sqs:sendMessage',
      RoleArn,
      Input: '{"QueueUrl":"q","MessageBody":"m"}',
    },
  });
  await scheduler.start?.();
  await context.manual.advance(2 * 3_600_000);
  assert.deepEqual(
    context.calls.map(({ service, operation, input }) => [
      service,
      operation,
      input.input ?? input.MessageBody,
    ]),
    [
      ['sqs', 'SendMessage', 'm'],
      ['states', 'StartExecution', '{"at":"2026-01-01T01:00:00Z"}'],
      ['states', 'StartExecution', '{"at":"2026-01-01T02:00:00Z"}'],
    ],
  );
  assert.partialDeepStrictEqual(context.calls[1]?.caller, { kind: 'role', roleArn: RoleArn });
});

test('a generated secret keeps its value over restarts, and a put makes a new current version', async () => {
  const context = new FakeContext();
  const wish = {
    GenerateSecretString: {
      SecretStringTemplate: '{"user":"admin"}',
      GenerateStringKey: 'password',
      PasswordLength: 20,
    },
  };
  const start = async () => {
    const service = createSecretsmanager(context);
    context.services.set('secretsmanager', service);
    return service.resources?.['AWS::SecretsManager::Secret']?.(
      resource('AWS::SecretsManager::Secret', wish),
    );
  };
  const read = async (SecretId: unknown) =>
    (await context.call('secretsmanager', 'GetSecretValue', { SecretId }, ADMINISTRATOR)).SecretString;
  const { ref } = (await start()) ?? {};
  const value = await read(ref);
  assert.match(String(value), /^\{"user":"admin","password":".{20,}"\}$/);
  await start();
  assert.equal(await read(ref), value);
  await context.call(
    'secretsmanager',
    'PutSecretValue',
    { SecretId: ref, SecretString: 'new' },
    ADMINISTRATOR,
  );
  assert.equal(await read(String(ref).replace(/-\w{6}$/, '')), 'new');
});

test('parameters are found by name and path', async () => {
  const context = new FakeContext();
  const service = createSsm(context);
  context.services.set('ssm', service);
  await service.resources?.['AWS::SSM::Parameter']?.(
    resource('AWS::SSM::Parameter', { Name: '/a/b', Type: 'String', Value: '1' }),
  );
  await context.call('ssm', 'PutParameter', { Name: '/a/c/d', Value: '2', Type: 'String' }, ADMINISTRATOR);
  const byPath = async (Recursive: boolean) =>
    (await context.call('ssm', 'GetParametersByPath', { Path: '/a', Recursive }, ADMINISTRATOR)).Parameters;
  assert.partialDeepStrictEqual(await byPath(false), [{ Name: '/a/b', Value: '1' }]);
  assert.partialDeepStrictEqual(await byPath(true), [{ Name: '/a/b' }, { Name: '/a/c/d' }]);
  await assert.rejects(context.call('ssm', 'GetParameter', { Name: '/x' }, ADMINISTRATOR), {
    code: 'ParameterNotFound',
  });
});

test('a caller learns the session of its role', async () => {
  const context = new FakeContext();
  context.services.set('sts', createSts(context));
  const role = {
    kind: 'role',
    roleArn: 'arn:aws:iam::123456789012:role/path/intake',
    sessionName: 'fn',
  } as const;
  const { Arn } = await context.call('sts', 'GetCallerIdentity', {}, role);
  assert.equal(Arn, 'arn:aws:sts::123456789012:assumed-role/intake/fn');
});

test('networks and keys have ids that stay the same', async () => {
  const context = new FakeContext();
  const vpc = () =>
    createEc2(context).resources?.['AWS::EC2::VPC']?.(
      resource('AWS::EC2::VPC', { CidrBlock: '10.0.0.0/16' }),
    );
  assert.match((await vpc())?.ref ?? '', /^vpc-[0-9a-f]{17}$/);
  assert.deepEqual(await vpc(), await vpc());
  const KeyPolicy = { Version: '2012-10-17', Statement: [] };
  const key = await createKms(context).resources?.['AWS::KMS::Key']?.(
    resource('AWS::KMS::Key', { KeyPolicy }),
  );
  assert.deepEqual(context.resourcePolicies.get(String(key?.attributes.Arn)), KeyPolicy);
});
