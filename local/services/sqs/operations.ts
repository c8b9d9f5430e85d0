import { z } from 'zod';
import { numeric, operation as operationOf, type TypedOperation } from '../operation.ts';
import { AwsError, type Operation, type Operations, type RuntimeContext, type Shape } from '../service.ts';
import { attributesDigest, MessageAttribute, type MessageAttributes } from './digest.ts';
import { DEFAULT_ATTRIBUTES, type Received } from './queue.ts';
import type { Queues } from './queues.ts';

const MAX_BATCH = 10;
const MAX_BATCH_BYTES = 2 ** 20;
/** Characters SQS takes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

const operation = <Schema extends z.ZodType>(
  schema: Schema,
  typed: TypedOperation<z.output<Schema>>,
): Operation => operationOf(schema, typed, 'InvalidParameterValue');

const ofQueue = z.object({ QueueUrl: z.string() });
const strings = z.record(z.string(), z.coerce.string());
const delay = numeric
  .refine((seconds) => seconds >= 0 && seconds <= 900, 'a delay is 0 to 900 seconds')
  .optional();
const visibility = numeric.refine(
  (seconds) => seconds >= 0 && seconds <= 43_200,
  'a visibility time-out is 0 to 43,200 seconds',
);

const messageMembers = {
  MessageBody: z
    .string()
    .min(1, 'a message has at least one character')
    .refine((body) => !FORBIDDEN.test(body), 'the body has characters that SQS does not take'),
  DelaySeconds: delay,
  MessageAttributes: z.record(z.string(), MessageAttribute).default({}),
  MessageSystemAttributes: z.object({ AWSTraceHeader: MessageAttribute.optional() }).default({}),
};
const OutgoingMessage = z.object(messageMembers);
type OutgoingMessage = z.infer<typeof OutgoingMessage>;

function batchOf<Entry extends z.ZodRawShape>(entry: Entry) {
  return ofQueue.extend({ Entries: z.array(z.object({ Id: z.string().regex(/^[\w-]{1,80}$/), ...entry })) });
}

function checkBatch(entries: { Id: string }[]): void {
  if (entries.length === 0)
    throw new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  if (entries.length > MAX_BATCH) {
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_BATCH}. You have sent ${entries.length}.`,
    );
  }
  if (new Set(entries.map((entry) => entry.Id)).size < entries.length) {
    throw new AwsError(
      'BatchEntryIdsNotDistinct',
      'Two or more batch entries in the request have the same Id.',
    );
  }
}

/** Does `work` for every entry and tells apart what went well and what did not, as batch actions do. */
function batch<Entry extends { Id: string }>(entries: Entry[], work: (entry: Entry) => Shape): Shape {
  checkBatch(entries);
  const Successful: Shape[] = [];
  const Failed: Shape[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...work(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      Failed.push({ Id: entry.Id, SenderFault: true, Code: error.code, Message: error.message });
    }
  }
  return { Successful, ...(Failed.length > 0 && { Failed }) };
}

/** Whether a name is asked for: `All`, `.*`, `prefix.*` or the name itself. */
const asksFor = (patterns: string[], name: string) =>
  patterns.some((p) => p === 'All' || p === name || (p.endsWith('.*') && name.startsWith(p.slice(0, -2))));

function pick<T>(record: Record<string, T>, patterns: string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => asksFor(patterns, name)));
}

function shown(
  { message, receiptHandle }: Received,
  system: string[],
  named: string[],
  senderId: string,
): Shape {
  const all: Record<string, string | undefined> = {
    SenderId: senderId,
    SentTimestamp: String(message.sent),
    ApproximateReceiveCount: String(message.receives),
    ApproximateFirstReceiveTimestamp: String(message.first_receive),
    ...(message.dead_from && { DeadLetterQueueSourceArn: message.dead_from }),
    ...(message.trace && { AWSTraceHeader: message.trace }),
  };
  const Attributes = pick(all, system);
  const MessageAttributes: MessageAttributes = pick(message.attributes, named);
  const MD5OfMessageAttributes = attributesDigest(MessageAttributes);
  return {
    MessageId: message.id,
    ReceiptHandle: receiptHandle,
    MD5OfBody: message.md5,
    Body: message.body,
    ...(Object.keys(Attributes).length > 0 && { Attributes }),
    ...(MD5OfMessageAttributes && { MessageAttributes, MD5OfMessageAttributes }),
  };
}

