import { SendTaskHeartbeatCommand } from '@aws-sdk/client-sfn';
import {
  DeleteMessageCommand,
  ListMessageMoveTasksCommand,
  type ListMessageMoveTasksResultEntry,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { Deployment } from '../deployment.ts';
import { isNamed } from '../errors.ts';
import { pause } from '../io.ts';
import type { Queue } from '../queues.ts';

/** What became of the messages of a dead letter queue. */
export interface Moved {
  /** Sent back to where they come from. */
  readonly moved: number;
  /** Taken away: tasks whose execution has ended, and which nobody waits for. */
  readonly ended: number;
  /** Left where they are: this command does not know where they belong. */
  readonly left: number;
}

const Task = z.looseObject({ taskToken: z.string() });
/** The execution has ended, or has been answered: nobody waits for this token (SendTaskHeartbeat, API reference). */
const NOBODY_WAITS = ['TaskTimedOut', 'InvalidToken', 'TaskDoesNotExist'];
const POLL_MS = 1_000;
/** Seconds in which a message that was taken is dealt with. */
const HOLD_SECONDS = 60;

/**
 * Sends the messages of a dead letter queue back. SQS moves them where all come from one queue and may be worked on
 * again. Tasks of executions are looked at one by one: of an execution that has ended a task would be done, and paid
 * for, in vain. Messages that a rule could not deliver go to the rule's target if that is a queue.
 */
export async function sendBack(
  deployment: Deployment,
  queue: Queue,
  queues: readonly Queue[],
  signal: AbortSignal,
): Promise<Moved> {
  const [source, ...more] = queue.sources;
  const isOfTasks = await holdsTasks(deployment, queue);
  if (source && !isOfTasks) {
    const destination = queues.find(({ url }) => url === source.url);
    // Named where it is the only one, because what a topic or rule could not deliver knows no source of its own.
    return move(deployment, queue, more.length === 0 ? destination?.arn : undefined, signal);
  }
  return carry(deployment, queue, queues, signal);
}

async function holdsTasks({ sqs }: Deployment, { url }: Queue): Promise<boolean> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
  );
  return Messages.some((message) => taskTokenOf(message) !== undefined);
}

/** SQS's own move. Only one runs for a queue at a time: one that runs already is followed. */
async function move(
  { sqs }: Deployment,
  { arn, name }: Queue,
  DestinationArn: string | undefined,
  signal: AbortSignal,
): Promise<Moved> {
  const latest = async () => {
    const { Results = [] } = await sqs.send(
      new ListMessageMoveTasksCommand({ SourceArn: arn, MaxResults: 1 }),
    );
    return Results[0];
  };
  try {
    await sqs.send(
      new StartMessageMoveTaskCommand({ SourceArn: arn, ...(DestinationArn && { DestinationArn }) }),
    );
  } catch (error) {
    if ((await latest())?.Status !== 'RUNNING') throw error;
  }
  let task: ListMessageMoveTasksResultEntry | undefined = await latest();
  while (task?.Status === 'RUNNING' && !signal.aborted) {
    await pause(POLL_MS, signal);
    task = await latest();
  }
  if (task?.Status === 'FAILED')
    throw new Error(`Moving the messages of ${name} failed: ${task.FailureReason}`);
  return { moved: Number(task?.ApproximateNumberOfMessagesMoved ?? 0), ended: 0, left: 0 };
}

/** Takes messages one by one to where they belong. Sent before it is deleted: a crash between sends it again. */
async function carry(
  deployment: Deployment,
  queue: Queue,
  queues: readonly Queue[],
  signal: AbortSignal,
): Promise<Moved> {
  const { sqs } = deployment;
  const count = { moved: 0, ended: 0, left: 0 };
  const left = new Set<string>();
  while (!signal.aborted) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queue.url,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: HOLD_SECONDS,
        WaitTimeSeconds: 1,
        MessageAttributeNames: ['All'],
      }),
    );
    const news = Messages.filter(({ MessageId = '' }) => !left.has(MessageId));
    if (news.length === 0) return { ...count, left: left.size };
    for (const message of news) {
      const end = await destinationOf(deployment, message, queue, queues);
      if (end === 'unknown') {
        left.add(message.MessageId ?? '');
        continue;
      }
      if (end !== 'ended') {
        await sqs.send(
          new SendMessageCommand({
            QueueUrl: end,
            MessageBody: message.Body,
            MessageAttributes: attributesOf(message),
          }),
        );
      }
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle: message.ReceiptHandle }));
      count[end === 'ended' ? 'ended' : 'moved'] += 1;
    }
  }
  return { ...count, left: left.size };
}

async function destinationOf(
  { sfn }: Deployment,
  message: Message,
  { sources }: Queue,
  queues: readonly Queue[],
): Promise<string> {
  const taskToken = taskTokenOf(message);
  if (taskToken !== undefined && !(await isWaitedFor(sfn, taskToken))) return 'ended';
  // EventBridge says in an attribute which target it could not reach (EventBridge, "Using dead-letter queues").
  const target = message.MessageAttributes?.TARGET_ARN?.StringValue;
  const own = sources.length === 1 ? sources[0]?.url : undefined;
  return own ?? queues.find(({ arn }) => arn === target)?.url ?? 'unknown';
}

/** A heartbeat is the question whether anybody waits: it changes nothing where the state has no HeartbeatSeconds. */
async function isWaitedFor(sfn: Deployment['sfn'], taskToken: string): Promise<boolean> {
  try {
    await sfn.send(new SendTaskHeartbeatCommand({ taskToken }));
    return true;
  } catch (error) {
    if (isNamed(error, ...NOBODY_WAITS)) return false;
    throw error;
  }
}

function taskTokenOf({ Body = '' }: Message): string | undefined {
  try {
    return Task.safeParse(JSON.parse(Body)).data?.taskToken;
  } catch {
    return undefined;
  }
}

/** The message's own attributes, without what EventBridge noted on it. */
function attributesOf({ MessageAttributes = {} }: Message): Message['MessageAttributes'] {
  const {
    RULE_ARN,
    TARGET_ARN,
    ERROR_CODE,
    ERROR_MESSAGE,
    EXHAUSTED_RETRY_CONDITION,
    RETRY_ATTEMPTS,
    ...own
  } = MessageAttributes;
  return own;
}
