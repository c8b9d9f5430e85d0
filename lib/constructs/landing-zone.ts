import { Duration } from 'aws-cdk-lib';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { bucketDefaults, lifecycleRule, notifyQueue } from './buckets.ts';
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
      lifecycleRules: [lifecycleRule(config)],
    });
    notifyQueue(this.bucket, this.arrivals.queue, prefixes);
  }

  /** Lets a function read versions of objects below a prefix: what a version holds never changes. */
  grantRead(fn: NodeFunction, prefix: string): void {
    this.#grantRead(fn, prefix, ['s3:GetObjectVersion']);
  }

  /** Lets a function hand objects below a prefix to Textract, which reads them with the function's permissions. */
  grantHandOver(fn: NodeFunction, prefix: string): void {
    this.#grantRead(fn, prefix, ['s3:GetObject', 's3:GetObjectVersion']);
  }

  #grantRead(fn: NodeFunction, prefix: string, actions: readonly string[]): void {
    fn.permit({
      actions,
      resources: [this.bucket.arnForObjects(`${prefix}*`)],
      wildcardReason: `Reads files that land below ${prefix}, whose names nobody knows beforehand.`,
    });
  }

  /** Lets a function tell an object that is gone (404) from one it may not read (403): S3 asks whether it may list. */
  grantTellMissing(fn: NodeFunction, prefix: string): void {
    fn.permit({
      actions: ['s3:ListBucket'],
      resources: [this.bucket.bucketArn],
      // A listing names its prefix, but the question behind a missing object does not.
      conditions: { StringLikeIfExists: { 's3:prefix': `${prefix}*` } },
    });
  }
}
