import {
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { ChangeMessageVisibilityCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import * as z from 'zod/mini';
import { METRIC } from './contract.ts';
import { isNamed, isPermanent, isThrottle, messageOf, nameOf } from './errors.ts';
import type { Run } from './handler.ts';
import { parse, parseJson } from './parse.ts';

/** What a worker needs. */
export interface TaskDependencies {
  readonly sfn: Pick<SFNClient, 'send'>;
  readonly sqs: Pick<SQSClient, 'send'>;
  /** The queue that the messages come from. */
  readonly queueUrl: string;
  /** 0 ≤ n < 1; chance in the back-off. @default Math.random */
  readonly random?: () => number;
}

/** Work answers this when somebody else will answer the token later. */
export const LATER = Symbol('later');

/**
 * Work throws this when it may not begin yet for a reason that is nobody's failure. The message comes back after
 * `seconds` (at most 43,200), however often, and the execution is told that its task is alive.
 */
export class NotYet extends Error {
  override readonly name: string = 'NotYet';
  /** Counts such waits. */
  readonly metric: string = METRIC.throttled;
  readonly seconds: number;

  constructor(message: string, seconds: number) {
    super(message);
    this.seconds = seconds;
  }
}

/** A task to answer: who waits, and what to do. */
export interface Task<Output> {
  readonly token: string;
  work(): Promise<Output | typeof LATER>;
}

/** Receives of one message after which an error that is not load becomes the answer. */
export const MAX_RECEIVES = 3;

const LONGEST_BACK_OFF_SECONDS = 300;

/** SendTaskFailure, API reference: error at most 256 characters, cause at most 32,768. */
const MAX_ERROR = 256;
const MAX_CAUSE = 32_768;

/** The execution has ended, or has been answered already: nobody waits for this token. */
const NOBODY_WAITS = ['TaskTimedOut', 'InvalidToken', 'TaskDoesNotExist'];

/**
 * Seconds until a message shows again: full jitter, so that a burst that was refused together does not come back
 * together.
 * @param receives how often the message was received, from 1
 */
export function backOffSeconds(receives: number, random: () => number = Math.random): number {
  const longest = Math.min(LONGEST_BACK_OFF_SECONDS, 2 ** Math.min(receives, 30));
  return Math.ceil(random() * longest);
}

/**
 * Works on one message of a queue that `sqs:sendMessage.waitForTaskToken` fills, and always answers:
 * success with the output; load with nothing, the message goes back to the queue at no cost in transitions; work whose
 * time has not come with a sign of life; an error that cannot heal, or that came back three times, with failure under its own name. Answering itself is retried by the
 * queue.
 *
 * Throws where the message has to come again; use it inside `sqsBatch`.
 */
export async function answerTask<Output>(
  record: SQSRecord,
  task: Task<Output>,
  run: Run,
  dependencies: TaskDependencies,
): Promise<void> {
  const receives = Number(record.attributes.ApproximateReceiveCount);
  let output: Output | typeof LATER;
  try {
    output = await task.work();
  } catch (error) {
    if (error instanceof NotYet) {
      run.meter.add(error.metric, 1);
      const isWaitedFor = await sendAnswer(run, () =>
        dependencies.sfn.send(new SendTaskHeartbeatCommand({ taskToken: task.token })),
      );
      if (!isWaitedFor) return;
      await delay(record, error.seconds, run, dependencies);
      throw error;
    }
    const throttled = isThrottle(error);
    if (throttled) run.meter.add(METRIC.throttled, 1);
    if (throttled || (!isPermanent(error) && receives < MAX_RECEIVES)) {
      await delay(record, backOffSeconds(receives, dependencies.random), run, dependencies);
      throw error;
    }
    run.log.error('The task failed.', { reason: `${nameOf(error)}: ${messageOf(error)}` });
    await sendAnswer(run, () =>
      dependencies.sfn.send(
        new SendTaskFailureCommand({
          taskToken: task.token,
          error: nameOf(error).slice(0, MAX_ERROR),
          cause: messageOf(error).slice(0, MAX_CAUSE),
        }),
      ),
    );
    return;
  }
  if (output === LATER) return;
  const answer = JSON.stringify(output);
  await sendAnswer(run, () =>
    dependencies.sfn.send(new SendTaskSuccessCommand({ taskToken: task.token, output: answer })),
  );
}

/** Sends an answer; one that nobody waits for is a duplicate or late, and done. Answers whether somebody did. */
async function sendAnswer(run: Run, send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (!isNamed(error, ...NOBODY_WAITS)) throw error;
    run.log.warn('Nobody waits for this answer: the execution has it already, or has ended.', {
      reason: nameOf(error),
    });
    return false;
  }
}

/** Makes the message show again after so many seconds; if that fails it shows after the queue's visibility time-out. */
export async function delay(
  record: SQSRecord,
  seconds: number,
  run: Run,
  dependencies: Pick<TaskDependencies, 'sqs' | 'queueUrl'>,
): Promise<void> {
  try {
    await dependencies.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: dependencies.queueUrl,
        ReceiptHandle: record.receiptHandle,
        VisibilityTimeout: seconds,
      }),
    );
  } catch (error) {
    run.log.warn('The message could not be delayed.', { reason: `${nameOf(error)}: ${messageOf(error)}` });
  }
}

const Tokened = z.looseObject({ taskToken: z.string().check(z.minLength(1)) });

/**
 * A consumer of a task queue for `sqsBatch`: parses the message, works and answers. A message that is not what `schema`
 * says fails its task at once; one without a token fails alone and ends in the dead-letter queue. Clients are asked for
 * when the first message is there.
 */
export function taskWorker<Schema extends z.ZodMiniType, Output>(
  schema: Schema,
  work: (input: z.output<Schema>, run: Run) => Promise<Output | typeof LATER>,
  dependencies: () => TaskDependencies,
): (record: SQSRecord, run: Run) => Promise<void> {
  return async (record, run) => {
    const message = parseJson(Tokened, record.body, 'message');
    await answerTask(
      record,
      { token: message.taskToken, work: async () => work(parse(schema, message, 'message'), run) },
      run,
      dependencies(),
    );
  };
}
