import { Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import {
  AnyPrincipal,
  CompositePrincipal,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnNamespace, CfnWorkgroup } from 'aws-cdk-lib/aws-redshiftserverless';
import { Construct } from 'constructs';
import { LAKE } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import type { Lake } from './lake.ts';
import type { Permission } from './permissions.ts';
import { WarehouseSettings } from './warehouse-settings.ts';

/** What COPY reads: Parquet files, and the manifests that name them. */
const COPIED = [LAKE.loaded, LAKE.manifests] as const;

export interface WarehouseProps {
  readonly config: Config;
  readonly lake: Lake;
}

/**
 * Redshift Serverless: a namespace, a workgroup on isolated subnets, and a daily limit on what it costs. Everything is
 * said to it through the Redshift Data API; nothing in the network can reach it.
 */
export class Warehouse extends Construct {
  readonly workgroupName: string;
  readonly database: string;
  /** The administrator's password, which Redshift makes and rotates. */
  readonly secretArn: string;
  readonly #workgroupArn: string;

  constructor(scope: Construct, id: string, props: WarehouseProps) {
    super(scope, id);
    const { config, lake } = props;
    const { baseCapacity, maxCapacity, database } = config.warehouse;
    // Redshift Serverless wants both names in the trust policy (management guide, "Granting permissions to Amazon
    // Redshift Serverless").
    const role = new Role(this, 'Role', {
      assumedBy: new CompositePrincipal(
        new ServicePrincipal('redshift.amazonaws.com'),
        new ServicePrincipal('redshift-serverless.amazonaws.com'),
      ),
    });
    lake.grantCopyTo({ role, grantPrincipal: role }, ...COPIED);

    // Redshift wants names. The end of the stack's id keeps them free when a stack is made anew beside what it left.
    const suffix = Fn.select(4, Fn.split('-', Fn.select(2, Fn.split('/', Stack.of(this).stackId))));
    const name = `millrace-${config.environment}-${suffix}`;
    const namespace = new CfnNamespace(this, 'Namespace', {
      namespaceName: name,
      dbName: database,
      manageAdminPassword: true,
      defaultIamRoleArn: role.roleArn,
      iamRoles: [role.roleArn],
      logExports: ['userlog', 'connectionlog', 'useractivitylog'],
    });
    // A namespace of a deployment that failed, in a region without 4 RPU for example, holds nothing worth keeping.
    namespace.applyRemovalPolicy(
      config.removalPolicy === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    );

    const vpc = isolatedNetwork(this, config, lake);
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'The Millrace warehouse: nothing may connect to it.',
      allowAllOutbound: true,
    });
    // Only the namespace holds data: the workgroup goes with the network that it is in.
    const workgroup = new CfnWorkgroup(this, 'Workgroup', {
      workgroupName: name,
      namespaceName: namespace.ref,
      baseCapacity,
      maxCapacity,
      publiclyAccessible: false,
      // COPY takes the S3 gateway endpoint, whose policy knows the lake only.
      enhancedVpcRouting: true,
      subnetIds: vpc.isolatedSubnets.map((subnet) => subnet.subnetId),
      securityGroupIds: [securityGroup.securityGroupId],
      configParameters: [{ parameterKey: 'require_ssl', parameterValue: 'true' }],
    });

    this.workgroupName = workgroup.ref;
    this.database = database;
    this.#workgroupArn = workgroup.attrWorkgroupWorkgroupArn;
    this.secretArn = new WarehouseSettings(this, 'Settings', {
      config,
      namespaceName: namespace.ref,
      namespaceArn: namespace.attrNamespaceNamespaceArn,
      workgroupArn: this.#workgroupArn,
    }).adminSecretArn;
  }

  /** What it takes to run statements as the administrator and to read their results. */
  get statementPermissions(): Permission[] {
    return this.#statements('redshift-data:DescribeStatement', 'redshift-data:GetStatementResult');
  }

  /** What it takes to run statements as the administrator that have no result. */
  get commandPermissions(): Permission[] {
    return this.#statements('redshift-data:DescribeStatement');
  }

  #statements(...actions: string[]): Permission[] {
    return [
      { actions: ['redshift-data:BatchExecuteStatement'], resources: [this.#workgroupArn] },
      {
        // A statement has no ARN; the Data API shows it to the role that ran it and to nobody else.
        actions,
        resources: ['*'],
        wildcardReason:
          'Log deliveries and X-Ray have no resources, nor have statements of the Redshift Data API: they can only be allowed on all.',
      },
      { actions: ['secretsmanager:GetSecretValue'], resources: [this.secretArn] },
    ];
  }
}

/** Where there is no warehouse: text, because an empty substitution looks like one that was forgotten. */
const NONE = 'none';

/** What the definitions of state machines that ask the warehouse are told of it. */
export const warehouseSubstitutions = (warehouse: Warehouse | undefined): Record<string, string> => ({
  WarehouseEnabled: `${warehouse !== undefined}`,
  WorkgroupName: warehouse?.workgroupName ?? NONE,
  DatabaseName: warehouse?.database ?? NONE,
  WarehouseSecretArn: warehouse?.secretArn ?? NONE,
});

/** Three subnets without a way out but to the lake: no NAT gateway, no hourly cost. */
function isolatedNetwork(scope: Construct, config: Config, lake: Lake): Vpc {
  const vpc = new Vpc(scope, 'Network', {
    maxAzs: 3,
    natGateways: 0,
    subnetConfiguration: [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 }],
    // Emptying the default security group takes a custom resource; nothing here uses that group.
    restrictDefaultSecurityGroup: false,
  });
  const endpoint = vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3 });
  endpoint.addToPolicy(
    new PolicyStatement({
      principals: [new AnyPrincipal()],
      actions: ['s3:GetObject', 's3:GetObjectVersion'],
      resources: COPIED.map((prefix) => lake.bucket.arnForObjects(`${prefix}*`)),
    }),
  );
  endpoint.addToPolicy(
    new PolicyStatement({
      principals: [new AnyPrincipal()],
      actions: ['s3:GetBucketLocation', 's3:ListBucket'],
      resources: [lake.bucket.bucketArn],
    }),
  );
  vpc.addFlowLog('Rejected', {
    trafficType: FlowLogTrafficType.REJECT,
    destination: FlowLogDestination.toCloudWatchLogs(
      new LogGroup(scope, 'NetworkLogs', {
        retention: config.retention.logDays,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
    ),
  });
  return vpc;
}
