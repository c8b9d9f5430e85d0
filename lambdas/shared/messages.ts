import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SourceFile } from './contract.ts';
import { MessagesNotTaken } from './errors.ts';

/** Most messages of one request (SQS quotas). */
const BATCH = 10;

/**
 * Sends messages to a queue.
 * @throws MessagesNotTaken when SQS answered and did not take one: such an answer is no error to the SDK
 */
export async function sendAll(
  sqs: Pick<SQSClient, 'send'>,
  queueUrl: string,
  bodies: readonly string[],
): Promise<void> {
  for (let from = 0; from < bodies.length; from += BATCH) {
    const Entries = bodies
      .slice(from, from + BATCH)
      .map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    const [refused] = Failed;
    if (refused) {
      throw new MessagesNotTaken(
        `${queueUrl} did not take ${Failed.length} of ${Entries.length} messages: ${refused.Code ?? 'it did not say why'} ${refused.Message ?? ''}`.trim(),
      );
    }
  }
}

/** A version of an object, as a listing shows it. */
export interface LandedVersion extends SourceFile {
  readonly bytes: number;
  /** ISO 8601, UTC. */
  readonly landedAt: string;
}

/** The event that S3 sends for a new object, as intake takes it. @param by who tells of the object in the place of S3 */
export function createdEvent(
  { bucket, key, versionId, bytes, landedAt }: LandedVersion,
  by: 'Reconciliation' | 'Backfill' = 'Reconciliation',
): string {
  return JSON.stringify({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        eventTime: landedAt,
        eventName: `ObjectCreated:${by}`,
        s3: {
          s3SchemaVersion: '1.0',
          bucket: { name: bucket },
          object: { key: encodeURIComponent(key), size: bytes, versionId },
        },
      },
    ],
  });
}
