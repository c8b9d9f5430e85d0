import { z } from 'zod';
import type { ObjectReader } from '../../engines/warehouse/index.ts';
import { SqlError } from '../../engines/warehouse/index.ts';
import { assumeRole } from '../../iam/assume-role.ts';
import { AwsError, type Caller, type RuntimeContext } from '../service.ts';

const ADMINISTRATOR: Caller = { kind: 'administrator' };

/** Where statements run. */
export interface Target {
  readonly workgroup: string;
  readonly workgroupArn: string;
  readonly namespace: string;
}

const Workgroup = z.object({
  workgroup: z.object({ workgroupName: z.string(), workgroupArn: z.string(), namespaceName: z.string() }),
});
const Namespace = z.object({
  namespace: z.object({
    dbName: z.string(),
    defaultIamRoleArn: z.string().optional(),
    iamRoles: z.array(z.string()),
  }),
});
const ObjectBody = z.object({ Body: z.instanceof(Uint8Array) });
const Page = z.object({
  Contents: z.array(z.object({ Key: z.string() })).default([]),
  NextContinuationToken: z.string().optional(),
});

/** Members that say where a statement runs and with whose rights. */
export interface Connection {
  readonly WorkgroupName?: string | undefined;
  readonly ClusterIdentifier?: string | undefined;
  readonly SecretArn?: string | undefined;
}

/**
 * Finds the workgroup, and checks that the caller may do `action` on it and connect: with the secret where one is named,
 * else with temporary credentials.
 * @throws AwsError ValidationException, or as IAM and Secrets Manager refuse
 */
export async function connect(
  context: RuntimeContext,
  caller: Caller,
  action: string,
  { WorkgroupName, ClusterIdentifier, SecretArn }: Connection,
): Promise<Target> {
  if (!WorkgroupName || ClusterIdentifier) {
    throw new AwsError(
      'ValidationException',
      'The local runtime has serverless workgroups only: name one in WorkgroupName, and no ClusterIdentifier.',
    );
  }
  // A name, or an ARN that ends with the id.
  const workgroupName = WorkgroupName.startsWith('arn:')
    ? await nameOf(context, WorkgroupName)
    : WorkgroupName;
  const answer = await context
    .call('redshift-serverless', 'GetWorkgroup', { workgroupName }, ADMINISTRATOR)
    .catch(() => {
      throw new AwsError('ValidationException', "Redshift endpoint doesn't exist in this region.");
    });
  const { workgroup } = Workgroup.parse(answer);
  context.authorize({ caller, action: `redshift-data:${action}`, resource: workgroup.workgroupArn });
  if (SecretArn) {
    await context.call('secretsmanager', 'GetSecretValue', { SecretId: SecretArn }, caller);
  } else {
    context.authorize({
      caller,
      action: 'redshift-serverless:GetCredentials',
      resource: workgroup.workgroupArn,
    });
  }
  return {
    workgroup: workgroup.workgroupName,
    workgroupArn: workgroup.workgroupArn,
    namespace: workgroup.namespaceName,
  };
}

async function nameOf(context: RuntimeContext, arn: string): Promise<string> {
  const answer = await context.call('redshift-serverless', 'ListWorkgroups', {}, ADMINISTRATOR);
  const { workgroups } = z.object({ workgroups: z.array(Workgroup.shape.workgroup) }).parse(answer);
  return workgroups.find(({ workgroupArn }) => workgroupArn === arn)?.workgroupName ?? arn;
}

/** @throws SqlError where the namespace has no such database */
export async function namespaceOf(context: RuntimeContext, namespaceName: string, database: string) {
  const answer = await context.call('redshift-serverless', 'GetNamespace', { namespaceName }, ADMINISTRATOR);
  const { namespace } = Namespace.parse(answer);
  if (namespace.dbName !== database) {
    throw new SqlError(`FATAL: database "${database}" does not exist`);
  }
  return namespace;
}

/** S3 as COPY reads it: with the role it names, which the namespace must know. @throws SqlError */
export function objectReader(
  context: RuntimeContext,
  namespace: z.output<typeof Namespace>['namespace'],
  role: string,
): ObjectReader {
  const roleArn = role === 'default' ? namespace.defaultIamRoleArn : role;
  if (!roleArn) throw new SqlError('The namespace has no default IAM role, which IAM_ROLE default asks for');
  if (roleArn !== namespace.defaultIamRoleArn && !namespace.iamRoles.includes(roleArn)) {
    throw new SqlError(`The namespace is not authorized to assume IAM Role ${roleArn}`);
  }
  const caller = assumeRole(context, {
    service: 'redshift.amazonaws.com',
    roleArn,
    sessionName: 'RedshiftIamRoleSession',
  });
  return {
    async get(Bucket, Key) {
      return ObjectBody.parse(await context.call('s3', 'GetObject', { Bucket, Key }, caller)).Body;
    },
    async list(Bucket, Prefix) {
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const input = { Bucket, Prefix, ...(token && { ContinuationToken: token }) };
        const page = Page.parse(await context.call('s3', 'ListObjectsV2', input, caller));
        keys.push(...page.Contents.map(({ Key }) => Key));
        token = page.NextContinuationToken;
      } while (token);
      return keys;
    },
  };
}
