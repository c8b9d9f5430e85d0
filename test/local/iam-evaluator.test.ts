import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAuthorized, createPolicyStore, MalformedPolicy } from '../../local/iam/index.ts';
import type { AuthorizationRequest, Caller, Shape } from '../../local/services/service.ts';

const ACCOUNT = '123456789012';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/teams/Reader`;
const caller: Caller = { kind: 'role', roleArn: ROLE, sessionName: 'intake' };
const BUCKET = 'arn:aws:s3:::lake';
const OBJECT = `${BUCKET}/curated/a.json`;

const statement = (rest: Shape): Shape => ({ Effect: 'Allow', Action: '*', Resource: '*', ...rest });
const policy = (...statements: Shape[]): Shape => ({ Version: '2012-10-17', Statement: statements });

interface Given {
  readonly identity?: Shape[];
  readonly resources?: Record<string, Shape[]>;
}

function decide({ identity = [], resources = {} }: Given, request: Partial<AuthorizationRequest> = {}) {
  const store = createPolicyStore(() => Date.UTC(2026, 0, 1, 12));
  store.setRolePolicy(ROLE, 'inline', policy(...identity));
  for (const [arn, statements] of Object.entries(resources))
    store.setResourcePolicy(arn, policy(...statements));
  return store.authorize({ caller, action: 's3:GetObject', resource: OBJECT, ...request }, ACCOUNT);
}

const allows = (given: Given, request?: Partial<AuthorizationRequest>) => decide(given, request).allowed;

function reasonOf(given: Given, request?: Partial<AuthorizationRequest>): string {
  const decision = decide(given, request);
  assert.equal(decision.allowed, false);
  return decision.allowed ? '' : decision.reason;
}

describe('who may do what', () => {
  test('what no policy allows is denied in the words of AWS', () => {
    assert.equal(
      reasonOf({}),
      `User: arn:aws:sts::${ACCOUNT}:assumed-role/Reader/intake is not authorized to perform: s3:GetObject on resource: "${OBJECT}" because no identity-based policy allows the s3:GetObject action`,
    );
  });

  test('within an account, one allow of either side is enough', () => {
    assert.ok(allows({ identity: [statement({ Action: 's3:GetObject', Resource: `${BUCKET}/*` })] }));
    for (const principal of [ROLE, `arn:aws:sts::${ACCOUNT}:assumed-role/Reader/intake`, '*']) {
      assert.ok(
        allows({ resources: { [BUCKET]: [statement({ Principal: { AWS: principal } })] } }),
        principal,
      );
    }
    assert.ok(!allows({ resources: { [BUCKET]: [statement({ Principal: { AWS: `${ROLE}2` } })] } }));
  });

  test('a resource policy that allows the account leaves the decision to its identity policies', () => {
    const resources = { [BUCKET]: [statement({ Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } })] };
    assert.ok(!allows({ resources }));
    assert.ok(allows({ resources, identity: [statement({ Action: 's3:Get*' })] }));
  });

  test('an explicit deny wins over every allow, and says where it stands', () => {
    const allow = [statement({})];
    assert.match(
      reasonOf({ identity: [...allow, statement({ Effect: 'Deny', Action: 's3:GetObject' })] }),
      /with an explicit deny in an identity-based policy$/,
    );
    assert.match(
      reasonOf({ identity: allow, resources: { [BUCKET]: [statement({ Effect: 'Deny', Principal: '*' })] } }),
      /with an explicit deny in a resource-based policy$/,
    );
  });

  test('the administrator may do everything but what a resource policy denies', () => {
    const administrator = { caller: { kind: 'administrator' } as const };
    assert.ok(allows({}, administrator));
    assert.ok(
      !allows({ resources: { [BUCKET]: [statement({ Effect: 'Deny', Principal: '*' })] } }, administrator),
    );
  });

  test('a key is used only as its key policy allows, directly or through the account', () => {
    const key = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/1`;
    const request = { action: 'kms:Decrypt', resource: key };
    const identity = [statement({ Action: 'kms:*' })];
    const other = statement({ Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/Other` } });
    const root = statement({ Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } });
    assert.ok(!allows({ identity, resources: { [key]: [other] } }, request));
    assert.ok(allows({ identity, resources: { [key]: [root] } }, request));
    assert.ok(!allows({ resources: { [key]: [root] } }, request));
  });

  test('a service acts through resource policies only, for the source they name', () => {
    const queue = `arn:aws:sqs:eu-west-1:${ACCOUNT}:intake`;
    const resources = {
      [queue]: [
        statement({
          Action: 'sqs:SendMessage',
          Resource: queue,
          Principal: { Service: 's3.amazonaws.com' },
          Condition: { ArnLike: { 'aws:SourceArn': BUCKET }, StringEquals: { 'aws:SourceAccount': ACCOUNT } },
        }),
      ],
    };
    const send = (service: string, sourceArn?: string) =>
      allows(
        { resources },
        {
          caller: { kind: 'service', service, ...(sourceArn && { sourceArn }) },
          action: 'sqs:SendMessage',
          resource: queue,
        },
      );
    assert.ok(send('s3.amazonaws.com', BUCKET));
    assert.ok(!send('s3.amazonaws.com', 'arn:aws:s3:::other'));
    assert.ok(!send('s3.amazonaws.com'));
    assert.ok(!send('sns.amazonaws.com', BUCKET));
  });

  test('parts of a bucket, function or table stand under the policy of the whole', () => {
    const parts = {
      [OBJECT]: BUCKET,
      'arn:aws:lambda:eu-west-1:123456789012:function:f:live':
        'arn:aws:lambda:eu-west-1:123456789012:function:f',
      'arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/i':
        'arn:aws:dynamodb:eu-west-1:123456789012:table/t',
    };
    for (const [resource, whole] of Object.entries(parts)) {
      assert.ok(allows({ resources: { [whole]: [statement({ Principal: '*' })] } }, { resource }), resource);
    }
  });

  test('a trust policy says which service may take the role, also by its regional name', () => {
    const store = createPolicyStore();
    const trust = {
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: { Service: 'states.eu-west-1.amazonaws.com' },
    };
    store.setRoleTrust(ROLE, policy(trust));
    assert.ok(store.canAssume(ROLE, 'states.amazonaws.com'));
    assert.ok(!store.canAssume(ROLE, 'lambda.amazonaws.com'));
    assert.ok(!store.canAssume(`${ROLE}2`, 'states.amazonaws.com'));
  });

  test('refusals carry the code that the service would answer', () => {
    const codes = {
      's3:GetObject': 'AccessDenied',
      'sqs:SendMessage': 'AccessDeniedException',
      'sns:Publish': 'AuthorizationError',
    };
    for (const [action, code] of Object.entries(codes)) {
      const request = { caller, action, resource: '*' };
      assert.throws(() => assertAuthorized(createPolicyStore(), request, ACCOUNT), { code, status: 403 });
    }
  });
});

describe('elements of a statement', () => {
  const fits = (rest: Shape, request?: Partial<AuthorizationRequest>) =>
    allows({ identity: [statement(rest)] }, request);

  test('actions ignore case and know wildcards', () => {
    for (const action of ['*', 's3:*', 'S3:getobject', 's3:Get*', 's3:GetObjec?']) {
      assert.ok(fits({ Action: action }), action);
    }
    for (const action of ['s3:GetObjectAcl', 's3:?etObj', 'sqs:*'])
      assert.ok(!fits({ Action: action }), action);
  });

  test('resources heed case, and a wildcard reaches over slashes', () => {
    for (const resource of ['*', `${BUCKET}/*`, 'arn:aws:s3:::l?ke/*/a.json', OBJECT]) {
      assert.ok(fits({ Resource: resource }), resource);
    }
    for (const resource of [
      BUCKET,
      'arn:aws:s3:::LAKE/*',
      `${BUCKET}/curated`,
      `${OBJECT}?`,
      'arn:aws:s3:::lake.curated/a.json',
    ]) {
      assert.ok(!fits({ Resource: resource }), resource);
    }
  });

  test('NotAction and NotResource speak of everything else', () => {
    assert.ok(fits({ Action: undefined, NotAction: ['s3:Delete*'] }));
    assert.ok(!fits({ Action: undefined, NotAction: ['s3:Delete*'] }, { action: 's3:DeleteObject' }));
    assert.ok(!fits({ Resource: undefined, NotResource: `${BUCKET}/*` }));
    assert.ok(fits({ Resource: undefined, NotResource: 'arn:aws:s3:::other/*' }));
  });

  test('NotPrincipal denies everybody else', () => {
    const deny = (NotPrincipal: Shape) => ({
      identity: [statement({})],
      resources: { [BUCKET]: [statement({ Effect: 'Deny', NotPrincipal })] },
    });
    assert.ok(allows(deny({ AWS: ROLE })));
    assert.ok(!allows(deny({ AWS: `arn:aws:iam::${ACCOUNT}:role/Other` })));
  });

  test('variables stand for values of the request, whose wildcards are plain characters', () => {
    const variable = { Resource: `${BUCKET}/\${aws:PrincipalTag/team}/*` };
    const tagged = (team: string, key = `${BUCKET}/sales/x`) =>
      fits(variable, { resource: key, conditions: { 'aws:PrincipalTag/team': team } });
    assert.ok(tagged('sales'));
    assert.ok(!tagged('*'));
    assert.ok(tagged('*', `${BUCKET}/*/x`));
    assert.ok(!fits(variable, { resource: `${BUCKET}//x` }));
    assert.ok(
      fits({ Resource: `${BUCKET}/\${aws:PrincipalTag/team, 'all'}/x` }, { resource: `${BUCKET}/all/x` }),
    );
    assert.ok(fits({ Resource: `${BUCKET}/\${*}` }, { resource: `${BUCKET}/*` }));
    assert.ok(!fits({ Resource: `${BUCKET}/\${*}` }));
  });

  test('policies of version 2008-10-17 have no variables', () => {
    const store = createPolicyStore();
    store.setRolePolicy(ROLE, 'old', { Statement: statement({ Resource: `\${aws:PrincipalAccount}` }) });
    assert.ok(!store.authorize({ caller, action: 's3:GetObject', resource: ACCOUNT }, ACCOUNT).allowed);
  });

  test('what cannot be understood is refused when it is registered', () => {
    const store = createPolicyStore();
    for (const bad of [
      { Condition: { StringEqual: { 'aws:PrincipalArn': ROLE } } },
      { Effect: 'allow' },
      { Actions: 's3:*' },
      { Condition: { NumericLessThan: { 's3:max-keys': 'ten' } } },
    ]) {
      assert.throws(() => store.setRolePolicy(ROLE, 'bad', policy(statement(bad))), MalformedPolicy);
    }
  });
});

