import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSRecord } from 'aws-lambda';
import type { ObjectRef } from '../../lambdas/shared/contract.ts';
import type { Run } from '../../lambdas/shared/handler.ts';
import { Meter } from '../../lambdas/shared/meter.ts';
import type { Objects } from '../../lambdas/shared/objects.ts';

export const FILE_ID = 'a'.repeat(64);
export const LIMITS = {
  maxTextBytes: 1_000_000,
  maxImageBytes: 10_000_000,
  maxDocumentBytes: 50_000_000,
  maxPages: 100,
  holdAboveUsd: 1,
};
export const PRICES = { textractPerPage: 0.0015, comprehendPerUnit: 0.0001 };

/** A run that says nothing. */
export function quietRun(): Run {
  const say = () => {};
  return {
    log: { info: say, warn: say, error: say, debug: say } as unknown as Logger,
    meter: new Meter(),
    identify: say,
  };
}

/** An SQS record as Lambda hands it over. */
export function record(body: unknown, receives = 1, messageId = 'm-1'): SQSRecord {
  return {
    messageId,
    receiptHandle: `receipt-${messageId}`,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: '0',
      SenderId: 's',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:q',
    awsRegion: 'us-east-1',
  };
}

/** An error as an AWS client throws it. */
export function awsError(name: string, message = name): Error {
  return Object.assign(new Error(message), { name });
}

/** A lake in memory. */
export class MemoryLake implements Objects {
  readonly objects = new Map<string, string>();

  async read({ key }: ObjectRef): Promise<string> {
    const body = this.objects.get(key);
    if (body === undefined) throw awsError('NoSuchKey');
    return body;
  }

  async write({ key }: ObjectRef, body: string): Promise<void> {
    this.objects.set(key, body);
  }
}

type Sent = { readonly name: string; readonly input: Record<string, unknown> };

/** A client in memory: answers commands by name, and remembers them. */
export class FakeClient {
  readonly sent: Sent[] = [];
  readonly #answers: Record<string, (input: Record<string, unknown>) => unknown>;

  constructor(answers: Record<string, (input: Record<string, unknown>) => unknown> = {}) {
    this.#answers = answers;
  }

  // The overloads of a client's send cannot be written twice.
  // biome-ignore lint/suspicious/noExplicitAny: stands for every command of every client
  send = async (command: any): Promise<any> => {
    const name = String(command.constructor.name).replace(/Command$/, '');
    this.sent.push({ name, input: command.input });
    return this.#answers[name]?.(command.input) ?? {};
  };

  inputs(name: string): Record<string, unknown>[] {
    return this.sent.filter((sent) => sent.name === name).map(({ input }) => input);
  }
}

// dynalite has no types.
const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)('dynalite');

/** A DynamoDB on a free port, with tables that have the given keys. */
export async function startDynamo(
  tables: Readonly<Record<string, readonly string[]>>,
): Promise<{ client: DynamoDBClient; stop(): Promise<void> }> {
  const { CreateTableCommand } = await import('@aws-sdk/client-dynamodb');
  const server: Server = dynalite({ createTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  for (const [TableName, keys] of Object.entries(tables)) {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: keys.map((AttributeName, i) => ({ AttributeName, KeyType: i === 0 ? 'HASH' : 'RANGE' })),
      }),
    );
  }
  return {
    client,
    async stop() {
      client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A generator of numbers that is the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
