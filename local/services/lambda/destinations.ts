import type { Caller, RuntimeContext, Shape } from '../service.ts';
import { queueUrl } from './queues.ts';

export interface Delivery {
  readonly text: string;
  /** String attributes of a message, by name. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly detailType: string;
  readonly resources: readonly string[];
}

type Deliver = (context: RuntimeContext, arn: string, delivery: Delivery, caller: Caller) => Promise<Shape>;

/** By the service in the destination's ARN. */
const DELIVER: Readonly<Record<string, Deliver>> = {
  sqs: async (context, arn, { text, attributes }, caller) =>
    context.call(
      'sqs',
      'SendMessage',
      { QueueUrl: await queueUrl(context, arn), MessageBody: text, ...messageAttributes(attributes) },
      caller,
    ),
  sns: (context, arn, { text, attributes }, caller) =>
    context.call(
      'sns',
      'Publish',
      { TopicArn: arn, Message: text, ...messageAttributes(attributes) },
      caller,
    ),
  lambda: (context, arn, { text }, caller) =>
    context.call('lambda', 'Invoke', { FunctionName: arn, InvocationType: 'Event', Payload: text }, caller),
  events: (context, arn, { text, detailType, resources }, caller) =>
    context.call(
      'events',
      'PutEvents',
      {
        Entries: [
          { Source: 'lambda', DetailType: detailType, Detail: text, Resources: resources, EventBusName: arn },
        ],
      },
      caller,
    ),
};

/** @throws Error for a destination that has no local stand-in */
export function checkDestination(arn: string): void {
  if (!DELIVER[serviceOf(arn)]) throw new Error(`${arn} cannot be a destination here`);
}

/** Sends to a queue, topic, function or event bus with the permissions of the function's role, as Lambda does. */
export async function deliver(
  context: RuntimeContext,
  arn: string,
  delivery: Delivery,
  caller: Caller,
): Promise<void> {
  checkDestination(arn);
  await DELIVER[serviceOf(arn)]?.(context, arn, delivery, caller);
}

const serviceOf = (arn: string) => arn.split(':')[2] ?? '';

function messageAttributes(attributes: Delivery['attributes']): Shape {
  if (!attributes) return {};
  const entries = Object.entries(attributes).map(([name, StringValue]) => [
    name,
    { DataType: 'String', StringValue },
  ]);
  return { MessageAttributes: Object.fromEntries(entries) };
}
