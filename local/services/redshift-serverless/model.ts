/** As GetNamespace returns it. */
export interface Namespace {
  readonly namespaceName: string;
  readonly namespaceId: string;
  readonly namespaceArn: string;
  readonly dbName: string;
  readonly adminUsername: string;
  readonly adminPasswordSecretArn?: string;
  /** The role of `IAM_ROLE default`. */
  readonly defaultIamRoleArn?: string;
  /** Roles that COPY may use. */
  readonly iamRoles: readonly string[];
  readonly status: 'AVAILABLE';
}

/** As GetWorkgroup returns it. */
export interface Workgroup {
  readonly workgroupName: string;
  readonly workgroupId: string;
  readonly workgroupArn: string;
  readonly namespaceName: string;
  /** RPUs. */
  readonly baseCapacity: number;
  readonly maxCapacity?: number;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
  readonly endpoint: { readonly address: string; readonly port: number };
  readonly status: 'AVAILABLE';
}

/** As GetUsageLimit returns it. Nothing is metered here, so it never bites. */
export interface UsageLimit {
  readonly usageLimitId: string;
  readonly usageLimitArn: string;
  readonly resourceArn: string;
  readonly usageType: string;
  /** RPU-hours, for `serverless-compute`. */
  readonly amount: number;
  readonly period: string;
  readonly breachAction: string;
}
