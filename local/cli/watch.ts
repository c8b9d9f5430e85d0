import { z } from 'zod';
import type { Runtime } from '../runtime.ts';
import type { Deployment } from './deployment.ts';

const ADMINISTRATOR = { kind: 'administrator' } as const;

interface Watched {
  readonly runtime: Runtime;
  readonly deployment: Deployment;
}

/** A ticket that waits for something. */
export interface OpenTicket {
  /** Of the tickets table. */
  readonly id: string;
}

const Executions = z.object({ executions: z.array(z.object({ name: z.string() })) });
const Queues = z.object({ QueueUrls: z.array(z.string()).default([]) });
const Depth = z.object({ Attributes: z.record(z.string(), z.string()) });
const Members = z.object({ Items: z.array(z.object({ pk: z.object({ S: z.string() }) })) });

const FAILED = ['FAILED', 'TIMED_OUT', 'ABORTED'];
/** Queues that stay full for good reasons: what was given up, and what waits for a help desk that is down. */
const MAY_WAIT = /DeadLetters|HelpDesk/;
const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
];

/** What moves in the pipelines at a moment. */
export interface Scene {
  /** Messages by queue, of those that hold any. */
  readonly messages: Readonly<Record<string, number>>;
  readonly running: readonly string[];
  readonly deadLetters: number;
}

export async function sceneOf(watched: Watched): Promise<Scene> {
  const { call } = watched.runtime.context;
  const { QueueUrls } = Queues.parse(await call('sqs', 'ListQueues', { MaxResults: 1000 }, ADMINISTRATOR));
  const messages: Record<string, number> = {};
  let deadLetters = 0;
  for (const QueueUrl of QueueUrls) {
    const input = { QueueUrl, AttributeNames: COUNTS };
    const { Attributes } = Depth.parse(await call('sqs', 'GetQueueAttributes', input, ADMINISTRATOR));
    const count = COUNTS.reduce((sum, name) => sum + Number(Attributes[name]), 0);
    if (count > 0) messages[QueueUrl] = count;
    if (/DeadLetters/.test(QueueUrl)) deadLetters += count;
  }
  return { messages, deadLetters, running: await executionsIn(watched, ['RUNNING']) };
}

/** Whether nothing is under way: executions run only where what they wait for has become a dead letter. */
export const isAtRest = ({ messages, running, deadLetters }: Scene): boolean =>
  Object.keys(messages).every((url) => MAY_WAIT.test(url)) && (running.length === 0 || deadLetters > 0);

/** Files and loads whose latest execution has failed. */
export async function failedExecutions(watched: Watched): Promise<string[]> {
  return (await executionsIn(watched, FAILED)).map((name) => name.slice(0, 64));
}

async function executionsIn(
  { runtime, deployment }: Watched,
  statuses: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  // State machines whose executions fail by themselves; children fail with their parent.
  for (const stateMachineArn of [
    ...(await deployment.fileMachines()),
    deployment.output('WarehouseLoadStateMachineArn'),
  ]) {
    for (const statusFilter of statuses) {
      const input = { stateMachineArn, statusFilter, maxResults: 1000 };
      const page = Executions.parse(
        await runtime.context.call('states', 'ListExecutions', input, ADMINISTRATOR),
      );
      found.push(...page.executions.map(({ name }) => name));
    }
  }
  return found;
}

/** Open tickets that wait for a file or load. */
export async function openTicketsOf({ runtime, deployment }: Watched, member: string): Promise<OpenTicket[]> {
  const input = {
    TableName: deployment.output('TicketsTableName'),
    IndexName: 'by-member',
    KeyConditionExpression: '#m = :m',
    ExpressionAttributeNames: { '#m': 'Member' },
    ExpressionAttributeValues: { ':m': { S: member } },
  };
  const { Items } = Members.parse(await runtime.context.call('dynamodb', 'Query', input, ADMINISTRATOR));
  return Items.map(({ pk }) => ({ id: pk.S }));
}
