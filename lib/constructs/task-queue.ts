import { Duration, Validations } from 'aws-cdk-lib';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ENV } from '../../lambdas/shared/contract.ts';
import type { NodeFunction } from './node-function.ts';

export interface TaskQueueProps {
  /** At least 6 times the consumer's time-out, and its batching window on top: a message must not come back while it is worked on. */
  readonly visibilityTimeout: Duration;
  /** Deliveries before a message goes to the dead letter queue. @default 5 */
  readonly maxReceiveCount?: number;
}

export interface ConsumerProps {
  /** Most messages in one invocation; more than 10 need a batching window. @default 10 */
  readonly batchSize?: number;
  /** How long messages gather for an invocation. @default none */
  readonly batchingWindow?: Duration;
  /** Most invocations at once, at least 2: the admission control in front of what the consumer calls. */
  readonly maxConcurrency?: number;
}

const RETENTION = Duration.days(14);
const COMMON = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: RETENTION };

/** A queue for what a service could not deliver where no queue comes before it, a schedule for example. */
export function deadLetterQueue(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, COMMON);
  Validations.of(queue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: 'It is a dead letter queue itself.',
  });
  return queue;
}

/** A queue with its dead letter queue and the function that empties it. Messages are kept for 14 days. */
export class TaskQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly #visibility: Duration;

  constructor(scope: Construct, id: string, props: TaskQueueProps) {
    super(scope, id);
    this.#visibility = props.visibilityTimeout;
    this.deadLetters = new Queue(this, 'DeadLetters', COMMON);
    this.queue = new Queue(this, 'Queue', {
      ...COMMON,
      visibilityTimeout: props.visibilityTimeout,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: props.maxReceiveCount ?? 5 },
    });
  }

  /**
   * Lets a function empty the queue; it reports failures message by message.
   * @throws Error when the visibility time-out is too short for the function
   */
  consumedBy(consumer: NodeFunction, props: ConsumerProps = {}): void {
    const { batchSize = 10, batchingWindow, maxConcurrency } = props;
    const needed = 6 * consumer.timeout.toSeconds() + (batchingWindow?.toSeconds() ?? 0);
    if (this.#visibility.toSeconds() < needed) {
      throw new Error(
        `${this.node.path}: visibilityTimeout is ${this.#visibility.toSeconds()} s; ${consumer.node.path} needs at least ${needed} s`,
      );
    }
    // What Lambda's pollers do in the function's role (developer guide, "Creating and configuring an Amazon SQS event
    // source mapping"); grantConsumeMessages would give more.
    consumer.permit({
      actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
      resources: [this.queue.queueArn],
    });
    new EventSourceMapping(consumer, 'Messages', {
      target: consumer.function,
      eventSourceArn: this.queue.queueArn,
      batchSize,
      reportBatchItemFailures: true,
      ...(batchingWindow && { maxBatchingWindow: batchingWindow }),
      ...(maxConcurrency && { maxConcurrency }),
    });
  }

  /** Lets a function send messages, and tells it where by a variable. */
  grantSend(sender: NodeFunction, variable: keyof typeof ENV): void {
    sender.permit({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] });
    sender.addEnvironment(variable, this.queue.queueUrl);
  }

  /** Lets the consumer say when a message that it could not work on comes back, and tells it where. */
  grantDelay(consumer: NodeFunction): void {
    consumer.permit({ actions: ['sqs:ChangeMessageVisibility'], resources: [this.queue.queueArn] });
    consumer.addEnvironment('TASK_QUEUE_URL', this.queue.queueUrl);
  }
}
