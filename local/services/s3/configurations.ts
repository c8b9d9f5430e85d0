import { z } from 'zod';
import type { ConfigurationName } from './buckets.ts';
import type { XmlNode } from './xml.ts';

/** CloudFormation writes numbers and booleans as text or as they are. */
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const strings = z.array(z.string()).optional();
const optional = scalar.optional();

const filterRules = z.array(z.strictObject({ Name: z.string(), Value: z.string() }));

/** A configuration in CloudFormation's spelling, read and turned into the elements of the S3 API. */
export const CONFIGURATIONS = {
  BucketEncryption: {
    name: 'encryption',
    content: z
      .strictObject({
        ServerSideEncryptionConfiguration: z.array(
          z.strictObject({
            BucketKeyEnabled: optional,
            ServerSideEncryptionByDefault: z
              .strictObject({ SSEAlgorithm: z.string(), KMSMasterKeyID: optional })
              .optional(),
          }),
        ),
      })
      .transform(({ ServerSideEncryptionConfiguration: rules }) => ({
        Rule: rules.map((rule) => ({
          ApplyServerSideEncryptionByDefault: rule.ServerSideEncryptionByDefault,
          BucketKeyEnabled: rule.BucketKeyEnabled ?? false,
        })),
      })),
  },
  LifecycleConfiguration: {
    name: 'lifecycle',
    content: z
      .strictObject({
        Rules: z.array(
          z.strictObject({
            Id: optional,
            Status: z.string(),
            Prefix: z.string().optional(),
            ExpirationInDays: optional,
            ExpiredObjectDeleteMarker: optional,
            NoncurrentVersionExpiration: z
              .strictObject({ NoncurrentDays: scalar, NewerNoncurrentVersions: optional })
              .optional(),
            NoncurrentVersionTransitions: z
              .array(z.strictObject({ StorageClass: z.string(), TransitionInDays: scalar }))
              .optional(),
            Transitions: z
              .array(z.strictObject({ StorageClass: z.string(), TransitionInDays: optional }))
              .optional(),
            AbortIncompleteMultipartUpload: z.strictObject({ DaysAfterInitiation: scalar }).optional(),
          }),
        ),
      })
      .transform(({ Rules }) => ({
        Rule: Rules.map((rule) => ({
          ID: rule.Id,
          Filter: { Prefix: rule.Prefix ?? '' },
          Status: rule.Status,
          Expiration:
            rule.ExpirationInDays === undefined && rule.ExpiredObjectDeleteMarker === undefined
              ? undefined
              : {
                  Days: rule.ExpirationInDays,
                  ExpiredObjectDeleteMarker: rule.ExpiredObjectDeleteMarker,
                },
          Transition: rule.Transitions?.map((one) => ({
            Days: one.TransitionInDays,
            StorageClass: one.StorageClass,
          })),
          NoncurrentVersionExpiration: rule.NoncurrentVersionExpiration,
          NoncurrentVersionTransition: rule.NoncurrentVersionTransitions?.map((one) => ({
            NoncurrentDays: one.TransitionInDays,
            StorageClass: one.StorageClass,
          })),
          AbortIncompleteMultipartUpload: rule.AbortIncompleteMultipartUpload,
        })),
      })),
  },
  PublicAccessBlockConfiguration: {
    name: 'publicAccessBlock',
    content: z.strictObject({
      BlockPublicAcls: optional,
      IgnorePublicAcls: optional,
      BlockPublicPolicy: optional,
      RestrictPublicBuckets: optional,
    }),
  },
  LoggingConfiguration: {
    name: 'logging',
    content: z
      .strictObject({ DestinationBucketName: optional, LogFilePrefix: optional })
      .transform(({ DestinationBucketName, LogFilePrefix }) => ({
        LoggingEnabled: { TargetBucket: DestinationBucketName, TargetPrefix: LogFilePrefix ?? '' },
      })),
  },
  OwnershipControls: {
    name: 'ownershipControls',
    content: z
      .strictObject({ Rules: z.array(z.strictObject({ ObjectOwnership: z.string() })) })
      .transform(({ Rules }) => ({ Rule: Rules })),
  },
  CorsConfiguration: {
    name: 'cors',
    content: z
      .strictObject({
        CorsRules: z.array(
          z.strictObject({
            Id: optional,
            AllowedHeaders: strings,
            AllowedMethods: strings,
            AllowedOrigins: strings,
            ExposedHeaders: strings,
            MaxAge: optional,
          }),
        ),
      })
      .transform(({ CorsRules }) => ({
        CORSRule: CorsRules.map((rule) => ({
          ID: rule.Id,
          AllowedHeader: rule.AllowedHeaders,
          AllowedMethod: rule.AllowedMethods,
          AllowedOrigin: rule.AllowedOrigins,
          ExposeHeader: rule.ExposedHeaders,
          MaxAgeSeconds: rule.MaxAge,
        })),
      })),
  },
  Tags: {
    name: 'tagging',
    content: z
      .array(z.strictObject({ Key: z.string(), Value: z.string() }))
      .transform((tags) => ({ TagSet: { Tag: tags } })),
  },
  NotificationConfiguration: {
    name: 'notification',
    content: z
      .strictObject({
        QueueConfigurations: templateTargets('Queue'),
        TopicConfigurations: templateTargets('Topic'),
        LambdaConfigurations: templateTargets('Function'),
        EventBridgeConfiguration: z.strictObject({ EventBridgeEnabled: optional }).optional(),
      })
      .transform((configuration) => ({
        QueueConfiguration: configuration.QueueConfigurations.map(toElements('Queue')),
        TopicConfiguration: configuration.TopicConfigurations.map(toElements('Topic')),
        CloudFunctionConfiguration: configuration.LambdaConfigurations.map(toElements('CloudFunction')),
        EventBridgeConfiguration:
          configuration.EventBridgeConfiguration &&
          String(configuration.EventBridgeConfiguration.EventBridgeEnabled ?? true) === 'true'
            ? {}
            : undefined,
      })),
  },
} satisfies Record<string, { name: ConfigurationName; content: z.ZodType<XmlNode> }>;

