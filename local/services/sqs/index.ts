import { z } from 'zod';
import { document } from '../operation.ts';
import type { LocalService, ResourceRequest, RuntimeContext, Shape } from '../service.ts';
import { queueOperations } from './operations.ts';
import { DEFAULT_ATTRIBUTES } from './queue.ts';
import { Queues } from './queues.ts';

const QueueProperties = z.looseObject({
  QueueName: z.string().optional(),
  FifoQueue: z.literal(false).optional(),
});
const QueuePolicyProperties = z.object({ Queues: z.array(z.string()), PolicyDocument: document });

/** Attributes are text in the API; templates write numbers, booleans and objects. */
function attributesOf(properties: Shape): Record<string, string> {
  return Object.fromEntries(
    Object.keys(DEFAULT_ATTRIBUTES)
      .filter((name) => properties[name] !== undefined)
      .map((name) => {
        const value = properties[name];
        return [name, typeof value === 'object' ? JSON.stringify(value) : String(value)];
      }),
  );
}

/** SQS standard queues on SQLite. */
export function createSqs(context: RuntimeContext): LocalService {
  const queues = new Queues(context);
  return {
    signingNames: ['sqs'],
    iamPrefix: 'sqs',
    operations: queueOperations(queues, context),
    resources: {
      'AWS::SQS::Queue': ({ properties, generatedName }: ResourceRequest) => {
        const { QueueName } = QueueProperties.parse(properties);
        // SQS cuts generated names at its limit of 80 characters; the tail holds what makes them unique.
        const queue = queues.save(QueueName ?? generatedName.slice(-80), attributesOf(properties));
        const QueueUrl = queues.url(queue);
        return { ref: QueueUrl, attributes: { Arn: queue.arn, QueueName: queue.name, QueueUrl } };
      },
      'AWS::SQS::QueuePolicy': ({ properties, generatedName }: ResourceRequest) => {
        const policy = QueuePolicyProperties.parse(properties);
        for (const reference of policy.Queues) {
          queues.save(queues.get(reference).name, { Policy: JSON.stringify(policy.PolicyDocument) });
        }
        return { ref: generatedName, attributes: { Id: generatedName } };
      },
    },
    start: () => queues.start(),
    stop: () => queues.stop(),
  };
}
