import { createRedshiftData } from '../../local/services/redshift-data/index.ts';
import { createRedshiftServerless } from '../../local/services/redshift-serverless/index.ts';
import type { Shape } from '../../local/services/service.ts';
import { AwsError } from '../../local/services/service.ts';
import { type FakeContext, resource } from './fake-context.ts';

export const ROLE = 'arn:aws:iam::123456789012:role/Redshift';

/** The Data API with a workgroup `warehouse` on the database `dev`, and a table `kept`. S3 answers from `objects`. */
export async function dataService(context: FakeContext, objects = new Map<string, Uint8Array>()) {
  const secrets = new Map<unknown, Shape>();
  const answers: Record<string, (input: Shape) => Shape> = {
    CreateSecret: ({ Name }) => {
      if (secrets.has(Name)) throw new AwsError('ResourceExistsException', 'exists');
      const ARN = `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${Name}-abcdef`;
      secrets.set(Name, { ARN });
      return { ARN };
    },
    DescribeSecret: ({ SecretId }) => secrets.get(SecretId) ?? {},
    GetSecretValue: () => ({ SecretString: '{}' }),
    GetObject: ({ Bucket, Key }) => {
      const Body = objects.get(`s3://${Bucket}/${Key}`);
      if (!Body) throw new AwsError('NoSuchKey', 'The specified key does not exist.', { status: 404 });
      return { Body };
    },
  };
  context.onCall = ({ operation, input }) => answers[operation]?.(input) ?? {};

  const serverless = createRedshiftServerless(context);
  const data = createRedshiftData(context);
  context.services.set('redshift-serverless', serverless);
  context.services.set('redshift-data', data);
  const provision = (type: string, properties: Shape) => {
    const provisioner = serverless.resources?.[type];
    if (!provisioner) throw new Error(`${type} is not provisioned`);
    return provisioner(resource(type, properties));
  };
  const namespace = await provision('AWS::RedshiftServerless::Namespace', {
    NamespaceName: 'namespace',
    ManageAdminPassword: true,
    DefaultIamRoleArn: ROLE,
    IamRoles: [ROLE],
  });
  const workgroup = await provision('AWS::RedshiftServerless::Workgroup', {
    WorkgroupName: 'warehouse',
    NamespaceName: 'namespace',
    BaseCapacity: 4,
  });
  await data.start?.();
  return { data, serverless, namespace, workgroup, provision };
}