/** The API actions of SQS. */
export function queueOperations(queues: Queues, context: RuntimeContext): Operations {
  const arn = ({ QueueUrl }: { QueueUrl: string }) => [queues.get(QueueUrl).arn];
  const newArn = ({ QueueName }: { QueueName: string }) => [
    `arn:aws:sqs:${context.region}:${context.account}:${QueueName}`,
  ];
  const byArn = ({ SourceArn }: { SourceArn: string }) => [queues.get(SourceArn).arn];
  const moves: Shape[] = [];

  const send = (url: string, message: OutgoingMessage) =>
    queues.get(url).send(message.MessageBody, message.MessageAttributes, {
      delaySeconds: message.DelaySeconds,
      trace: message.MessageSystemAttributes.AWSTraceHeader?.StringValue,
    });

  return {
    SendMessage: operation(ofQueue.extend(messageMembers), {
      resources: arn,
      handle: (input) => send(input.QueueUrl, input),
    }),
    SendMessageBatch: operation(batchOf(messageMembers), {
      action: 'sqs:SendMessage',
      resources: arn,
      handle: ({ QueueUrl, Entries }) => {
        const bytes = Entries.reduce((total, { MessageBody }) => total + Buffer.byteLength(MessageBody), 0);
        if (bytes > MAX_BATCH_BYTES) {
          throw new AwsError(
            'BatchRequestTooLong',
            `Batch requests cannot be longer than ${MAX_BATCH_BYTES} bytes. You have sent ${bytes} bytes.`,
          );
        }
        return batch(Entries, (entry) => ({ ...send(QueueUrl, entry) }));
      },
    }),
    ReceiveMessage: operation(
      ofQueue.extend({
        MaxNumberOfMessages: numeric
          .refine((n) => n >= 1 && n <= MAX_BATCH, 'must be between 1 and 10')
          .default(1),
        VisibilityTimeout: visibility.optional(),
        WaitTimeSeconds: numeric.refine((s) => s >= 0 && s <= 20, 'must be between 0 and 20').optional(),
        AttributeNames: z.array(z.string()).default([]),
        MessageSystemAttributeNames: z.array(z.string()).default([]),
        MessageAttributeNames: z.array(z.string()).default([]),
      }),
      {
        resources: arn,
        handle: async (input, { signal }) => {
          const queue = queues.get(input.QueueUrl);
          const wait = input.WaitTimeSeconds ?? Number(queue.attribute('ReceiveMessageWaitTimeSeconds'));
          const received = await queue.receive(
            input.MaxNumberOfMessages,
            input.VisibilityTimeout,
            wait,
            signal,
          );
          if (received.length === 0) return {};
          const system = [...input.AttributeNames, ...input.MessageSystemAttributeNames];
          return {
            Messages: received.map((each) =>
              shown(each, system, input.MessageAttributeNames, context.account),
            ),
          };
        },
      },
    ),
    DeleteMessage: operation(ofQueue.extend({ ReceiptHandle: z.string() }), {
      resources: arn,
      handle: ({ QueueUrl, ReceiptHandle }) => {
        queues.get(QueueUrl).delete(ReceiptHandle);
        return {};
      },
    }),
    DeleteMessageBatch: operation(batchOf({ ReceiptHandle: z.string() }), {
      action: 'sqs:DeleteMessage',
      resources: arn,
      handle: ({ QueueUrl, Entries }) =>
        batch(Entries, ({ ReceiptHandle }) => {
          queues.get(QueueUrl).delete(ReceiptHandle);
          return {};
        }),
    }),
    ChangeMessageVisibility: operation(
      ofQueue.extend({ ReceiptHandle: z.string(), VisibilityTimeout: visibility }),
      {
        resources: arn,
        handle: ({ QueueUrl, ReceiptHandle, VisibilityTimeout }) => {
          queues.get(QueueUrl).changeVisibility(ReceiptHandle, VisibilityTimeout);
          return {};
        },
      },
    ),
    ChangeMessageVisibilityBatch: operation(
      batchOf({ ReceiptHandle: z.string(), VisibilityTimeout: visibility }),
      {
        action: 'sqs:ChangeMessageVisibility',
        resources: arn,
        handle: ({ QueueUrl, Entries }) =>
          batch(Entries, ({ ReceiptHandle, VisibilityTimeout }) => {
            queues.get(QueueUrl).changeVisibility(ReceiptHandle, VisibilityTimeout);
            return {};
          }),
      },
    ),
    CreateQueue: operation(
      z.object({ QueueName: z.string(), Attributes: strings.default({}), tags: strings.optional() }),
      {
        resources: newArn,
        handle: ({ QueueName, Attributes, tags }) => {
          const known = queues.all(QueueName).find(({ name }) => name === QueueName);
          const differs = Object.keys(Attributes).find((name) => known?.attribute(name) !== Attributes[name]);
          if (known && differs) {
            const reason = `A queue already exists with the same name and a different value for attribute ${differs}`;
            throw new AwsError('QueueNameExists', reason);
          }
          return { QueueUrl: queues.url(known ?? queues.save(QueueName, Attributes, tags)) };
        },
      },
    ),
    DeleteQueue: operation(ofQueue, {
      resources: arn,
      handle: ({ QueueUrl }) => {
        queues.delete(queues.get(QueueUrl));
        return {};
      },
    }),
    PurgeQueue: operation(ofQueue, {
      resources: arn,
      handle: ({ QueueUrl }) => {
        queues.purge(queues.get(QueueUrl));
        return {};
      },
    }),
    GetQueueUrl: operation(z.object({ QueueName: z.string() }), {
      resources: newArn,
      handle: ({ QueueName }) => ({ QueueUrl: queues.url(queues.get(QueueName)) }),
    }),
    ListQueues: operation(z.object({ QueueNamePrefix: z.string().optional() }), {
      handle: ({ QueueNamePrefix }) => ({
        QueueUrls: queues.all(QueueNamePrefix).map((queue) => queues.url(queue)),
      }),
    }),
    GetQueueAttributes: operation(ofQueue.extend({ AttributeNames: z.array(z.string()).default([]) }), {
      resources: arn,
      handle: ({ QueueUrl, AttributeNames }) => {
        const queue = queues.get(QueueUrl);
        const { visible, inFlight, delayed } = queues.counts(queue);
        const all: Record<string, string | undefined> = {
          VisibilityTimeout: queue.attribute('VisibilityTimeout'),
          DelaySeconds: queue.attribute('DelaySeconds'),
          MaximumMessageSize: queue.attribute('MaximumMessageSize'),
          MessageRetentionPeriod: queue.attribute('MessageRetentionPeriod'),
          ReceiveMessageWaitTimeSeconds: queue.attribute('ReceiveMessageWaitTimeSeconds'),
          SqsManagedSseEnabled: queue.attribute('SqsManagedSseEnabled'),
          ...queue.row.attributes,
          QueueArn: queue.arn,
          ApproximateNumberOfMessages: String(visible),
          ApproximateNumberOfMessagesNotVisible: String(inFlight),
          ApproximateNumberOfMessagesDelayed: String(delayed),
          CreatedTimestamp: String(queue.row.created),
          LastModifiedTimestamp: String(queue.row.modified),
        };
        const unknown = AttributeNames.find(
          (name) => !(name === 'All' || name in all || name in DEFAULT_ATTRIBUTES),
        );
        if (unknown) throw new AwsError('InvalidAttributeName', `Unknown Attribute ${unknown}.`);
        const Attributes = pick(all, AttributeNames);
        return Object.keys(Attributes).length > 0 ? { Attributes } : {};
      },
    }),
    SetQueueAttributes: operation(ofQueue.extend({ Attributes: strings }), {
      resources: arn,
      handle: ({ QueueUrl, Attributes }) => {
        queues.save(queues.get(QueueUrl).name, Attributes);
        return {};
      },
    }),
    ListDeadLetterSourceQueues: operation(ofQueue, {
      resources: arn,
      handle: ({ QueueUrl }) => ({
        queueUrls: queues.sourcesOf(queues.get(QueueUrl)).map((queue) => queues.url(queue)),
      }),
    }),
    TagQueue: operation(ofQueue.extend({ Tags: strings }), {
      resources: arn,
      handle: ({ QueueUrl, Tags }) => {
        const { name, row } = queues.get(QueueUrl);
        queues.save(name, {}, { ...row.tags, ...Tags });
        return {};
      },
    }),
    UntagQueue: operation(ofQueue.extend({ TagKeys: z.array(z.string()) }), {
      resources: arn,
      handle: ({ QueueUrl, TagKeys }) => {
        const { name, row } = queues.get(QueueUrl);
        const kept = Object.entries(row.tags).filter(([key]) => !TagKeys.includes(key));
        queues.save(name, {}, Object.fromEntries(kept));
        return {};
      },
    }),
    ListQueueTags: operation(ofQueue, {
      resources: arn,
      handle: ({ QueueUrl }) => ({ Tags: queues.get(QueueUrl).row.tags }),
    }),
    StartMessageMoveTask: operation(
      z.object({ SourceArn: z.string(), DestinationArn: z.string().optional() }),
      {
        resources: byArn,
        handle: ({ SourceArn, DestinationArn }, { caller }) => {
          const source = queues.get(SourceArn);
          if (queues.sourcesOf(source).length === 0) {
            throw new AwsError(
              'InvalidParameterValue',
              'Source queue must be configured as a Dead Letter Queue.',
            );
          }
          const destination = DestinationArn === undefined ? undefined : queues.get(DestinationArn);
          for (const target of destination ? [destination.arn] : queues.redriveTargets(source)) {
            context.authorize({ caller, action: 'sqs:SendMessage', resource: target });
          }
          const StartedTimestamp = context.clock.now();
          const moved = queues.redrive(source, destination);
          const TaskHandle = Buffer.from(JSON.stringify({ SourceArn, StartedTimestamp })).toString('base64');
          moves.unshift({
            Status: 'COMPLETED',
            SourceArn,
            DestinationArn,
            ApproximateNumberOfMessagesMoved: moved,
            ApproximateNumberOfMessagesToMove: moved,
            StartedTimestamp,
          });
          return { TaskHandle };
        },
      },
    ),
    ListMessageMoveTasks: operation(z.object({ SourceArn: z.string(), MaxResults: numeric.default(1) }), {
      resources: byArn,
      handle: ({ SourceArn, MaxResults }) => ({
        Results: moves.filter((move) => move.SourceArn === SourceArn).slice(0, MaxResults),
      }),
    }),
  };
}
