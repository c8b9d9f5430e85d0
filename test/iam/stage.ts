import { randomBytes } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  InvokeCommand,
  LambdaClient,
  paginateListEventSourceMappings,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { attributes } from '../../lambdas/shared/audit.ts';
import { MovableClock } from '../../local/clock.ts';
import type { BusEvent, Shape } from '../../local/services/service.ts';
import { Account } from '../support/account.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { switchSchedulesOff } from '../support/schedules.ts';
import { pathOf } from './policies.ts';

interface Warnings {
  warning: [message: string];
}

/** A message as a function gets it from its queue. */
export interface QueueRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Why EventBridge could not deliver it. */
  readonly error?: string | undefined;
}

/** A file in the landing bucket, as executions are given it. */
export interface Landed {
  readonly fileId: string;
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
}

/**
 * The real deployment with its event source mappings and schedules switched off: nothing happens by itself, however far
 * time is moved, and each message goes from its queue to its function by hand.
 */
export class Stage {
  readonly test: TestRuntime;
  readonly account: Account;
  readonly #lambda: LambdaClient;
  /** Ids of event source mappings by the names of their functions. */
  readonly #mappings = new Map<string, string>();
  readonly #clock: MovableClock;
  readonly #warnings: EventEmitter<Warnings>;

  static async set(): Promise<Stage> {
    const warnings = new EventEmitter<Warnings>();
    const clock = new MovableClock();
    const test = await startTestRuntime({ clock, warn: (message) => warnings.emit('warning', message) });
    const stage = new Stage(test, clock, warnings);
    await stage.#switchAllOff();
    return stage;
  }

  private constructor(test: TestRuntime, clock: MovableClock, warnings: EventEmitter<Warnings>) {
    this.test = test;
    this.#clock = clock;
    this.#warnings = warnings;
    this.account = new Account(test);
    this.#lambda = new LambdaClient(test.client);
  }

  /** Physical id of the resource of a construct, for example `Ocr/Tasks/Queue`. */
  id(path: string): string {
    const resources = this.test.runtime.stacks.stacks.flatMap((stack) => stack.resources);
    const found = resources.find(({ constructPath }) => pathOf(constructPath) === path);
    if (!found) throw new Error(`There is no ${path}.`);
    return found.physicalId;
  }

