import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { document, object, operation } from '../operation.ts';
import {
  AwsError,
  type LocalService,
  type Operations,
  type ResourceRequest,
  type RuntimeContext,
  type Shape,
} from '../service.ts';
import { Attributes, Publisher } from './publish.ts';
import { type Mail, type Subscription, type Topic, TopicStore } from './topics.ts';

export type { Mail } from './topics.ts';

/** Where mails go that SNS would send. */
export interface Mailbox {
  /** The last thousand, oldest first. */
  mails(): Mail[];
  /** Sees each mail from now on; the returned function ends it. */
  onMail(listener: (mail: Mail) => void): () => void;
}

const OfTopic = z.object({ TopicArn: z.string() });
const Message = z.object({
  Message: z.string().min(1),
  Subject: z.string().optional(),
  MessageAttributes: Attributes,
  MessageStructure: z.literal('json').optional(),
});
const SubscribeInput = OfTopic.extend({
  Protocol: z.enum(['sqs', 'lambda', 'email', 'email-json', 'http', 'https', 'sms']),
  Endpoint: z.string(),
  Attributes: z.record(z.string(), z.string()).default({}),
});

const SubscriptionProperties = z.object({
  TopicArn: z.string(),
  Protocol: SubscribeInput.shape.Protocol,
  Endpoint: z.string().default(''),
  FilterPolicy: object.optional(),
  FilterPolicyScope: z.string().optional(),
  RawMessageDelivery: z.union([z.boolean(), z.string()]).optional(),
  RedrivePolicy: object.optional(),
});
const TopicProperties = z.object({
  TopicName: z.string().optional(),
  DisplayName: z.string().optional(),
  KmsMasterKeyId: z.string().optional(),
  Subscription: z
    .array(z.object({ Protocol: SubscribeInput.shape.Protocol, Endpoint: z.string() }))
    .default([]),
});
const TopicPolicyProperties = z.object({ Topics: z.array(z.string()), PolicyDocument: document });

const publicationOf = (input: z.infer<typeof Message>) => ({
  message: input.Message,
  subject: input.Subject,
  attributes: input.MessageAttributes,
  perProtocol: input.MessageStructure === 'json',
});

const shown = ({ arn, topicArn, protocol, endpoint }: Subscription, Owner: string): Shape => ({
  SubscriptionArn: arn,
  TopicArn: topicArn,
  Protocol: protocol,
  Endpoint: endpoint,
  Owner,
});

/** What the query protocol writes as a map. */
const asMap = (shape: Shape): Map<string, unknown> => new Map(Object.entries(shape));

/**
 * SNS standard topics. Queues and functions are delivered to, mail is kept, and the web is only told to the person who
 * runs this.
 */
