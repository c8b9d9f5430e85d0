import { createHash } from 'node:crypto';
import { z } from 'zod';
import { document, numeric, object, operation } from '../operation.ts';
import {
  AwsError,
  type LocalService,
  type ResourceRequest,
  type RuntimeContext,
  type Shape,
} from '../service.ts';
import { AWS_MANAGED_POLICIES } from './managed-policies.ts';

interface Role {
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  readonly path: string;
  readonly description?: string | undefined;
  readonly maxSessionDuration: number;
  readonly createdAt: number;
  readonly trust: Shape;
  readonly inline: Map<string, Shape>;
  /** ARNs. */
  readonly attached: Set<string>;
}

interface ManagedPolicy {
  readonly arn: string;
  readonly name: string;
  readonly document: Shape;
}

const AWS_PREFIX = 'arn:aws:iam::aws:policy/';

const inlinePolicy = z.object({ PolicyName: z.string(), PolicyDocument: document });
const roleProperties = z.object({
  RoleName: z.string().optional(),
  Path: z.string().default('/'),
  Description: z.string().optional(),
  MaxSessionDuration: numeric.default(3600),
  AssumeRolePolicyDocument: document,
  ManagedPolicyArns: z.array(z.string()).default([]),
  Policies: z.array(inlinePolicy).default([]),
});
// Users and groups do not exist here, so a policy for them is refused with the name of the property.
const policyProperties = z.strictObject({
  PolicyName: z.string(),
  PolicyDocument: document,
  Roles: z.array(z.string()).default([]),
});
const managedPolicyProperties = z.strictObject({
  ManagedPolicyName: z.string().optional(),
  Description: z.string().optional(),
  Path: z.string().default('/'),
  PolicyDocument: document,
  Roles: z.array(z.string()).default([]),
});

