import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assumeRole } from '../../local/iam/assume-role.ts';
import { assertAuthorized, createPolicyStore } from '../../local/iam/index.ts';
import type { AuthorizationRequest } from '../../local/services/service.ts';

const ACCOUNT = '111122223333';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/loader`;

function trusting(service: string, condition: Record<string, unknown> = {}) {
  const policies = createPolicyStore();
  policies.setRoleTrust(ROLE, {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole', Condition: condition },
    ],
  });
  return {
    account: ACCOUNT,
    authorize: (request: AuthorizationRequest) => assertAuthorized(policies, request, ACCOUNT),
  };
}

test('a service takes on a role that trusts it', () => {
  const context = trusting('textract.amazonaws.com', {
    StringEquals: { 'aws:SourceAccount': ACCOUNT },
  });
  assert.deepEqual(
    assumeRole(context, { service: 'textract.amazonaws.com', roleArn: ROLE, sessionName: 's' }),
    {
      kind: 'role',
      roleArn: ROLE,
      sessionName: 's',
    },
  );
});

test('a service is denied a role that trusts another, and the error names both', () => {
  const context = trusting('lambda.amazonaws.com');
  assert.throws(
    () => assumeRole(context, { service: 'states.amazonaws.com', roleArn: ROLE, sessionName: 's' }),
    {
      name: 'AccessDenied',
      message:
        /states\.amazonaws\.com is not authorized to perform: sts:AssumeRole on resource: .*role\/loader/,
    },
  );
});
