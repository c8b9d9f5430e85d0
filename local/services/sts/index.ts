import type { Caller, LocalService, RuntimeContext } from '../service.ts';

/** Who a caller is, as GetCallerIdentity names it. */
function identity(caller: Caller, account: string): { Account: string; Arn: string; UserId: string } {
  if (caller.kind !== 'role') {
    return { Account: account, Arn: `arn:aws:iam::${account}:root`, UserId: account };
  }
  const role = caller.roleArn.split('/').at(-1);
  return {
    Account: account,
    Arn: `arn:aws:sts::${account}:assumed-role/${role}/${caller.sessionName}`,
    UserId: `AROA${role}:${caller.sessionName}`,
  };
}

/** STS: says who calls. */
export function createSts(context: RuntimeContext): LocalService {
  return {
    signingNames: ['sts'],
    iamPrefix: 'sts',
    operations: {
      GetCallerIdentity: { action: null, handle: (_input, { caller }) => identity(caller, context.account) },
    },
  };
}