/** Roles and their policies, as the template declares them; what they allow is decided in `local/iam`. */
export function createIam(context: RuntimeContext): LocalService {
  const { account, policies, clock } = context;
  const roles = new Map<string, Role>();
  const managed = new Map<string, ManagedPolicy>(
    Object.entries(AWS_MANAGED_POLICIES).map(([path, document]) => {
      const arn = `${AWS_PREFIX}${path}`;
      return [arn, { arn, name: path.split('/').at(-1) ?? path, document }];
    }),
  );

  const roleArn = (name: string) => roles.get(name)?.arn ?? `arn:aws:iam::${account}:role/${name}`;

  function findRole(name: string): Role {
    const role = roles.get(name);
    if (!role) throw noSuchEntity(`The role with name ${name} cannot be found.`);
    return role;
  }

  function findManaged(arn: string): ManagedPolicy {
    const policy = managed.get(arn);
    if (!policy) throw noSuchEntity(`Policy ${arn} does not exist or is not attachable.`);
    return policy;
  }

  function putInline(role: Role, name: string, document: Shape): void {
    role.inline.set(name, document);
    policies.setRolePolicy(role.arn, name, document);
  }

  function attach(role: Role, policy: ManagedPolicy): void {
    role.attached.add(policy.arn);
    policies.setRolePolicy(role.arn, policy.arn, policy.document);
  }

  function provisionRole({ generatedName, logicalId, constructPath, properties }: ResourceRequest) {
    const given = roleProperties.parse(properties);
    const name = given.RoleName ?? generatedName;
    const arn = `arn:aws:iam::${account}:role${given.Path}${name}`;
    const role: Role = {
      name,
      arn,
      id: uniqueId('AROA', arn),
      path: given.Path,
      description: given.Description,
      maxSessionDuration: given.MaxSessionDuration,
      createdAt: clock.now(),
      trust: given.AssumeRolePolicyDocument,
      inline: new Map(),
      attached: new Set(),
    };
    roles.set(name, role);
    policies.setRoleTrust(arn, role.trust);
    for (const policy of given.Policies) putInline(role, policy.PolicyName, policy.PolicyDocument);
    for (const policyArn of given.ManagedPolicyArns) {
      const policy = managed.get(policyArn);
      if (!policy) {
        throw new Error(
          `${logicalId} (${constructPath}): the managed policy ${policyArn} has no local document`,
        );
      }
      attach(role, policy);
    }
    return { ref: name, attributes: { Arn: arn, RoleId: role.id } };
  }

  function provisionPolicy({ generatedName, properties }: ResourceRequest) {
    const given = policyProperties.parse(properties);
    for (const name of given.Roles) putInline(findRole(name), given.PolicyName, given.PolicyDocument);
    return { ref: given.PolicyName, attributes: { Id: generatedName } };
  }

  function provisionManagedPolicy({ generatedName, properties }: ResourceRequest) {
    const given = managedPolicyProperties.parse(properties);
    const name = given.ManagedPolicyName ?? generatedName;
    const arn = `arn:aws:iam::${account}:policy${given.Path}${name}`;
    const policy: ManagedPolicy = { arn, name, document: given.PolicyDocument };
    managed.set(arn, policy);
    for (const roleName of given.Roles) attach(findRole(roleName), policy);
    return { ref: arn, attributes: { PolicyArn: arn } };
  }

  const ofRole = { resources: (input: { RoleName: string }) => [roleArn(input.RoleName)] };
  const ofPolicy = { resources: (input: { PolicyArn: string }) => [input.PolicyArn] };
  const byRole = z.object({ RoleName: z.string() });
  const byRoleAndPolicy = byRole.extend({ PolicyName: z.string() });
  const byPolicy = z.object({ PolicyArn: z.string() });
  const invalid = 'ValidationError';

  return {
    signingNames: ['iam'],
    iamPrefix: 'iam',
    operations: {
      GetRole: operation(
        byRole,
        { ...ofRole, handle: (input) => ({ Role: describe(findRole(input.RoleName)) }) },
        invalid,
      ),
      ListRoles: operation(
        object,
        { handle: () => ({ Roles: [...roles.values()].map(describe), IsTruncated: false }) },
        invalid,
      ),
      GetRolePolicy: operation(
        byRoleAndPolicy,
        {
          ...ofRole,
          handle({ RoleName, PolicyName }) {
            const document = findRole(RoleName).inline.get(PolicyName);
            if (!document) throw noSuchEntity(`The role policy with name ${PolicyName} cannot be found.`);
            return { RoleName, PolicyName, PolicyDocument: encode(document) };
          },
        },
        invalid,
      ),
      ListRolePolicies: operation(
        byRole,
        {
          ...ofRole,
          handle: (input) => ({
            PolicyNames: [...findRole(input.RoleName).inline.keys()],
            IsTruncated: false,
          }),
        },
        invalid,
      ),
      ListAttachedRolePolicies: operation(
        byRole,
        {
          ...ofRole,
          handle: (input) => ({
            AttachedPolicies: [...findRole(input.RoleName).attached].map((arn) => ({
              PolicyName: findManaged(arn).name,
              PolicyArn: arn,
            })),
            IsTruncated: false,
          }),
        },
        invalid,
      ),
      GetPolicy: operation(
        byPolicy,
        {
          ...ofPolicy,
          handle(input) {
            const { arn, name } = findManaged(input.PolicyArn);
            return { Policy: { PolicyName: name, Arn: arn, DefaultVersionId: 'v1', IsAttachable: true } };
          },
        },
        invalid,
      ),
      GetPolicyVersion: operation(
        byPolicy,
        {
          ...ofPolicy,
          handle: (input) => ({
            PolicyVersion: {
              Document: encode(findManaged(input.PolicyArn).document),
              VersionId: 'v1',
              IsDefaultVersion: true,
            },
          }),
        },
        invalid,
      ),
    },
    resources: {
      'AWS::IAM::Role': provisionRole,
      'AWS::IAM::Policy': provisionPolicy,
      'AWS::IAM::ManagedPolicy': provisionManagedPolicy,
    },
  };
}

function describe(role: Role): Shape {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: role.arn,
    CreateDate: new Date(role.createdAt),
    AssumeRolePolicyDocument: encode(role.trust),
    ...(role.description !== undefined && { Description: role.description }),
    MaxSessionDuration: role.maxSessionDuration,
  };
}

/** IAM returns documents as URL-encoded JSON (RFC 3986). */
function encode(document: Shape): string {
  return encodeURIComponent(JSON.stringify(document));
}

/** Stable over restarts, so that what was written down keeps its meaning. */
function uniqueId(prefix: string, arn: string): string {
  return prefix + createHash('sha256').update(arn).digest('hex').slice(0, 17).toUpperCase();
}

function noSuchEntity(message: string): AwsError {
  return new AwsError('NoSuchEntity', message, { status: 404 });
}
