import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { AwsError, type Provision, type ProvisionedResource, type ResourceRequest } from '../service.ts';
import { configure, newBucket, setPolicy } from './buckets.ts';
import { CONFIGURATIONS, customNotifications, isConfiguration } from './configurations.ts';
import { type Core, findBucket } from './core.ts';
import { bucketArn, newId } from './names.ts';
import { parseRules } from './notifications.ts';
import type { Bucket } from './store.ts';
import type { XmlNode } from './xml.ts';

/** Properties that change nothing here, because what they govern does not exist on a laptop. */
const WITHOUT_EFFECT = new Set([
  'AccessControl',
  'IntelligentTieringConfigurations',
  'MetricsConfigurations',
]);
const OTHERS = ['BucketName', 'VersioningConfiguration'];

const versioningProperty = z.object({ Status: z.enum(['Enabled', 'Suspended']) }).optional();

/** S3 bucket names are at most 63 characters. */
const bucketName = ({ properties, generatedName }: ResourceRequest): string =>
  z.string().optional().parse(properties.BucketName) ??
  generatedName
    .toLowerCase()
    .slice(-63)
    .replace(/^[^a-z0-9]+/, '');

function provisionBucket(core: Core, resource: ResourceRequest): ProvisionedResource {
  const { properties, constructPath } = resource;
  const name = bucketName(resource);
  const before = core.store.bucket(name) ?? newBucket(core, name);
  const versioning = versioningProperty.parse(properties.VersioningConfiguration)?.Status;
  let bucket: Bucket = { ...before, versioning: versioning ?? before.versioning };
  for (const [property, value] of Object.entries(properties)) {
    if (OTHERS.includes(property) || value === undefined) continue;
    if (isConfiguration(property)) {
      const { name: configuration, content } = CONFIGURATIONS[property];
      const parsed = content.safeParse(value);
      if (!parsed.success)
        throw new AwsError(
          'ValidationError',
          `${constructPath}: ${property}: ${z.prettifyError(parsed.error)}`,
        );
      bucket = configure(bucket, configuration, withoutUndefined(parsed.data));
    } else if (!WITHOUT_EFFECT.has(property))
      throw new AwsError('ValidationError', `${constructPath}: the local S3 does not know ${property}`);
  }
  save(core, before, bucket);
  const { region, endpoint } = core.context;
  return {
    ref: name,
    attributes: {
      Arn: bucketArn(name),
      DomainName: `${name}.s3.amazonaws.com`,
      RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
      DualStackDomainName: `${name}.s3.dualstack.${region}.amazonaws.com`,
      WebsiteURL: `${endpoint}/${name}`,
    },
  };
}

/** What is stored and compared is JSON, which has no undefined. */
const withoutUndefined = (node: XmlNode): XmlNode => JSON.parse(JSON.stringify(node));

/** Stores a bucket, and tells new destinations of notifications about it. */
function save(core: Core, before: Bucket, bucket: Bucket): void {
  parseRules(bucket.configuration.notification);
  core.store.transaction(() => {
    core.store.putBucket(bucket);
    if (!isDeepStrictEqual(before.configuration.notification, bucket.configuration.notification))
      core.notifier.recordTest(bucket, newId());
  });
  core.notifier.flush();
}

const policyProperties = z.object({
  Bucket: z.string(),
  PolicyDocument: z.record(z.string(), z.unknown()),
});

/** What the service makes of the resources of a template. */
export const resources = (core: Core): Record<string, Provision> => ({
  'AWS::S3::Bucket': (resource) => provisionBucket(core, resource),
  'AWS::S3::BucketPolicy': ({ properties, generatedName }) => {
    const { Bucket: name, PolicyDocument } = policyProperties.parse(properties);
    setPolicy(core, findBucket(core, name), PolicyDocument);
    return { ref: generatedName, attributes: {} };
  },
  'Custom::S3BucketNotifications': ({ properties, generatedName }) => {
    const { BucketName, NotificationConfiguration } = customNotifications.parse(properties);
    const bucket = findBucket(core, BucketName);
    save(core, bucket, configure(bucket, 'notification', withoutUndefined(NotificationConfiguration)));
    return { ref: generatedName, attributes: {} };
  },
  // Empties a bucket when its stack is deleted, which never happens here.
  'Custom::S3AutoDeleteObjects': ({ generatedName }) => ({ ref: generatedName, attributes: {} }),
});
