import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { CfnTrail } from 'aws-cdk-lib/aws-cloudtrail';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { bucketDefaults } from './buckets.ts';
import type { Lake } from './lake.ts';
import type { LandingZone } from './landing-zone.ts';

export interface DataEventsProps {
  readonly config: Config;
  readonly landing: LandingZone;
  readonly lake: Lake;
}

/**
 * Who read and wrote objects of the buckets, by CloudTrail: more than the buckets' access logs, in that it has the
 * identity behind a role and comes within minutes; and billed by the event, which is why it is an option.
 */
export class DataEvents extends Construct {
  constructor(scope: Construct, id: string, props: DataEventsProps) {
    super(scope, id);
    const { config, landing, lake } = props;
    const bucket = new Bucket(this, 'Bucket', {
      ...bucketDefaults(config),
      versioned: false,
      lifecycleRules: [
        {
          expiration: Duration.days(config.retention.accessLogDays),
          abortIncompleteMultipartUploadAfter: Duration.days(config.retention.unfinishedUploadDays),
        },
      ],
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'It holds logs; CloudTrail alone writes to it.',
    });
    const stack = Stack.of(this);
    // CloudFormation begins a generated name with the stack's; the policy comes before there is a trail to name
    // (CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail").
    const ours = {
      ArnLike: {
        'aws:SourceArn': stack.formatArn({
          service: 'cloudtrail',
          resource: 'trail',
          resourceName: `${stack.stackName}-*`,
        }),
      },
    };
    const cloudTrail = new ServicePrincipal('cloudtrail.amazonaws.com');
    bucket.addToResourcePolicy(
      new PolicyStatement({
        principals: [cloudTrail],
        actions: ['s3:GetBucketAcl'],
        resources: [bucket.bucketArn],
        conditions: ours,
      }),
    );
    bucket.addToResourcePolicy(
      new PolicyStatement({
        principals: [cloudTrail],
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects(`AWSLogs/${stack.account}/*`)],
        conditions: { ...ours, StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } },
      }),
    );
    const trail = new CfnTrail(this, 'Trail', {
      isLogging: true,
      s3BucketName: bucket.bucketName,
      enableLogFileValidation: true,
      includeGlobalServiceEvents: false,
      isMultiRegionTrail: false,
      advancedEventSelectors: [
        {
          name: 'Objects of the landing bucket and the lake',
          fieldSelectors: [
            { field: 'eventCategory', equalTo: ['Data'] },
            { field: 'resources.type', equalTo: ['AWS::S3::Object'] },
            {
              field: 'resources.ARN',
              startsWith: [landing.bucket.arnForObjects(''), lake.bucket.arnForObjects('')],
            },
          ],
        },
      ],
    });
    if (bucket.policy) trail.node.addDependency(bucket.policy);
  }
}
