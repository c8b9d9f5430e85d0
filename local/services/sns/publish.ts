import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { compilePattern } from '../events/pattern.ts';
import { AwsError, type Caller, type RuntimeContext } from '../service.ts';
import type { Mail, Subscription, TopicStore } from './topics.ts';

const MAX_BYTES = 2 ** 18;
const MAX_SQS_ATTRIBUTES = 10;

export const Attributes = z
  .record(
    z.string(),
    z.object({
      DataType: z.string(),
      StringValue: z.string().optional(),
      BinaryValue: z.string().optional(),
    }),
  )
  .default({});
type Attributes = z.infer<typeof Attributes>;

export interface Publication {
  readonly message: string;
  readonly subject: string | undefined;
  readonly attributes: Attributes;
  /** Whether `message` is a JSON object with one text for each protocol. */
  readonly perProtocol: boolean;
}

const PerProtocol = z.object({ default: z.string() }).catchall(z.string());
const RedrivePolicy = z.object({ deadLetterTargetArn: z.string() });

/** What a filter policy on attributes sees. */
function filterable(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue = '' }]) => {
      if (DataType === 'Number') return [name, Number(StringValue)];
      return [name, DataType === 'String.Array' ? JSON.parse(StringValue) : StringValue];
    }),
  );
}

function wants({ attributes }: Subscription, publication: Publication): boolean {
  const { FilterPolicy, FilterPolicyScope } = attributes;
  if (!FilterPolicy || FilterPolicy === '{}') return true;
  const matches = compilePattern(JSON.parse(FilterPolicy));
  if (FilterPolicyScope !== 'MessageBody') return matches(filterable(publication.attributes));
  try {
    return matches(JSON.parse(publication.message));
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Delivers publications to the subscriptions of their topic. */
export class Publisher {
  /** See each e-mail that would have been sent. */
  readonly onMail = new Set<(mail: Mail) => void>();
  readonly #context: RuntimeContext;
  readonly #store: TopicStore;

  constructor(context: RuntimeContext, store: TopicStore) {
    this.#context = context;
    this.#store = store;
  }

  /** Publishes; when it resolves, every queue and function that wants the message has it. */
  async publish(topicArn: string, publication: Publication): Promise<{ MessageId: string }> {
    const MessageId = randomUUID();
    if (Buffer.byteLength(publication.message) > MAX_BYTES) {
      throw new AwsError('InvalidParameter', 'Invalid parameter: Message too long');
    }
    const texts = publication.perProtocol ? PerProtocol.parse(JSON.parse(publication.message)) : undefined;
    const wanting = this.#store.of(topicArn).filter((subscription) => wants(subscription, publication));
    await Promise.all(
      wanting.map((subscription) => {
        const message = texts?.[subscription.protocol] ?? texts?.default ?? publication.message;
        return this.#deliver(subscription, MessageId, { ...publication, message });
      }),
    );
    const dimensions = { TopicName: topicArn.split(':').at(-1) ?? '' };
    this.#context.metric({
      namespace: 'AWS/SNS',
      name: 'NumberOfMessagesPublished',
      dimensions,
      value: 1,
      unit: 'Count',
    });
    return { MessageId };
  }

  async #deliver(subscription: Subscription, messageId: string, publication: Publication): Promise<void> {
    const { topicArn, protocol, endpoint, attributes } = subscription;
    const caller: Caller = { kind: 'service', service: 'sns.amazonaws.com', sourceArn: topicArn };
    const envelope = this.#envelope(subscription, messageId, publication);
    const raw = attributes.RawMessageDelivery === 'true';
    try {
      if (protocol === 'sqs') {
        const body = raw ? publication.message : JSON.stringify(envelope);
        await this.#enqueue(endpoint, body, raw ? publication.attributes : {}, caller);
      } else if (protocol === 'lambda') {
        const { Signature, SignatureVersion, SigningCertURL, UnsubscribeURL, ...rest } = envelope;
        const record = {
          EventSource: 'aws:sns',
          EventVersion: '1.0',
          EventSubscriptionArn: subscription.arn,
          Sns: {
            ...rest,
            SignatureVersion,
            Signature,
            SigningCertUrl: SigningCertURL,
            UnsubscribeUrl: UnsubscribeURL,
          },
        };
        const Payload = JSON.stringify({ Records: [record] });
        await this.#context.call(
          'lambda',
          'Invoke',
          { FunctionName: endpoint, InvocationType: 'Event', Payload },
          caller,
        );
      } else if (protocol === 'email' || protocol === 'email-json') {
        const text = protocol === 'email' ? publication.message : JSON.stringify(envelope, undefined, 2);
        // The subject that SNS gives to mails without one.
        const { subject = 'AWS Notification Message' } = publication;
        const at = new Date(this.#context.clock.now()).toISOString();
        const mail: Mail = { at, topicArn, to: endpoint, subject, text };
        this.#store.addMail(mail);
        for (const listener of this.onMail) listener(mail);
      } else {
        this.#context.warn(
          `SNS ${topicArn} → ${protocol} ${endpoint}: ${publication.subject ?? publication.message}`,
        );
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const deadLetters = attributes.RedrivePolicy;
      this.#context.warn(`SNS could not deliver from ${topicArn} to ${endpoint}: ${reason}`);
      if (deadLetters) await this.#bury(deadLetters, JSON.stringify(envelope), caller);
    }
  }

  /** A dead-letter queue that refuses is no trouble of who publishes: the message is lost, and said to be. */
  async #bury(redrivePolicy: string, body: string, caller: Caller): Promise<void> {
    const { deadLetterTargetArn } = RedrivePolicy.parse(JSON.parse(redrivePolicy));
    try {
      await this.#enqueue(deadLetterTargetArn, body, {}, caller);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#context.warn(`SNS lost a message, because ${deadLetterTargetArn} refused it: ${reason}`);
    }
  }

  async #enqueue(queueArn: string, body: string, attributes: Attributes, caller: Caller): Promise<void> {
    const QueueUrl = `${this.#context.endpoint}/${this.#context.account}/${queueArn.split(':').at(-1)}`;
    const MessageAttributes = Object.fromEntries(Object.entries(attributes).slice(0, MAX_SQS_ATTRIBUTES));
    await this.#context.call(
      'sqs',
      'SendMessage',
      { QueueUrl, MessageBody: body, MessageAttributes },
      caller,
    );
  }

  /** The notification as SNS writes it into queues. Nothing signs it here, so the signature says so. */
  #envelope(
    { topicArn, arn }: Subscription,
    messageId: string,
    publication: Publication,
  ): Record<string, unknown> {
    const { message, subject, attributes } = publication;
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        { Type: DataType, Value: StringValue ?? BinaryValue },
      ]),
    );
    return {
      Type: 'Notification',
      MessageId: messageId,
      TopicArn: topicArn,
      ...(subject !== undefined && { Subject: subject }),
      Message: message,
      Timestamp: new Date(this.#context.clock.now()).toISOString(),
      SignatureVersion: '1',
      Signature: 'unsigned',
      SigningCertURL: `${this.#context.endpoint}/no-certificate`,
      UnsubscribeURL: `${this.#context.endpoint}/?Action=Unsubscribe&SubscriptionArn=${arn}`,
      ...(Object.keys(MessageAttributes).length > 0 && { MessageAttributes }),
    };
  }
}