  /** Invokes a function directly; answers what it returned and the end of its log. */
  async invoke(path: string, event: unknown): Promise<string> {
    const { Payload, LogResult = '' } = await this.#lambda.send(
      new InvokeCommand({
        FunctionName: this.id(`${path}/Function`),
        Payload: JSON.stringify(event),
        LogType: 'Tail',
      }),
    );
    return `${Payload?.transformToString()}\n${Buffer.from(LogResult, 'base64')}`;
  }

  /** Takes the next message about something from a queue, past what others have left there. */
  async receive(path: string, about = ''): Promise<QueueRecord> {
    for (;;) {
      const { Messages = [] } = await this.account.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: this.id(path),
          WaitTimeSeconds: 10,
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
        }),
      );
      const [message] = Messages;
      if (!message) throw new Error(`Nothing about ${about} came to ${path}.`);
      if (!message.Body?.includes(about)) continue;
      return {
        messageId: message.MessageId ?? '',
        receiptHandle: message.ReceiptHandle ?? '',
        body: message.Body,
        attributes: message.Attributes ?? {},
        error: message.MessageAttributes?.ERROR_MESSAGE?.StringValue,
      };
    }
  }

  async send(path: string, body: string): Promise<void> {
    await this.account.sqs.send(new SendMessageCommand({ QueueUrl: this.id(path), MessageBody: body }));
  }

  async land(key: string, body: string | Buffer): Promise<Landed> {
    const { versionId } = await this.test.deployment.drop(key, Buffer.from(body));
    return { fileId: this.test.fileId(key, versionId), bucket: this.account.landing, key, versionId };
  }

  /** Writes an object into the lake. */
  async put(Key: string, Body: string | Uint8Array): Promise<void> {
    await this.account.s3.send(new PutObjectCommand({ Bucket: this.account.lake, Key, Body }));
  }

  async publish(topic: string, Message: string): Promise<void> {
    await this.call('sns', 'Publish', { TopicArn: this.id(topic), Message });
  }

  /** Starts an execution; the name is new unless given. */
  async start(pipeline: string, input: unknown, name = newId()): Promise<string> {
    const output = `${pipeline.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase())}StateMachineArn`;
    const { executionArn = '' } = await this.account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: this.test.deployment.output(output),
        name,
        input: JSON.stringify(input),
      }),
    );
    return executionArn;
  }

  /** Follows an execution until it ends or something has happened; waits and back-offs take no time. */
  async follow(executionArn: string, hasHappened: () => Promise<boolean>): Promise<void> {
    await this.account.until(`the end of ${executionArn}`, async () => {
      const { status } = await this.account.sfn.send(new DescribeExecutionCommand({ executionArn }));
      if ((await hasHappened()) || status !== 'RUNNING') return true;
      const { type = '' } = (await this.account.history(executionArn)).at(-1) ?? {};
      const wait = WAITS.find(([pattern]) => pattern.test(type));
      if (wait) this.skip(wait[1]);
      return false;
    });
  }

  /** Moves the runtime's time ahead. */
  skip(seconds: number): void {
    this.#clock.jump(seconds * 1000);
  }

  get now(): Date {
    return new Date(this.#clock.now());
  }

  /** Tells the default bus something, as AWS itself does. */
  emit(event: BusEvent): void {
    this.test.runtime.context.emit(event);
  }

  /** Gives an alarm a state. */
  async alarm(path: string, StateValue: 'ALARM' | 'OK' = 'ALARM'): Promise<void> {
    const input = { AlarmName: this.id(path), StateValue, StateReason: 'A test wants it.' };
    await this.call('monitoring', 'SetAlarmState', input);
  }

  /** Makes a schedule of the template due, by one that is like it but for the time. */
  async occur(path: string): Promise<void> {
    const schedule = await this.call('scheduler', 'GetSchedule', { Name: this.id(path) });
    const at = new Date(this.now.getTime() + 1_000).toISOString().slice(0, 19);
    await this.call('scheduler', 'CreateSchedule', {
      ...schedule,
      Name: newId(),
      State: 'ENABLED',
      ScheduleExpression: `at(${at})`,
    });
    this.skip(2);
  }

  /** Calls an API that has no client here, with the administrator's rights. */
  call(service: string, operation: string, input: Shape): Promise<Shape> {
    return this.test.runtime.context.call(service, operation, input, { kind: 'administrator' });
  }

  async putItem(TableName: string, item: Parameters<typeof attributes>[0]): Promise<void> {
    await this.account.dynamo.send(new PutItemCommand({ TableName, Item: attributes(item) }));
  }

  /** Switches the event source mapping of a function on while something is done. */
  async polling<T>(path: string, work: () => Promise<T>): Promise<T> {
    await this.#switch(path, true);
    try {
      return await work();
    } finally {
      await this.#switch(path, false);
    }
  }

  /** What the runtime says when a function's queue is polled. */
  async polled(path: string, pattern: RegExp): Promise<string> {
    try {
      return await this.warning(pattern, () => this.#switch(path, true));
    } finally {
      await this.#switch(path, false);
    }
  }

  /** Does something and waits until the runtime says what matches to whoever runs it. */
  async warning(pattern: RegExp, cause: () => Promise<unknown>): Promise<string> {
    const messages = on(this.#warnings, 'warning', { signal: AbortSignal.timeout(60_000) });
    await cause();
    for await (const [message] of messages) if (pattern.test(message)) return message;
    throw new Error(`The runtime said nothing like ${pattern}.`);
  }

  async #switchAllOff(): Promise<void> {
    for await (const page of paginateListEventSourceMappings({ client: this.#lambda }, {})) {
      for (const { UUID = '', FunctionArn = '' } of page.EventSourceMappings ?? []) {
        this.#mappings.set(FunctionArn.split(':').at(-1) ?? '', UUID);
      }
    }
    for (const UUID of this.#mappings.values()) {
      await this.#lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
    }
    await switchSchedulesOff(this.test);
  }

  async #switch(path: string, Enabled: boolean): Promise<void> {
    const UUID = this.#mappings.get(this.id(`${path}/Function`));
    await this.#lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
  }
}

/** What an execution waits after, and seconds that end it or bring its end nearer. */
const WAITS = [
  [/WaitStateEntered/, 300],
  [/Failed$/, 30],
] as const;

/** A new id of a file. */
export const newId = (): string => randomBytes(32).toString('hex');
