import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Deployment, StackQueue } from './deployment.ts';
import { mapInLanes } from './pace.ts';

/** A queue, what is in it, and where its dead letters come from. Counts are approximate, as SQS tells them. */
export interface Queue extends StackQueue {
  readonly arn: string;
  readonly waiting: number;
  readonly inFlight: number;
  readonly delayed: number;
  readonly deadLetterArn?: string;
  /** Queues whose messages come here when nobody can work on them. */
  readonly sources: readonly StackQueue[];
  readonly isDeadLetters: boolean;
}

export async function readQueues(deployment: Deployment): Promise<Queue[]> {
  const named = await deployment.queues();
  const read = await mapInLanes(named, 8, async (queue) => {
    const { Attributes = {} } = await deployment.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: ['All'] }),
    );
    const policy: unknown = JSON.parse(Attributes.RedrivePolicy ?? '{}');
    return {
      ...queue,
      arn: Attributes.QueueArn ?? '',
      waiting: Number(Attributes.ApproximateNumberOfMessages ?? 0),
      inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
      delayed: Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0),
      deadLetterArn:
        typeof policy === 'object' && policy && 'deadLetterTargetArn' in policy
          ? String(policy.deadLetterTargetArn)
          : undefined,
    };
  });
  return read.map(({ deadLetterArn, ...queue }) => {
    const sources = read.filter((other) => other.deadLetterArn === queue.arn);
    return {
      ...queue,
      ...(deadLetterArn && { deadLetterArn }),
      sources,
      // A dead letter queue of a rule or schedule has no queue before it.
      isDeadLetters: sources.length > 0 || /DeadLetter/i.test(queue.name),
    };
  });
}
