import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  BlockPublicAccess,
  type Bucket,
  BucketEncryption,
  type BucketProps,
  CfnBucket,
  type LifecycleRule,
  ObjectOwnership,
  StorageClass,
} from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Config } from '../config.ts';

export const removalPolicyOf = (config: Config) =>
  config.removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;

/** What every bucket of data has. */
export function bucketDefaults(config: Config): BucketProps {
  return {
    versioned: true,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    removalPolicy: removalPolicyOf(config),
  };
}

/** Infrequent access, then Glacier; old versions and unfinished uploads expire. */
export function lifecycleRule(
  config: Config,
  options: { prefix?: string; archive?: StorageClass } = {},
): LifecycleRule {
  const { infrequentAccessDays, glacierDays, noncurrentDays, unfinishedUploadDays } = config.retention;
  return {
    ...(options.prefix !== undefined && { prefix: options.prefix }),
    transitions: [
      { storageClass: StorageClass.INFREQUENT_ACCESS, transitionAfter: Duration.days(infrequentAccessDays) },
      { storageClass: options.archive ?? StorageClass.GLACIER, transitionAfter: Duration.days(glacierDays) },
    ],
    noncurrentVersionExpiration: Duration.days(noncurrentDays),
    abortIncompleteMultipartUploadAfter: Duration.days(unfinishedUploadDays),
  };
}

/**
 * What nobody needs after a week: a canary's files, whose ticket has been looked at by then, and what a run of the
 * reconciliation works with.
 */
export function weekRule(prefix: string, days = 7): LifecycleRule {
  return { prefix, expiration: Duration.days(days), noncurrentVersionExpiration: Duration.days(1) };
}

/**
 * Sends an event to the queue for every object created below the prefixes.
 *
 * In the bucket's own properties rather than by the CDK's custom resource: nothing but the bucket is deployed, and
 * every emulator understands it. S3 checks that it may send when the bucket is made, so the queue's policy comes first
 * and cannot name the bucket; it admits this account's buckets instead.
 */
export function notifyQueue(bucket: Bucket, queue: Queue, prefixes: readonly string[]): void {
  queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('s3.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  );
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) throw new Error(`${bucket.node.path} is no bucket of this stack`);
  resource.node.addDependency(queue);
  resource.notificationConfiguration = {
    queueConfigurations: prefixes.map((prefix) => ({
      event: 's3:ObjectCreated:*',
      queue: queue.queueArn,
      filter: { s3Key: { rules: [{ name: 'prefix', value: prefix }] } },
    })),
  };
}