interface Destination {
  readonly id?: string;
  readonly arn: string;
  readonly events: string[];
  readonly rules: { Name: string; Value: string }[];
}

function toElements(element: string): (destination: Destination, index: number) => XmlNode {
  return ({ id, arn, events, rules }, index) => ({
    Id: id ?? `${element}-${index}`,
    [element]: arn,
    Event: events,
    Filter: rules.length === 0 ? undefined : { S3Key: { FilterRule: rules } },
  });
}

/** Notifications as AWS::S3::Bucket spells them: one event each, the destination under `member`. */
function templateTargets(member: string) {
  return z
    .array(
      z.strictObject({
        Event: z.string(),
        Filter: z.strictObject({ S3Key: z.strictObject({ Rules: filterRules }) }).optional(),
        [member]: z.string(),
      }),
    )
    .default([])
    .transform((all) =>
      all.map((one): Destination => {
        const { Filter: filter } = one;
        const rules = typeof filter === 'object' ? filter.S3Key.Rules : [];
        return { arn: String(one[member]), events: [String(one.Event)], rules };
      }),
    );
}

/** Notifications as the API and the CDK's custom resource spell them. */
function apiTargets(member: string) {
  return z
    .array(
      z.looseObject({
        Id: z.string().optional(),
        Events: z.array(z.string()),
        Filter: z.strictObject({ Key: z.strictObject({ FilterRules: filterRules }) }).optional(),
      }),
    )
    .default([])
    .transform((all) =>
      all.map(
        (one): Destination => ({
          id: one.Id,
          arn: String(one[member]),
          events: one.Events,
          rules: one.Filter?.Key.FilterRules ?? [],
        }),
      ),
    );
}

/** Properties of Custom::S3BucketNotifications. */
export const customNotifications = z.object({
  BucketName: z.string(),
  NotificationConfiguration: z
    .object({
      QueueConfigurations: apiTargets('QueueArn'),
      TopicConfigurations: apiTargets('TopicArn'),
      LambdaFunctionConfigurations: apiTargets('LambdaFunctionArn'),
      EventBridgeConfiguration: z.object({}).optional(),
    })
    .transform((configuration) => ({
      QueueConfiguration: configuration.QueueConfigurations.map(toElements('Queue')),
      TopicConfiguration: configuration.TopicConfigurations.map(toElements('Topic')),
      CloudFunctionConfiguration: configuration.LambdaFunctionConfigurations.map(toElements('CloudFunction')),
      EventBridgeConfiguration: configuration.EventBridgeConfiguration,
    })),
});

/** Whether a property of AWS::S3::Bucket is one of the configurations. */
export const isConfiguration = (property: string): property is keyof typeof CONFIGURATIONS =>
  Object.hasOwn(CONFIGURATIONS, property);
