import { z } from 'zod';
import { assumeRole } from '../../iam/assume-role.ts';
import { object } from '../operation.ts';
import { AwsError, type Caller, type RuntimeContext, type Shape } from '../service.ts';

/** One event on its way to one target. */
export const Delivery = z.object({
  /** Makes repeated deliveries recognisable, for example as an execution's name. */
  id: z.string(),
  targetArn: z.string(),
  /** The rule or schedule that sends it. */
  sourceArn: z.string(),
  /** The service that sends it, such as `events.amazonaws.com`. */
  service: z.string(),
  /** The role it acts with; without one the target's resource policy decides. */
  roleArn: z.string().optional(),
  payload: z.string(),
  /** Members to add to the target's call, such as `MessageGroupId`. */
  parameters: object.default({}),
  deadLetterArn: z.string().optional(),
  /** Milliseconds since the epoch. */
  createdAt: z.number(),
  maxAgeSeconds: z.number(),
  maxRetries: z.number(),
});
export type Delivery = z.infer<typeof Delivery>;

/** The name in an ARN such as a queue's. */
export const lastPart = (arn: string) => arn.split(':').at(-1) ?? '';

function callerOf({ service, sourceArn, roleArn, id }: Delivery, context: RuntimeContext): Caller {
  return roleArn === undefined
    ? { kind: 'service', service, sourceArn }
    : assumeRole(context, { service, roleArn, sessionName: id.slice(0, 64), sourceArn });
}

/** Turns a delivery into the call that its kind of target understands: service, operation, input. */
type TargetCall = (delivery: Delivery, context: RuntimeContext) => [string, string, Shape];

const TARGETS: Readonly<Record<string, TargetCall>> = {
  sqs: ({ targetArn, payload, parameters }, { endpoint, account }) => [
    'sqs',
    'SendMessage',
    { QueueUrl: `${endpoint}/${account}/${lastPart(targetArn)}`, MessageBody: payload, ...parameters },
  ],
  sns: ({ targetArn, payload }) => ['sns', 'Publish', { TopicArn: targetArn, Message: payload }],
  lambda: ({ targetArn, payload }) => [
    'lambda',
    'Invoke',
    { FunctionName: targetArn, InvocationType: 'Event', Payload: payload },
  ],
  states: ({ targetArn, payload, id }) => [
    'states',
    'StartExecution',
    { stateMachineArn: targetArn, input: payload, name: id },
  ],
  events: ({ payload, targetArn, sourceArn }) => {
    const event = z
      .object({
        source: z.string(),
        'detail-type': z.string(),
        detail: object,
        resources: z.array(z.string()).default([]),
      })
      .parse(JSON.parse(payload));
    const entry = {
      Source: event.source,
      DetailType: event['detail-type'],
      Detail: JSON.stringify(event.detail),
      Resources: event.resources,
      EventBusName: targetArn,
      TraceHeader: sourceArn,
    };
    return ['events', 'PutEvents', { Entries: [entry] }];
  },
  /** Universal targets: `arn:aws:scheduler:::aws-sdk:sqs:sendMessage`, the payload being the call's input. */
  scheduler: ({ targetArn, payload }) => {
    const [service = '', action = ''] = targetArn.split(':').slice(-2);
    const signingName = SIGNING_NAMES[service] ?? service;
    return [
      signingName,
      action.charAt(0).toUpperCase() + action.slice(1),
      object.parse(JSON.parse(payload || '{}')),
    ];
  },
};

/** Services whose name in `aws-sdk:` ARNs is not their signing name. */
const SIGNING_NAMES: Readonly<Record<string, string>> = {
  sfn: 'states',
  eventbridge: 'events',
  cloudwatch: 'monitoring',
  cloudwatchlogs: 'logs',
  redshiftdata: 'redshift-data',
};

/** Whether events can be sent to this kind of target here. */
export const isTarget = (arn: string): boolean =>
  arn.includes(':logs:') || (arn.split(':')[2] ?? '') in TARGETS;

/**
 * Sends a delivery once.
 * @throws AwsError as the target answers
 */
export async function send(delivery: Delivery, context: RuntimeContext): Promise<void> {
  const kind = delivery.targetArn.split(':')[2] ?? '';
  if (kind === 'logs') {
    const group = delivery.targetArn.split(':')[6] ?? '';
    context.log(group, delivery.id, delivery.payload);
    return;
  }
  const target = TARGETS[kind];
  if (!target)
    throw new AwsError('ValidationException', `${delivery.targetArn} has no local stand-in as a target`);
  const [service, operation, input] = target(delivery, context);
  try {
    await context.call(service, operation, input, callerOf(delivery, context));
  } catch (error) {
    // An earlier attempt got through, but this process died before it could note that.
    if (!(error instanceof AwsError && error.code === 'ExecutionAlreadyExists')) throw error;
  }
}

/** Keeps what could not be delivered in the dead-letter queue, with the reason in its attributes. */
export async function bury(
  delivery: Delivery,
  deadLetterArn: string,
  error: AwsError,
  retries: number,
  context: RuntimeContext,
): Promise<void> {
  const attribute = (StringValue: string) => ({ DataType: 'String', StringValue: StringValue || '-' });
  await context.call(
    'sqs',
    'SendMessage',
    {
      QueueUrl: `${context.endpoint}/${context.account}/${lastPart(deadLetterArn)}`,
      MessageBody: delivery.payload || '{}',
      MessageAttributes: {
        RULE_ARN: attribute(delivery.sourceArn),
        TARGET_ARN: attribute(delivery.targetArn),
        ERROR_CODE: attribute(error.code),
        ERROR_MESSAGE: attribute(error.message),
        RETRY_ATTEMPTS: attribute(String(retries)),
      },
    },
    delivery.roleArn !== undefined && delivery.service === 'scheduler.amazonaws.com'
      ? { kind: 'role', roleArn: delivery.roleArn, sessionName: delivery.id.slice(0, 64) }
      : { kind: 'service', service: delivery.service, sourceArn: delivery.sourceArn },
  );
}
