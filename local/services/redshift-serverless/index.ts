import { createHash } from 'node:crypto';
import { z } from 'zod';
import { numeric, operation } from '../operation.ts';
import {
  AwsError,
  type Caller,
  type LocalService,
  type Operations,
  type Provision,
  type RuntimeContext,
} from '../service.ts';
import type { Namespace, UsageLimit, Workgroup } from './model.ts';

const ADMINISTRATOR: Caller = { kind: 'administrator' };
const PORT = 5439;

const NamespaceProperties = z.object({
  NamespaceName: z.string(),
  DbName: z.string().default('dev'),
  AdminUsername: z.string().default('admin'),
  ManageAdminPassword: z.union([z.boolean(), z.stringbool()]).default(false),
  DefaultIamRoleArn: z.string().optional(),
  IamRoles: z.array(z.string()).default([]),
});

const WorkgroupProperties = z.object({
  WorkgroupName: z.string(),
  NamespaceName: z.string(),
  BaseCapacity: numeric.default(128),
  MaxCapacity: numeric.optional(),
  SubnetIds: z.array(z.string()).default([]),
  SecurityGroupIds: z.array(z.string()).default([]),
});

const NamedNamespace = z.object({ namespaceName: z.string() });
const NamedWorkgroup = z.object({ workgroupName: z.string() });
const LimitId = z.object({ usageLimitId: z.string() });
const NewLimit = z.object({
  resourceArn: z.string(),
  usageType: z.string(),
  amount: numeric,
  period: z.string().default('monthly'),
  breachAction: z.string().default('log'),
});
const ChangedLimit = LimitId.extend({ amount: numeric.optional(), breachAction: z.string().optional() });

/** The CDK's generic custom resource says in JSON which API it calls, and where its id lies in the answer. */
const SdkCall = z.object({
  action: z.string(),
  parameters: z.record(z.string(), z.unknown()).default({}),
  physicalResourceId: z.union([z.object({ responsePath: z.string() }), z.object({ id: z.string() })]),
});

/**
 * Redshift Serverless: namespaces and workgroups as the template declares them anew at each start. Their data is kept by
 * redshift-data.
 */
