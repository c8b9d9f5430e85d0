import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import {
  AwsCustomResource,
  AwsCustomResourcePolicy,
  PhysicalResourceId,
  PhysicalResourceIdReference,
} from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { acknowledgeWildcards } from './permissions.ts';

export interface WarehouseSettingsProps {
  readonly config: Config;
  readonly namespaceName: string;
  readonly namespaceArn: string;
  readonly workgroupArn: string;
}

const SERVICE = 'redshift-serverless';

/**
 * What CloudFormation cannot say to Redshift Serverless: it has no resource for usage limits, and a namespace does not
 * return the ARN of its password (aws-cloudformation/cloudformation-coverage-roadmap#2021). The CDK's generic custom
 * resource calls the API for both, with the SDK that its runtime brings: synthesis needs no network.
 */
export class WarehouseSettings extends Construct {
  /** The secret in which Redshift keeps and rotates the administrator's password. */
  readonly adminSecretArn: string;

  constructor(scope: Construct, id: string, props: WarehouseSettingsProps) {
    super(scope, id);
    const { config, namespaceName, namespaceArn, workgroupArn } = props;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: config.retention.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    // Both calls share one function of the CDK, and so one role and one log.
    const common = { role, logGroup, installLatestAwsSdk: false, timeout: Duration.minutes(2) };

    const getNamespace = {
      service: SERVICE,
      action: 'GetNamespace',
      parameters: { namespaceName },
      physicalResourceId: PhysicalResourceId.fromResponse('namespace.namespaceId'),
      outputPaths: ['namespace.namespaceId', 'namespace.adminPasswordSecretArn'],
    };
    const adminSecret = new AwsCustomResource(this, 'AdminSecret', {
      ...common,
      resourceType: 'Custom::RedshiftServerlessAdminSecret',
      policy: AwsCustomResourcePolicy.fromStatements([
        new PolicyStatement({ actions: [`${SERVICE}:GetNamespace`], resources: [namespaceArn] }),
      ]),
      onCreate: getNamespace,
      onUpdate: getNamespace,
    });
    this.adminSecretArn = adminSecret.getResponseField('namespace.adminPasswordSecretArn');

    const limit = { amount: config.warehouse.usageLimitRpuHours, breachAction: 'deactivate' };
    const usageLimitId = new PhysicalResourceIdReference();
    const physicalResourceId = PhysicalResourceId.fromResponse('usageLimit.usageLimitId');
    const usageLimit = new AwsCustomResource(this, 'UsageLimit', {
      ...common,
      resourceType: 'Custom::RedshiftServerlessUsageLimit',
      policy: AwsCustomResourcePolicy.fromStatements([
        new PolicyStatement({
          actions: ['Create', 'Update', 'Delete'].map((verb) => `${SERVICE}:${verb}UsageLimit`),
          resources: ['*'],
        }),
      ]),
      onCreate: {
        service: SERVICE,
        action: 'CreateUsageLimit',
        parameters: { ...limit, resourceArn: workgroupArn, usageType: 'serverless-compute', period: 'daily' },
        physicalResourceId,
      },
      onUpdate: {
        service: SERVICE,
        action: 'UpdateUsageLimit',
        parameters: { ...limit, usageLimitId },
        physicalResourceId,
      },
      onDelete: {
        service: SERVICE,
        action: 'DeleteUsageLimit',
        parameters: { usageLimitId },
        // The limit goes with its workgroup.
        ignoreErrorCodesMatching: 'ResourceNotFoundException',
      },
    });
    acknowledgeWildcards(
      usageLimit,
      ['*'],
      'Usage limits get their ids when they are made, so none can be named beforehand; the role can do nothing to them but keep one.',
    );
  }
}
