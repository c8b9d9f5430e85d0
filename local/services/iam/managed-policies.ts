import type { Shape } from '../service.ts';

const allowEverywhere = (...actions: string[]): Shape => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
});

const LOGS = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];
const XRAY_WRITE = allowEverywhere(
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'xray:GetSamplingStatisticSummaries',
);

/**
 * Policies that AWS maintains, by what follows `arn:aws:iam::aws:policy/`. Their documents are those of
 * https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
 */
export const AWS_MANAGED_POLICIES: Readonly<Record<string, Shape>> = {
  'service-role/AWSLambdaBasicExecutionRole': allowEverywhere(...LOGS),
  'service-role/AWSLambdaVPCAccessExecutionRole': allowEverywhere(
    ...LOGS,
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ),
  AWSXRayDaemonWriteAccess: XRAY_WRITE,
  AWSXrayWriteOnlyAccess: XRAY_WRITE,
};
