import { Duration } from 'aws-cdk-lib';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { CANARY } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import { bucketDefaults, lifecycleRule, notifyQueue, weekRule } from './buckets.ts';
import type { NodeFunction } from './node-function.ts';
import { TaskQueue } from './task-queue.ts';

export interface LandingZoneProps {
  readonly config: Config;
  readonly accessLogs: IBucket;
  /** Prefixes whose new objects start a pipeline, for example `documents/`. */
  readonly prefixes: readonly string[];
}

/**
 * Where files arrive: a versioned bucket, and the queue of what arrived. The queue lives here with the bucket, so that
 * uploads wait in it while the pipelines are changed or away.
 */
export class LandingZone extends Construct {
  readonly bucket: Bucket;
  /** S3 events of new objects. */
  readonly arrivals: TaskQueue;

  constructor(scope: Construct, id: string, props: LandingZoneProps) {
    super(scope, id);
    const { config, accessLogs, prefixes } = props;
    this.arrivals = new TaskQueue(this, 'Arrivals', { visibilityTimeout: Duration.minutes(6) });
    this.bucket = new Bucket(this, 'Bucket', {
      ...bucketDefaults(config),
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: 'landing/',
      lifecycleRules: [lifecycleRule(config), weekRule(CANARY.prefix)],
    });
    notifyQueue(this.bucket, this.arrivals.queue, prefixes);
  }

  /** Lets a function read versions of objects below prefixes: what a version holds never changes. */
  grantRead(fn: NodeFunction, ...prefixes: string[]): void {
    this.#grantRead(fn, prefixes, ['s3:GetObjectVersion']);
  }

  /** Lets a function hand objects below a prefix to Textract, which reads them with the function's permissions. */
  grantHandOver(fn: NodeFunction, prefix: string): void {
    this.#grantRead(fn, [prefix], ['s3:GetObject', 's3:GetObjectVersion']);
  }

  /** Lets a function put objects below a prefix and find their versions, and tells it the bucket. */
  grantDrop(fn: NodeFunction, prefix: string): void {
    fn.permit({
      actions: ['s3:PutObject', 's3:GetObject'],
      resources: [this.bucket.arnForObjects(`${prefix}*`)],
      wildcardReason: `Puts files below ${prefix}, each of a name of its own.`,
    });
    fn.addEnvironment('LANDING_BUCKET', this.bucket.bucketName);
  }

  #grantRead(fn: NodeFunction, prefixes: readonly string[], actions: readonly string[]): void {
    fn.permit({
      actions,
      resources: prefixes.map((prefix) => this.bucket.arnForObjects(`${prefix}*`)),
      wildcardReason: `Reads files that land below ${prefixes.join(' and ')}, whose names nobody knows beforehand.`,
    });
  }

  /** Lets a function tell of objects that are there, as S3 tells of new ones. */
  grantTell(fn: NodeFunction): void {
    fn.permit({ actions: ['sqs:SendMessage'], resources: [this.arrivals.queue.queueArn] });
    fn.addEnvironment('ARRIVALS_QUEUE_URL', this.arrivals.queue.queueUrl);
  }

  /** Lets a function list every version of the objects below prefixes, and tells it the bucket. */
  grantListVersions(fn: NodeFunction, ...prefixes: string[]): void {
    fn.permit({
      actions: ['s3:ListBucketVersions'],
      resources: [this.bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } },
    });
    fn.addEnvironment('LANDING_BUCKET', this.bucket.bucketName);
  }

  /** Lets a function tell an object that is gone (404) from one it may not read (403): S3 asks whether it may list. */
  grantTellMissing(fn: NodeFunction, ...prefixes: string[]): void {
    fn.permit({
      actions: ['s3:ListBucket'],
      resources: [this.bucket.bucketArn],
      // A listing names its prefix, but the question behind a missing object does not.
      conditions: { StringLikeIfExists: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } },
    });
  }
}
