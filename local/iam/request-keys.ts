import type { AuthorizationRequest, Caller } from '../services/service.ts';
import type { KeyValues } from './pattern.ts';

/** The principal that stands for a whole account. */
export const rootArn = (account: string) => `arn:aws:iam::${account}:root`;

interface KeySource {
  readonly caller: Caller;
  readonly resource: string;
  readonly account: string;
  readonly now: () => number;
}

/** Global condition keys, in lower case; a key without value is absent from the request. */
const GLOBAL_KEYS: Readonly<Record<string, (source: KeySource) => string | undefined>> = {
  // The local endpoint speaks plain HTTP, but its bytes never leave this machine, which is what policies ask TLS for.
  'aws:securetransport': () => 'true',
  'aws:currenttime': ({ now }) => new Date(now()).toISOString(),
  'aws:epochtime': ({ now }) => String(Math.floor(now() / 1000)),
  'aws:resourceaccount': ({ account }) => account,
  's3:resourceaccount': ({ account }) => account,
  'aws:requestedregion': ({ resource }) => resource.split(':')[3] || undefined,
  'aws:sourceip': ({ caller }) => (caller.kind === 'service' ? undefined : '127.0.0.1'),
  'aws:viaawsservice': () => 'false',
  'aws:principalisawsservice': ({ caller }) => String(caller.kind === 'service'),
  'aws:principalservicename': ({ caller }) => (caller.kind === 'service' ? caller.service : undefined),
  'aws:sourcearn': ({ caller }) => (caller.kind === 'service' ? caller.sourceArn : undefined),
  'aws:sourceaccount': ({ caller, account }) => (caller.kind === 'service' ? account : undefined),
  'aws:principalarn': ({ caller, account }) => principalArn(caller, account),
  'aws:principalaccount': ({ caller, account }) => (caller.kind === 'service' ? undefined : account),
  'aws:principaltype': ({ caller }) => PRINCIPAL_TYPES[caller.kind],
};

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html */
const PRINCIPAL_TYPES: Readonly<Record<Caller['kind'], string | undefined>> = {
  administrator: 'Account',
  role: 'AssumedRole',
  service: undefined,
};

function principalArn(caller: Caller, account: string): string | undefined {
  if (caller.kind === 'service') return undefined;
  return caller.kind === 'role' ? caller.roleArn : rootArn(account);
}

/** The condition keys of a request: those that its service gives, then the global ones, each found only when asked for. */
export function requestKeys(request: AuthorizationRequest, account: string, now: () => number): KeyValues {
  const own = new Map(
    Object.entries(request.conditions ?? {}).map(([key, value]) => [key.toLowerCase(), [value].flat()]),
  );
  const source = { caller: request.caller, resource: request.resource, account, now };
  return (name) => {
    const key = name.toLowerCase();
    const given = own.get(key);
    if (given) return given;
    const value = GLOBAL_KEYS[key]?.(source);
    return value === undefined ? undefined : [value];
  };
}
