import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { ComprehendClient } from '@aws-sdk/client-comprehend';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { TextractClient } from '@aws-sdk/client-textract';

/*
 * Clients of AWS, created on first use and once for each execution environment, so that connections are kept alive
 * between invocations. A function bundles only the clients it asks for. Without `throwOnRequestTimeout` a time-out is
 * only logged, and a request without an answer lasts as long as the function may.
 */

/** Fast services that recover in moments: five attempts with the SDK's own jittered back-off. */
const PERSISTENT = {
  retryMode: 'standard',
  maxAttempts: 5,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
} as const;

/** Copies of objects inside S3: one of 5 GB takes it minutes, and it need not answer before. */
const PATIENT = {
  retryMode: 'standard',
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 240_000, throwOnRequestTimeout: true },
} as const;

/**
 * Services that the admission control guards: two attempts bridge a lost connection; when the service is busy the
 * message goes back to its queue instead, where waiting costs nothing. Reading one page takes seconds.
 */
const GUARDED = {
  retryMode: 'standard',
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 120_000, throwOnRequestTimeout: true },
} as const;

let s3Client: S3Client | undefined;
let s3CopyClient: S3Client | undefined;
let dynamoClient: DynamoDBClient | undefined;
let sfnClient: SFNClient | undefined;
let sqsClient: SQSClient | undefined;
let textractClient: TextractClient | undefined;
let comprehendClient: ComprehendClient | undefined;
let eventsClient: EventBridgeClient | undefined;
let cloudwatchClient: CloudWatchClient | undefined;
let secretsClient: SecretsManagerClient | undefined;
let snsClient: SNSClient | undefined;

export function s3(): S3Client {
  s3Client ??= new S3Client(PERSISTENT);
  return s3Client;
}

/** For copies of large objects. */
export function s3Copies(): S3Client {
  s3CopyClient ??= new S3Client(PATIENT);
  return s3CopyClient;
}

export function dynamo(): DynamoDBClient {
  dynamoClient ??= new DynamoDBClient(PERSISTENT);
  return dynamoClient;
}

export function sfn(): SFNClient {
  sfnClient ??= new SFNClient(PERSISTENT);
  return sfnClient;
}

export function sqs(): SQSClient {
  sqsClient ??= new SQSClient(PERSISTENT);
  return sqsClient;
}

export function textract(): TextractClient {
  textractClient ??= new TextractClient(GUARDED);
  return textractClient;
}

export function comprehend(): ComprehendClient {
  comprehendClient ??= new ComprehendClient(GUARDED);
  return comprehendClient;
}

export function events(): EventBridgeClient {
  eventsClient ??= new EventBridgeClient(PERSISTENT);
  return eventsClient;
}

export function secrets(): SecretsManagerClient {
  secretsClient ??= new SecretsManagerClient(PERSISTENT);
  return secretsClient;
}

export function sns(): SNSClient {
  snsClient ??= new SNSClient(PERSISTENT);
  return snsClient;
}

export function cloudwatch(): CloudWatchClient {
  cloudwatchClient ??= new CloudWatchClient(PERSISTENT);
  return cloudwatchClient;
}
