import { join } from 'node:path';
import { ArnFormat, Aws, type Duration, Fn, RemovalPolicy, Stack, Tags, Validations } from 'aws-cdk-lib';
import { CfnJob } from 'aws-cdk-lib/aws-glue';
import { type IGrantable, type IPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { PROJECT_ROOT } from './bundle.ts';
import type { Lake, LakePrefix } from './lake.ts';
import { type Permission, permit } from './permissions.ts';

export interface SparkJobProps {
  readonly config: Config;
  /** Name of the pipeline: its tag, and part of the log groups' names. */
  readonly pipeline: string;
  readonly description: string;
  /** Python file, from the project's root. */
  readonly script: string;
  /** SQL file that the script is given as `--sql`, from the project's root. */
  readonly sql: string;
  /** Arguments of every run, beside those that the run is started with. */
  readonly arguments?: Readonly<Record<string, string>>;
  readonly lake: Lake;
  /** Prefixes of the lake whose Parquet files it reads. */
  readonly reads: readonly LakePrefix[];
  /** Prefix of the lake below which it reads its input, and replaces folders. */
  readonly works: LakePrefix;
  /** A run that works longer is ended. */
  readonly timeout: Duration;
  readonly minWorkers: number;
}

/** Glue 5.0: Spark 3.5, Python 3.11, Java 17. */
const GLUE_VERSION = '5.0';
/** One DPU: 4 vCPU, 16 GB. Flexible runs take it too. */
export const WORKER_TYPE = 'G.1X';

/**
 * A Spark job of Glue whose work is one SQL file. Who starts a run says with how many workers, and whether it may wait for
 * cheaper capacity.
 */
export class SparkJob extends Construct implements IGrantable {
  readonly role: Role;
  readonly grantPrincipal: IPrincipal;
  readonly jobName: string;

  constructor(scope: Construct, id: string, props: SparkJobProps) {
    super(scope, id);
    const { config, lake, works } = props;
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('glue.amazonaws.com', {
        // Glue does not say that it always sends the key.
        conditions: { StringEqualsIfExists: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    });
    this.grantPrincipal = this.role;
    const script = this.#asset('Script', props.script);
    const sql = this.#asset('Sql', props.sql);
    lake.grantReadTo(this, ...props.reads);
    this.#grantWork(lake, works, props.reads);
    const logs = this.#logGroups(config, props.pipeline);

    const job = new CfnJob(this, 'Job', {
      description: props.description,
      role: this.role.roleArn,
      glueVersion: GLUE_VERSION,
      command: { name: 'glueetl', pythonVersion: '3', scriptLocation: script.s3ObjectUrl },
      workerType: WORKER_TYPE,
      numberOfWorkers: props.minWorkers,
      executionProperty: { maxConcurrentRuns: 1 },
      // The state machine that waits for a run tries again, and tells.
      maxRetries: 0,
      timeout: props.timeout.toMinutes(),
      defaultArguments: {
        '--job-bookmark-option': 'job-bookmark-disable',
        '--custom-logGroup-prefix': logs,
        '--sql': sql.s3ObjectUrl,
        ...props.arguments,
      },
    });
    // Policies are resources of their own: a run must not begin before them.
    job.node.addDependency(this.role);
    this.jobName = job.ref;
    Tags.of(this).add('Pipeline', props.pipeline);
    Validations.of(job).acknowledge(
      {
        id: 'AwsSolutions-GL1',
        reason:
          'Logs hold names of files and counts, never rows; CloudWatch encrypts them at rest with its own key, like those of every function here.',
      },
      { id: 'AwsSolutions-GL3', reason: 'Bookmarks are switched off: there is nothing to encrypt.' },
    );
  }

  /** What a state machine needs to start runs and wait for them (`glue:startJobRun.sync`). */
  get runPermission(): Permission {
    return {
      actions: ['glue:StartJobRun', 'glue:GetJobRun', 'glue:GetJobRuns', 'glue:BatchStopJobRun'],
      resources: [Stack.of(this).formatArn({ service: 'glue', resource: 'job', resourceName: this.jobName })],
    };
  }

  /** A file that the deployment brings along, which the job may read: this object, and no other of the bucket. */
  #asset(id: string, file: string): Asset {
    const asset = new Asset(this, id, { path: join(PROJECT_ROOT, file) });
    permit(this, {
      actions: ['s3:GetObject'],
      resources: [asset.bucket.arnForObjects(asset.s3ObjectKey)],
    });
    return asset;
  }

  /**
   * Reading its input and replacing folders below a prefix. Glue's file system writes in parts, and looks at each folder
   * above the one that it makes: whether there is such an object, or such a marker (`<folder>_$folder$`).
   */
  #grantWork(lake: Lake, works: LakePrefix, reads: readonly LakePrefix[]): void {
    const { bucket } = lake;
    permit(this, {
      actions: [
        's3:GetObject',
        's3:PutObject',
        's3:DeleteObject',
        's3:AbortMultipartUpload',
        's3:ListMultipartUploadParts',
      ],
      resources: [bucket.arnForObjects(`${works}*`)],
      wildcardReason: `Replaces the folder of a run below ${works}: Spark names its files itself.`,
    });
    const above = foldersAbove(works);
    permit(this, {
      actions: ['s3:GetObject'],
      resources: above.flatMap((folder) =>
        [folder, `${folder}_$folder$`].map((key) => bucket.arnForObjects(key)),
      ),
    });
    permit(this, {
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: {
        // What is not there is told from what may not be read by whoever may list; such a question has no prefix.
        StringLikeIfExists: {
          's3:prefix': [
            ...[...reads, works].map((prefix) => `${prefix}*`),
            ...above.flatMap((folder) => [folder, `${folder}/`, `${folder}_$folder$`]),
          ],
        },
      },
    });
  }

  /** Where Glue writes what Spark says: made here, so that they end with their time and with the stack. */
  #logGroups(config: Config, pipeline: string): string {
    const { stackId, stackName } = Stack.of(this);
    const prefix = `/aws-glue/jobs/${stackName}/${pipeline}-${Fn.select(2, Fn.split('/', stackId))}`;
    const groups = { Output: `${prefix}/output`, Errors: `${prefix}/error` };
    for (const [id, logGroupName] of Object.entries(groups)) {
      new LogGroup(this, id, {
        logGroupName,
        retention: config.retention.logDays,
        removalPolicy: RemovalPolicy.DESTROY,
      });
    }
    permit(this, {
      // Glue makes its groups where they are missing, and asks to even where they are not.
      actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: Object.values(groups).map((name) =>
        Stack.of(this).formatArn({
          service: 'logs',
          resource: 'log-group',
          resourceName: `${name}:*`,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ),
      wildcardReason: 'Glue names the streams of its log groups after runs and executors.',
    });
    return prefix;
  }
}

/** `raw` and `raw/crm-work` for `raw/crm-work/features/`, which itself is the last. */
function foldersAbove(prefix: string): string[] {
  const names = prefix.split('/').filter((name) => name !== '');
  return names.map((_, n) => names.slice(0, n + 1).join('/'));
}
