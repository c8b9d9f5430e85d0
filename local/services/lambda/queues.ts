import type { RuntimeContext } from '../service.ts';

/** The URL of a queue in the local account. Lambda itself looks it up, so no role needs permission for it. */
export async function queueUrl(context: RuntimeContext, queueArn: string): Promise<string> {
  const QueueName = queueArn.split(':').at(-1);
  const { QueueUrl } = await context.call('sqs', 'GetQueueUrl', { QueueName }, { kind: 'administrator' });
  return String(QueueUrl);
}