export function createSns(context: RuntimeContext): LocalService & Mailbox {
  const store = new TopicStore(join(context.dataDir, 'sns'));
  const publisher = new Publisher(context, store);

  const topicArn = (name: string) => `arn:aws:sns:${context.region}:${context.account}:${name}`;
  const onTopic = ({ TopicArn }: { TopicArn: string }) => [topic(TopicArn).arn];

  function topic(arn: string): Topic {
    const found = store.topics.get(arn);
    if (!found) throw new AwsError('NotFound', 'Topic does not exist', { status: 404 });
    return found;
  }

  function subscription(arn: string): Subscription {
    const found = store.subscriptions.get(arn);
    if (!found) throw new AwsError('NotFound', 'Subscription does not exist', { status: 404 });
    return found;
  }

  /** Creates a topic, or finds the one that has its name. */
  function createTopic(name: string, attributes: Record<string, string> = {}): Topic {
    if (!/^[\w-]{1,256}$/.test(name)) {
      throw new AwsError(
        'InvalidParameter',
        `Invalid parameter: Topic Name ${name}; FIFO topics have no local stand-in.`,
      );
    }
    const arn = topicArn(name);
    const created = { arn, attributes: { ...store.topics.get(arn)?.attributes, ...attributes } };
    store.saveTopic(created);
    if (attributes.Policy) context.policies.setResourcePolicy(arn, document.parse(attributes.Policy));
    return created;
  }

  /** One topic and endpoint have one subscription, with the same ARN at every start. */
  function subscribe({
    TopicArn,
    Protocol,
    Endpoint,
    Attributes: attributes,
  }: z.infer<typeof SubscribeInput>): Subscription {
    const { arn } = topic(TopicArn);
    const id = createHash('sha256').update(`${Protocol} ${Endpoint}`).digest('hex');
    const uuid = [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20, 32)].join(
      '-',
    );
    const made = { arn: `${arn}:${uuid}`, topicArn: arn, protocol: Protocol, endpoint: Endpoint, attributes };
    store.saveSubscription(made);
    return made;
  }

  const OfSubscription = z.object({ SubscriptionArn: z.string() });
  const operations: Operations = {
    Publish: operation(
      Message.extend({ TopicArn: z.string().optional(), TargetArn: z.string().optional() }),
      {
        resources: ({ TopicArn, TargetArn }) => onTopic({ TopicArn: TopicArn ?? TargetArn ?? '' }),
        handle: (input) => {
          const { arn } = topic(input.TopicArn ?? input.TargetArn ?? '');
          return publisher.publish(arn, publicationOf(input));
        },
      },
    ),
    PublishBatch: operation(
      OfTopic.extend({
        PublishBatchRequestEntries: z
          .array(Message.extend({ Id: z.string() }))
          .min(1)
          .max(10),
      }),
      {
        action: 'sns:Publish',
        resources: onTopic,
        handle: async ({ TopicArn, PublishBatchRequestEntries }) => ({
          Successful: await Promise.all(
            PublishBatchRequestEntries.map(async (entry) => ({
              Id: entry.Id,
              ...(await publisher.publish(topic(TopicArn).arn, publicationOf(entry))),
            })),
          ),
          Failed: [],
        }),
      },
    ),
    CreateTopic: operation(
      z.object({ Name: z.string(), Attributes: z.record(z.string(), z.string()).default({}) }),
      {
        resources: ({ Name }) => [topicArn(Name)],
        handle: (input) => ({ TopicArn: createTopic(input.Name, input.Attributes).arn }),
      },
    ),
    DeleteTopic: operation(OfTopic, {
      resources: ({ TopicArn }) => [TopicArn],
      handle: ({ TopicArn }) => {
        store.deleteTopic(TopicArn);
        return {};
      },
    }),
    ListTopics: { handle: () => ({ Topics: [...store.topics.keys()].map((TopicArn) => ({ TopicArn })) }) },
    GetTopicAttributes: operation(OfTopic, {
      resources: onTopic,
      handle: ({ TopicArn }) => ({
        Attributes: asMap({
          ...topic(TopicArn).attributes,
          TopicArn,
          Owner: context.account,
          SubscriptionsConfirmed: String(store.of(TopicArn).length),
          SubscriptionsPending: '0',
          SubscriptionsDeleted: '0',
        }),
      }),
    }),
    SetTopicAttributes: operation(OfTopic.extend({ AttributeName: z.string(), AttributeValue: z.string() }), {
      resources: onTopic,
      handle: ({ TopicArn, AttributeName, AttributeValue }) => {
        createTopic(TopicArn.split(':').at(-1) ?? '', { [AttributeName]: AttributeValue });
        return {};
      },
    }),
    Subscribe: operation(SubscribeInput, {
      resources: onTopic,
      handle: (input) => ({ SubscriptionArn: subscribe(input).arn }),
    }),
    Unsubscribe: operation(OfSubscription, {
      handle: ({ SubscriptionArn }) => {
        store.deleteSubscription(SubscriptionArn);
        return {};
      },
    }),
    ListSubscriptions: {
      handle: () => ({
        Subscriptions: [...store.subscriptions.values()].map((each) => shown(each, context.account)),
      }),
    },
    ListSubscriptionsByTopic: operation(OfTopic, {
      resources: onTopic,
      handle: ({ TopicArn }) => ({
        Subscriptions: store.of(TopicArn).map((each) => shown(each, context.account)),
      }),
    }),
    GetSubscriptionAttributes: operation(OfSubscription, {
      handle: ({ SubscriptionArn }) => {
        const found = subscription(SubscriptionArn);
        const confirmed = { PendingConfirmation: 'false', ConfirmationWasAuthenticated: 'true' };
        return { Attributes: asMap({ ...found.attributes, ...shown(found, context.account), ...confirmed }) };
      },
    }),
    SetSubscriptionAttributes: operation(
      OfSubscription.extend({ AttributeName: z.string(), AttributeValue: z.string().default('') }),
      {
        handle: ({ SubscriptionArn, AttributeName, AttributeValue }) => {
          const found = subscription(SubscriptionArn);
          store.saveSubscription({
            ...found,
            attributes: { ...found.attributes, [AttributeName]: AttributeValue },
          });
          return {};
        },
      },
    ),
  };

  return {
    signingNames: ['sns'],
    iamPrefix: 'sns',
    operations,
    resources: {
      'AWS::SNS::Topic': ({ properties, generatedName }: ResourceRequest) => {
        const {
          TopicName = generatedName,
          Subscription: inline,
          DisplayName = '',
        } = TopicProperties.parse(properties);
        const { arn } = createTopic(TopicName, { DisplayName });
        for (const each of inline) subscribe({ TopicArn: arn, ...each, Attributes: {} });
        return { ref: arn, attributes: { TopicArn: arn, TopicName } };
      },
      'AWS::SNS::TopicPolicy': ({ properties, generatedName }: ResourceRequest) => {
        const { Topics, PolicyDocument } = TopicPolicyProperties.parse(properties);
        for (const arn of Topics) {
          createTopic(topic(arn).arn.split(':').at(-1) ?? '', { Policy: JSON.stringify(PolicyDocument) });
        }
        return { ref: generatedName, attributes: { Id: generatedName } };
      },
      'AWS::SNS::Subscription': ({ properties }: ResourceRequest) => {
        const { TopicArn, Protocol, Endpoint, ...options } = SubscriptionProperties.parse(properties);
        const attributes = Object.entries(options)
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]);
        const { arn } = subscribe({
          TopicArn,
          Protocol,
          Endpoint,
          Attributes: Object.fromEntries(attributes),
        });
        return { ref: arn, attributes: { Arn: arn } };
      },
    },
    mails: () => store.mails(),
    onMail(listener) {
      publisher.onMail.add(listener);
      return () => publisher.onMail.delete(listener);
    },
    stop: () => store.close(),
  };
}