export function createRedshiftServerless(context: RuntimeContext): LocalService {
  const namespaces: Record<string, Namespace> = {};
  const workgroups: Record<string, Workgroup> = {};
  const usageLimits: Record<string, UsageLimit> = {};
  const arnOf = (kind: string, id: string) =>
    `arn:aws:redshift-serverless:${context.region}:${context.account}:${kind}/${id}`;

  const idOf = (kind: string, name: string) => {
    const hex = createHash('sha256')
      .update(`${context.account}/${context.region}/${kind}/${name}`)
      .digest('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
      '-',
    );
  };
  const find = <Thing>(things: Readonly<Record<string, Thing>>, kind: string, name: string): Thing => {
    const found = Object.hasOwn(things, name) ? things[name] : undefined;
    if (found) return found;
    throw new AwsError('ResourceNotFoundException', `Could not find ${kind}: ${name}`, { status: 404 });
  };
  const namespaceOf = (name: string): Namespace => find(namespaces, 'namespace', name);
  const workgroupOf = (name: string): Workgroup => find(workgroups, 'workgroup', name);
  const limitOf = (id: string): UsageLimit => find(usageLimits, 'usage limit', id);

  /** The secret that Redshift would make and rotate. */
  async function adminSecret(namespaceName: string, username: string): Promise<string> {
    const Name = `redshift!${namespaceName}-${username}`;
    const SecretString = JSON.stringify({ username, password: idOf('password', namespaceName) });
    const described = await context
      .call('secretsmanager', 'CreateSecret', { Name, SecretString }, ADMINISTRATOR)
      .catch((error: unknown) => {
        if (!(error instanceof AwsError) || error.code !== 'ResourceExistsException') throw error;
        return context.call('secretsmanager', 'DescribeSecret', { SecretId: Name }, ADMINISTRATOR);
      });
    return z.object({ ARN: z.string() }).parse(described).ARN;
  }

  const operations: Operations = {
    GetNamespace: operation(NamedNamespace, {
      resources: ({ namespaceName }) => [namespaceOf(namespaceName).namespaceArn],
      handle: ({ namespaceName }) => ({ namespace: namespaceOf(namespaceName) }),
    }),
    GetWorkgroup: operation(NamedWorkgroup, {
      resources: ({ workgroupName }) => [workgroupOf(workgroupName).workgroupArn],
      handle: ({ workgroupName }) => ({ workgroup: workgroupOf(workgroupName) }),
    }),
    ListNamespaces: { handle: () => ({ namespaces: Object.values(namespaces) }) },
    ListWorkgroups: { handle: () => ({ workgroups: Object.values(workgroups) }) },
    CreateUsageLimit: operation(NewLimit, {
      handle: (input) => {
        const usageLimitId = idOf('usagelimit', `${input.resourceArn}/${input.usageType}/${input.period}`);
        if (usageLimits[usageLimitId]) {
          throw new AwsError('ConflictException', `The usage limit ${usageLimitId} already exists.`);
        }
        const usageLimit = { ...input, usageLimitId, usageLimitArn: arnOf('usagelimit', usageLimitId) };
        usageLimits[usageLimitId] = usageLimit;
        return { usageLimit };
      },
    }),
    UpdateUsageLimit: operation(ChangedLimit, {
      handle: ({ usageLimitId, ...changes }) => {
        const usageLimit = { ...limitOf(usageLimitId), ...changes };
        usageLimits[usageLimitId] = usageLimit;
        return { usageLimit };
      },
    }),
    GetUsageLimit: operation(LimitId, {
      handle: ({ usageLimitId }) => ({ usageLimit: limitOf(usageLimitId) }),
    }),
    ListUsageLimits: { handle: () => ({ usageLimits: Object.values(usageLimits) }) },
    DeleteUsageLimit: operation(LimitId, {
      handle: ({ usageLimitId }) => {
        const usageLimit = limitOf(usageLimitId);
        delete usageLimits[usageLimitId];
        return { usageLimit };
      },
    }),
  };

  /** Does what the CDK's generic custom resource would do: one API call, its answer as attributes. */
  const customResource: Provision = async ({ properties }) => {
    const { action, parameters, physicalResourceId } = SdkCall.parse(
      JSON.parse(z.string().parse(properties.Create)),
    );
    const answer = await context.call('redshift-serverless', capitalised(action), parameters, ADMINISTRATOR);
    const attributes = flatten(answer);
    const ref =
      'id' in physicalResourceId ? physicalResourceId.id : attributes[physicalResourceId.responsePath];
    return { ref: String(ref), attributes };
  };

  return {
    signingNames: ['redshift-serverless'],
    iamPrefix: 'redshift-serverless',
    operations,
    resources: {
      'AWS::RedshiftServerless::Namespace': async ({ properties }) => {
        const wanted = NamespaceProperties.parse(properties);
        const namespaceId = idOf('namespace', wanted.NamespaceName);
        const namespace: Namespace = {
          namespaceName: wanted.NamespaceName,
          namespaceId,
          namespaceArn: arnOf('namespace', namespaceId),
          dbName: wanted.DbName,
          adminUsername: wanted.AdminUsername,
          ...(wanted.DefaultIamRoleArn && { defaultIamRoleArn: wanted.DefaultIamRoleArn }),
          iamRoles: wanted.IamRoles,
          status: 'AVAILABLE',
          ...(wanted.ManageAdminPassword && {
            adminPasswordSecretArn: await adminSecret(wanted.NamespaceName, wanted.AdminUsername),
          }),
        };
        namespaces[namespace.namespaceName] = namespace;
        const attributes = pascalCased('Namespace', namespace);
        return { ref: namespace.namespaceName, attributes };
      },
      'AWS::RedshiftServerless::Workgroup': ({ properties }) => {
        const wanted = WorkgroupProperties.parse(properties);
        const workgroupId = idOf('workgroup', wanted.WorkgroupName);
        const address = `${wanted.WorkgroupName}.${context.account}.${context.region}.redshift-serverless.amazonaws.com`;
        const workgroup: Workgroup = {
          workgroupName: wanted.WorkgroupName,
          workgroupId,
          workgroupArn: arnOf('workgroup', workgroupId),
          namespaceName: namespaceOf(wanted.NamespaceName).namespaceName,
          baseCapacity: wanted.BaseCapacity,
          ...(wanted.MaxCapacity !== undefined && { maxCapacity: wanted.MaxCapacity }),
          subnetIds: wanted.SubnetIds,
          securityGroupIds: wanted.SecurityGroupIds,
          endpoint: { address, port: PORT },
          status: 'AVAILABLE',
        };
        workgroups[workgroup.workgroupName] = workgroup;
        const endpoint = { 'Workgroup.Endpoint.Address': address, 'Workgroup.Endpoint.Port': String(PORT) };
        return {
          ref: workgroup.workgroupName,
          attributes: { ...pascalCased('Workgroup', workgroup), ...endpoint },
        };
      },
      'Custom::RedshiftServerlessAdminSecret': customResource,
      'Custom::RedshiftServerlessUsageLimit': customResource,
    },
  };
}

/** `{namespaceName: 'x'}` as attributes of CloudFormation: `{'Namespace.NamespaceName': 'x'}`. */
function pascalCased(prefix: string, members: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members)
      .filter(([, value]) => typeof value !== 'object')
      .map(([name, value]) => [`${prefix}.${capitalised(name)}`, value]),
  );
}

/** Leaves of an answer by their path, `namespace.dbName`, as the CDK's custom resource returns them. */
function flatten(value: unknown, path = ''): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return { [path]: value };
  const members = Object.entries(value).map(([name, member]) =>
    flatten(member, path ? `${path}.${name}` : name),
  );
  return Object.assign({}, ...members);
}

function capitalised(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