describe('conditions', () => {
  const holds = (Condition: Shape, conditions: Record<string, string | string[]> = {}) =>
    allows({ identity: [statement({ Condition })] }, { conditions });

  test('global keys are there for every request', () => {
    for (const condition of [
      { Bool: { 'aws:SecureTransport': true } },
      { ArnEquals: { 'aws:PrincipalArn': ROLE } },
      { StringEquals: { 'AWS:PrincipalAccount': ACCOUNT, 'aws:ResourceAccount': [ACCOUNT] } },
      { DateGreaterThan: { 'aws:CurrentTime': '2026-01-01T11:59:59Z' } },
      { DateLessThanEquals: { 'aws:EpochTime': String(Date.UTC(2026, 0, 1, 12) / 1000) } },
      { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } },
      { Null: { 'aws:SourceArn': 'true', 'aws:PrincipalArn': 'false' } },
    ]) {
      assert.ok(holds(condition), JSON.stringify(condition));
    }
    assert.ok(!holds({ Bool: { 'aws:SecureTransport': 'false' } }));
    assert.ok(!holds({ NotIpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '127.0.0.1'] } }));
  });

  const table: [operator: string, expected: string | string[], actual: string, holds: boolean][] = [
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', 'a*', 'ab', false],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', ['a', 'b'], 'c', true],
    ['StringEqualsIgnoreCase', 'ABC', 'abc', true],
    ['StringLike', 'a*c?', 'abbcd', true],
    ['StringNotLike', 'a*', 'ab', false],
    ['NumericLessThan', '10', '9', true],
    ['NumericGreaterThanEquals', '10', '9', false],
    ['NumericNotEquals', '10', '10.0', false],
    ['DateEquals', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00', true],
    ['ArnLike', 'arn:aws:s3:*:*:la*', 'arn:aws:s3:::lake', true],
    ['ArnLike', 'arn:aws:*', 'arn:aws:s3:::lake', false],
    ['ArnNotLike', 'arn:aws:s3:::x', 'arn:aws:s3:::lake', true],
    ['IpAddress', '2001:db8::/32', '2001:db8::1', true],
    ['Bool', 'true', 'false', false],
  ];
  for (const [operator, expected, actual, wanted] of table) {
    test(`${operator} ${expected} ${wanted ? 'holds' : 'does not hold'} for ${actual}`, () => {
      assert.equal(holds({ [operator]: { 'x:key': expected } }, { 'X:Key': actual }), wanted);
    });
  }

  test('a key that is missing fails a positive operator, passes a negated one and IfExists', () => {
    assert.ok(!holds({ StringEquals: { 'x:key': 'a' } }));
    assert.ok(holds({ StringNotEquals: { 'x:key': 'a' } }));
    assert.ok(holds({ StringEqualsIfExists: { 'x:key': 'a' } }));
    assert.ok(!holds({ StringEqualsIfExists: { 'x:key': 'a' } }, { 'x:key': 'b' }));
    assert.ok(holds({ 'ForAllValues:StringEquals': { 'x:key': 'a' } }));
    assert.ok(!holds({ 'ForAnyValue:StringEquals': { 'x:key': 'a' } }));
  });

  test('set operators quantify over the values of the request', () => {
    const keys = (...values: string[]) => ({ 'x:keys': values });
    assert.ok(holds({ 'ForAllValues:StringLike': { 'x:keys': ['a*', 'b'] } }, keys('a1', 'b')));
    assert.ok(!holds({ 'ForAllValues:StringLike': { 'x:keys': ['a*', 'b'] } }, keys('a1', 'c')));
    assert.ok(holds({ 'ForAnyValue:StringEquals': { 'x:keys': ['b'] } }, keys('a', 'b')));
    assert.ok(!holds({ 'ForAllValues:StringNotEquals': { 'x:keys': ['b'] } }, keys('a', 'b')));
    assert.ok(holds({ 'ForAnyValue:StringNotEquals': { 'x:keys': ['b'] } }, keys('a', 'b')));
  });

  test('all keys of all operators have to hold', () => {
    const both = { StringEquals: { 'x:a': '1', 'x:b': '2' }, NumericLessThan: { 'x:c': '3' } };
    assert.ok(holds(both, { 'x:a': '1', 'x:b': '2', 'x:c': '2' }));
    assert.ok(!holds(both, { 'x:a': '1', 'x:b': '2', 'x:c': '3' }));
    assert.ok(!holds(both, { 'x:a': '1', 'x:b': '1', 'x:c': '2' }));
  });
});
