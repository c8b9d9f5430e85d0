import { Duration } from 'aws-cdk-lib';
import { Bucket, type IBucket, StorageClass } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { CRM_WORK } from '../../lambdas/crm-tickets/contract.ts';
import { MAINTENANCE_PREFIX } from '../../lambdas/maintenance/contract.ts';
import { RECONCILIATION_PREFIX } from '../../lambdas/reconciliation/contract.ts';
import { LAKE } from '../../lambdas/shared/contract.ts';
import { TABULAR_PREFIX } from '../../lambdas/tabular/contract.ts';
import type { Config } from '../config.ts';
import { bucketDefaults, lifecycleRule, notifyQueue, weekRule } from './buckets.ts';
import type { NodeFunction } from './node-function.ts';
import { type Actor, permit } from './permissions.ts';
import { TaskQueue } from './task-queue.ts';

export interface LakeProps {
  readonly config: Config;
  readonly accessLogs: IBucket;
}

/** A place in the lake: one of its prefixes, or a folder below one. */
export type LakePrefix = `${(typeof LAKE)[keyof typeof LAKE]}${string}`;

/** Prefixes that people query where they lie; Glacier Flexible Retrieval would hide them from Athena. */
const QUERIED: readonly string[] = [LAKE.curated, LAKE.loaded, LAKE.published, LAKE.operations];

/** Everything that the pipelines make: one versioned bucket whose prefixes are in the contract, and the queue of new curated records. */
export class Lake extends Construct {
  readonly bucket: Bucket;
  /** S3 events of new curated records. */
  readonly curated: TaskQueue;

  constructor(scope: Construct, id: string, props: LakeProps) {
    super(scope, id);
    const { config, accessLogs } = props;
    this.curated = new TaskQueue(this, 'Curated', {
      visibilityTimeout: Duration.seconds(6 * 120 + config.warehouse.batchSeconds),
    });
    this.bucket = new Bucket(this, 'Bucket', {
      ...bucketDefaults(config),
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: 'lake/',
      lifecycleRules: [
        ...Object.values(LAKE).map((prefix) =>
          prefix === LAKE.canary
            ? weekRule(prefix)
            : lifecycleRule(config, {
                prefix,
                archive: QUERIED.includes(prefix)
                  ? StorageClass.GLACIER_INSTANT_RETRIEVAL
                  : StorageClass.GLACIER,
              }),
        ),
        weekRule(RECONCILIATION_PREFIX.work),
        weekRule(CRM_WORK, 15),
        weekRule(MAINTENANCE_PREFIX.work),
        // A failed execution can be redriven for 14 days (Step Functions developer guide).
        weekRule(TABULAR_PREFIX.work, 15),
      ],
    });
    notifyQueue(this.bucket, this.curated.queue, [LAKE.curated]);
  }

  /** Lets a function read below prefixes, and tells it the bucket. */
  grantRead(fn: NodeFunction, ...prefixes: LakePrefix[]): void {
    this.grantReadTo(fn, ...prefixes);
    fn.addEnvironment('LAKE_BUCKET', this.bucket.bucketName);
  }

  /** Lets a function see which objects there are below prefixes, not what they hold, and tells it the bucket. */
  grantList(fn: NodeFunction, ...prefixes: LakePrefix[]): void {
    fn.permit({
      actions: ['s3:ListBucket'],
      resources: [this.bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } },
    });
    fn.addEnvironment('LAKE_BUCKET', this.bucket.bucketName);
  }

  /** Lets a function tell an object that is gone (404) from one it may not read (403): S3 asks whether it may list. */
  grantTellMissing(fn: NodeFunction, ...prefixes: LakePrefix[]): void {
    fn.permit({
      actions: ['s3:ListBucket'],
      resources: [this.bucket.bucketArn],
      // A listing names its prefix, but the question behind a missing object does not.
      conditions: { StringLikeIfExists: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } },
    });
  }

  /** Lets a function read versions of objects below a prefix. */
  grantReadVersions(fn: NodeFunction, prefix: LakePrefix): void {
    fn.permit({
      actions: ['s3:GetObjectVersion'],
      resources: this.#objects([prefix]),
      wildcardReason: `Reads versions of what pipelines wrote below ${prefix}: names follow from the files.`,
    });
  }

  /** Lets a role that is no function's read below prefixes. */
  grantReadTo(actor: Actor, ...prefixes: LakePrefix[]): void {
    permit(actor, {
      actions: ['s3:GetObject'],
      resources: this.#objects(prefixes),
      wildcardReason: `Reads what pipelines wrote below ${prefixes.join(' and ')}: names follow from the files.`,
    });
  }

  /**
   * Lets Redshift's COPY read below prefixes: it "must have LIST access to the bucket and GET access for the bucket
   * objects", manifest or not (Redshift developer guide, "Permissions to access other AWS Resources").
   */
  grantCopyTo(actor: Actor, ...prefixes: LakePrefix[]): void {
    this.grantReadTo(actor, ...prefixes);
    permit(actor, { actions: ['s3:GetBucketLocation'], resources: [this.bucket.bucketArn] });
    permit(actor, {
      actions: ['s3:ListBucket'],
      resources: [this.bucket.bucketArn],
      conditions: { StringLikeIfExists: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } },
    });
  }

  /** Lets a function write below prefixes, and tells it the bucket. */
  grantWrite(fn: NodeFunction, ...prefixes: LakePrefix[]): void {
    fn.permit({
      actions: ['s3:PutObject'],
      resources: this.#objects(prefixes),
      wildcardReason: `Writes one object for each file below ${prefixes.join(' and ')}: names follow from the files.`,
    });
    fn.addEnvironment('LAKE_BUCKET', this.bucket.bucketName);
  }

  /** Lets a function delete objects below prefixes, and tells it the bucket. Old versions stay until they expire. */
  grantDelete(fn: NodeFunction, ...prefixes: LakePrefix[]): void {
    fn.permit({
      actions: ['s3:DeleteObject'],
      resources: this.#objects(prefixes),
      wildcardReason: `Deletes what it is done with below ${prefixes.join(' and ')}: names follow from the files.`,
    });
    fn.addEnvironment('LAKE_BUCKET', this.bucket.bucketName);
  }

  #objects(prefixes: readonly string[]): string[] {
    return prefixes.map((prefix) => this.bucket.arnForObjects(`${prefix}*`));
  }
}
