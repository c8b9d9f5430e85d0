import { randomUUID } from 'node:crypto';
import { StateError } from '../../asl/errors.ts';
import { AwsError } from '../service.ts';

/**
 * Names that SDK integrations use, where they differ from what capitalising gives. `signing` is the service's name in
 * credentials, `prefix` begins its errors (client names of the AWS SDK for Java 2.x, which Step Functions calls with).
 */
const SERVICES: Readonly<Record<string, { readonly signing?: string; readonly prefix?: string }>> = {
  cloudwatch: { signing: 'monitoring', prefix: 'CloudWatch' },
  cloudwatchlogs: { signing: 'logs', prefix: 'CloudWatchLogs' },
  dynamodb: { prefix: 'DynamoDb' },
  eventbridge: { signing: 'events', prefix: 'EventBridge' },
  redshiftdata: { signing: 'redshift-data', prefix: 'RedshiftData' },
  redshiftserverless: { signing: 'redshift-serverless', prefix: 'RedshiftServerless' },
  sagemaker: { prefix: 'SageMaker' },
  sagemakerruntime: { signing: 'sagemaker', prefix: 'SageMakerRuntime' },
  secretsmanager: { prefix: 'SecretsManager' },
  sfn: { signing: 'states' },
};

/** Prefix and fallback of the optimised integrations' errors. */
const OPTIMISED: Readonly<Record<string, { readonly prefix: string; readonly fallback: string }>> = {
  dynamodb: { prefix: 'DynamoDB', fallback: 'AmazonDynamoDBException' },
  events: { prefix: 'EventBridge', fallback: 'AmazonEventBridgeException' },
  glue: { prefix: 'Glue', fallback: 'AWSGlueException' },
  lambda: { prefix: 'Lambda', fallback: 'AWSLambdaException' },
  sns: { prefix: 'SNS', fallback: 'AmazonSNSException' },
  sqs: { prefix: 'SQS', fallback: 'AmazonSQSException' },
  states: { prefix: 'StepFunctions', fallback: 'AWSStepFunctionsException' },
};

/** Codes that service models do not define, so that the SDK throws its service's base exception. */
const UNMODELLED: Readonly<Record<string, ReadonlySet<string>>> = {
  DynamoDb: new Set(['ValidationException', 'AccessDeniedException']),
  DynamoDB: new Set(['ValidationException', 'AccessDeniedException']),
};
/** What every service may answer ("Common Errors" of the API references), and the SDK has no class for. */
const UNMODELLED_EVERYWHERE = 'InternalFailureException';
const MODELS_ACCESS_DENIED = new Set([
  'Glue',
  'Textract',
  'SchedulerException',
  'SageMakerRuntime',
  'RedshiftServerless',
]);

const capitalised = (name: string): string => `${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`;

/** Signing name of a service as SDK integrations call it. */
export const signingName = (sdkName: string): string => SERVICES[sdkName]?.signing ?? sdkName;

interface MemberCase {
  readonly input: boolean;
  readonly output: boolean;
}

/** Services whose API has members that begin in lower case; SDK integrations capitalise them. */
const LOWER_CASE_MEMBERS: Readonly<Record<string, MemberCase>> = {
  sfn: { input: true, output: true },
  cloudwatchlogs: { input: true, output: true },
  // Only the fields of a result are lower case.
  redshiftdata: { input: false, output: true },
};

export const lowerCaseMembers = (sdkName: string): MemberCase =>
  LOWER_CASE_MEMBERS[sdkName] ?? { input: false, output: false };

/** Turns a service's error into the error name and cause that Step Functions reports. */
export function mappedError(service: string, error: unknown, how: 'sdk' | 'optimised'): unknown {
  if (!(error instanceof AwsError)) return error;
  const code =
    error.code
      .split('.')
      .at(-1)
      ?.replace(/Exception$/, '') ?? error.code;
  const id = randomUUID();
  if (how === 'optimised') {
    const { prefix, fallback } = OPTIMISED[service] ?? {
      prefix: capitalised(service),
      fallback: 'AWSException',
    };
    const name = unmodelled(prefix, `${code}Exception`) ? fallback : `${code}Exception`;
    return new StateError(
      `${prefix}.${name}`,
      `${error.message} (Service: ${fallback.replace('Exception', '')}; Status Code: ${error.status}; Error Code: ${error.code}; Request ID: ${id}; Proxy: null)`,
      { cause: error },
    );
  }
  const prefix = SERVICES[service]?.prefix ?? capitalised(service);
  const name = unmodelled(prefix, `${code}Exception`) ? `${prefix}Exception` : `${code}Exception`;
  return new StateError(
    `${prefix}.${name}`,
    `${error.message} (Service: ${prefix}, Status Code: ${error.status}, Request ID: ${id})`,
    { cause: error },
  );
}

const unmodelled = (prefix: string, code: string): boolean =>
  code.startsWith('AccessDenied')
    ? !MODELS_ACCESS_DENIED.has(prefix)
    : code === UNMODELLED_EVERYWHERE || (UNMODELLED[prefix]?.has(code) ?? false);
