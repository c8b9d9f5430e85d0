import {
  type AuthorizationRequest,
  AwsError,
  type Caller,
  type PolicyStore,
  type Shape,
} from '../services/service.ts';
import { MalformedPolicy } from './conditions.ts';
import { CompiledPolicy, type Principal, type Question, serviceName, type Verdict } from './policy.ts';
import { requestKeys, rootArn } from './request-keys.ts';

export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

export interface EvaluatingPolicyStore extends PolicyStore {
  /**
   * Decides as AWS does within one account: an explicit deny wins, otherwise one allow is enough, of the role's policies
   * or of the resource's. Services have no identity policies, the administrator has them all.
   * @param account twelve digits; also the owner of every resource
   */
  authorize(request: AuthorizationRequest, account: string): Decision;
  /** Whether a role's trust policy lets a service act with it, for example `lambda.amazonaws.com`. */
  canAssume(roleArn: string, servicePrincipal: string): boolean;
}

type Deciding = Pick<EvaluatingPolicyStore, 'authorize'>;

const ALLOWED: Decision = { allowed: true };

/** @param now milliseconds since the epoch, for `aws:CurrentTime` */
export function createPolicyStore(now: () => number = Date.now): EvaluatingPolicyStore {
  const roles = new Map<string, Map<string, CompiledPolicy>>();
  const trusts = new Map<string, CompiledPolicy>();
  const resources = new Map<string, CompiledPolicy>();

  return {
    setRolePolicy(roleArn, policyName, document) {
      const policies = roles.get(roleArn) ?? new Map<string, CompiledPolicy>();
      roles.set(roleArn, policies.set(policyName, compile(document, `policy ${policyName} of ${roleArn}`)));
    },
    setRoleTrust(roleArn, document) {
      trusts.set(roleArn, compile(document, `trust policy of ${roleArn}`));
    },
    setResourcePolicy(resourceArn, document) {
      resources.set(resourceArn, compile(document, `policy of ${resourceArn}`));
    },
    authorize(request, account) {
      const { caller, action, resource } = request;
      const principal = principalOf(caller, account);
      const question = { action, resource, principal, keys: requestKeys(request, account, now) };
      // A role is a resource too: its trust policy says who may act with it.
      const policy = action === 'sts:AssumeRole' ? trusts.get(resource) : policyOf(resources, resource);
      const byResource = policy?.evaluate(question);
      if (byResource === 'deny')
        return denied(request, account, 'with an explicit deny in a resource-based policy');
      if (caller.kind === 'administrator') return ALLOWED;
      if (caller.kind === 'service') {
        return byResource === 'allow' ? ALLOWED : denied(request, account, because('resource', action));
      }
      const byIdentity = evaluateAll(roles.get(caller.roleArn), question);
      if (byIdentity === 'deny')
        return denied(request, account, 'with an explicit deny in an identity-based policy');
      if (byResource === 'allow') return ALLOWED;
      // A key belongs to its key policy alone: identity policies count only where that hands the decision to the account.
      if (resource.startsWith('arn:aws:kms:') && resources.has(resource) && byResource !== 'account') {
        return denied(request, account, because('resource', action));
      }
      return byIdentity === 'allow' ? ALLOWED : denied(request, account, because('identity', action));
    },
    canAssume(roleArn, servicePrincipal) {
      const principal = { names: [serviceName(servicePrincipal)], accountNames: [] };
      const question = { action: 'sts:AssumeRole', resource: roleArn, principal, keys: () => undefined };
      return trusts.get(roleArn)?.evaluate(question) === 'allow';
    },
  };
}

/** Services of the XML protocols, by IAM prefix; the others answer `AccessDeniedException`. */
const ERROR_CODES: Readonly<Record<string, string>> = {
  s3: 'AccessDenied',
  iam: 'AccessDenied',
  sts: 'AccessDenied',
  cloudformation: 'AccessDenied',
  cloudwatch: 'AccessDenied',
  sns: 'AuthorizationError',
};

/** @throws AwsError with status 403 and the code of the service where the policies do not allow the request */
export function assertAuthorized(store: Deciding, request: AuthorizationRequest, account: string): void {
  const decision = store.authorize(request, account);
  if (decision.allowed) return;
  const code = ERROR_CODES[request.action.split(':')[0] ?? ''] ?? 'AccessDeniedException';
  throw new AwsError(code, decision.reason, { status: 403 });
}

function compile(document: Shape, what: string): CompiledPolicy {
  try {
    return new CompiledPolicy(document);
  } catch (cause) {
    throw new MalformedPolicy(`${what}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function evaluateAll(policies: ReadonlyMap<string, CompiledPolicy> | undefined, question: Question): Verdict {
  let verdict: Verdict;
  for (const policy of policies?.values() ?? []) {
    const found = policy.evaluate(question);
    if (found === 'deny') return found;
    verdict ??= found;
  }
  return verdict;
}

/** Parts of a resource that its policy speaks for: objects of a bucket, versions of a function, indexes of a table. */
const PARTS: readonly RegExp[] = [
  /^(arn:aws:s3:::[^/]+)\/.*/s,
  /^(arn:aws:lambda:[^:]*:\d*:function:[^:]+):.+/,
  /^(arn:aws:dynamodb:[^:]*:\d*:table\/[^/]+)\/.+/,
];

function policyOf(
  policies: ReadonlyMap<string, CompiledPolicy>,
  resource: string,
): CompiledPolicy | undefined {
  const own = policies.get(resource);
  if (own) return own;
  for (const part of PARTS) {
    const owner = part.exec(resource)?.[1];
    if (owner) return policies.get(owner);
  }
  return undefined;
}

function principalOf(caller: Caller, account: string): Principal {
  const accountNames = [rootArn(account), account];
  if (caller.kind === 'service') return { names: [serviceName(caller.service)], accountNames: [] };
  return caller.kind === 'administrator'
    ? { names: accountNames, accountNames: [] }
    : { names: [caller.roleArn, sessionArn(caller, account)], accountNames };
}

/** A role's path is not part of its sessions' ARNs. */
function sessionArn(caller: Extract<Caller, { kind: 'role' }>, account: string): string {
  return `arn:aws:sts::${account}:assumed-role/${caller.roleArn.split('/').at(-1)}/${caller.sessionName}`;
}

function because(kind: 'identity' | 'resource', action: string): string {
  return `because no ${kind}-based policy allows the ${action} action`;
}

function callerName(caller: Caller, account: string): string {
  if (caller.kind === 'service') return caller.service;
  return caller.kind === 'role' ? sessionArn(caller, account) : rootArn(account);
}

/** The wording of AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
function denied({ caller, action, resource }: AuthorizationRequest, account: string, why: string): Decision {
  const user = callerName(caller, account);
  return {
    allowed: false,
    reason: `User: ${user} is not authorized to perform: ${action} on resource: "${resource}" ${why}`,
  };
}
