import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type {
  Desk,
  DeskTicket,
  HelpDeskSettings,
  Provider,
  ProviderName,
  Route,
  Ticket,
} from '../../lambdas/help-desk/contract.ts';
import { TICKETS } from '../../lambdas/help-desk/contract.ts';
import { Desks } from '../../lambdas/help-desk/desks.ts';
import { DeskUnavailable } from '../../lambdas/help-desk/errors.ts';
import { secondChannel } from '../../lambdas/help-desk/second-channel.ts';
import { ticketIdOf } from '../../lambdas/help-desk/ticket.ts';
import { Tickets } from '../../lambdas/help-desk/tickets.ts';
import { work } from '../../lambdas/help-desk/work.ts';
import { INCIDENT_EVENT, type IncidentDetail } from '../../lambdas/shared/contract.ts';
import { AGAIN } from '../../lambdas/shared/handler.ts';
import { awsError, FakeClient, quietRun, record } from './support.ts';

export const START = Date.UTC(2026, 10, 21, 10);
export const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:Documents';
export const SETTINGS: HelpDeskSettings = {
  runbookUrl: 'docs/operations.md',
  allowPrivateTargets: false,
  reopenHours: 24,
  owners: { '*': 'data@example.com' },
  pipelines: {
    [MACHINE]: 'document-ingestion',
    'arn:machine:reconciliation': 'reconciliation',
    'arn:machine:canary': 'canary',
  },
  auditTable: 'audit',
  region: 'us-east-1',
};

/** Makes a table of tickets as the template does. */
export async function createTicketsTable(client: DynamoDBClient, TableName: string): Promise<void> {
  const { partitionKey, sortKey, byState, byMember } = TICKETS;
  const schema = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ];
  const names = new Set(
    [{ partitionKey, sortKey }, byState, byMember].flatMap((key) => [key.partitionKey, key.sortKey]),
  );
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [...names].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: schema(partitionKey, sortKey),
      GlobalSecondaryIndexes: [byState, byMember].map((index) => ({
        IndexName: index.name,
        KeySchema: schema(index.partitionKey, index.sortKey),
        Projection: { ProjectionType: 'ALL' },
      })),
    }),
  );
}

/** A help desk in memory that finds a ticket again by its external id, and can be told to fail. */
export class FakeDesk implements Provider {
  readonly tickets = new Map<string, { state: 'OPEN' | 'RESOLVED'; last: Ticket }>();
  readonly calls: string[] = [];
  /** What a call throws before it does anything. */
  failure: Error | undefined;
  /** What a call throws after it was done: the answer is lost. */
  lost: Error | undefined;
  reopens = true;

  async #take(call: string, id: string, ticket: Ticket, state: 'OPEN' | 'RESOLVED'): Promise<void> {
    this.calls.push(call);
    if (this.failure) throw this.failure;
    this.tickets.set(id, { state, last: ticket });
    const { lost } = this;
    this.lost = undefined;
    if (lost) throw lost;
  }

  async open(ticket: Ticket): Promise<DeskTicket> {
    await this.#take('open', ticket.externalId, ticket, 'OPEN');
    return { id: ticket.externalId, url: `https://desk.example.com/${ticket.externalId}` };
  }

  update(ticket: Ticket, { id }: DeskTicket): Promise<void> {
    return this.#take('update', id, ticket, 'OPEN');
  }

  resolve(ticket: Ticket, { id }: DeskTicket): Promise<void> {
    return this.#take('resolve', id, ticket, 'RESOLVED');
  }

  async reopen(ticket: Ticket, at: DeskTicket): Promise<DeskTicket | undefined> {
    if (!this.reopens) {
      this.calls.push('reopen');
      return undefined;
    }
    await this.#take('reopen', at.id, ticket, 'OPEN');
    return at;
  }

  get states(): string[] {
    return [...this.tickets.values()].map(({ state }) => state);
  }
}

export interface WorldOptions {
  /** Desk name → what it is; `undefined` has no connection yet. */
  readonly desks?: Readonly<Record<string, Provider | undefined>>;
  readonly routes?: readonly Route[];
  readonly settings?: Partial<HelpDeskSettings>;
}

interface Waiting {
  readonly id: string;
  readonly body: unknown;
  receives: number;
  at: number;
}

let worlds = 0;

/** A help desk with its queue, on a clock of its own: messages that go back come again when it is their time. */
export class World {
  now = START;
  readonly connected: Map<string, Provider | undefined>;
  readonly sns = new FakeClient();
  readonly sqs: FakeClient;
  readonly secrets: FakeClient;
  readonly tickets: Tickets;
  readonly client: Pick<DynamoDBClient, 'send'>;
  readonly run = quietRun();
  /** Messages that are in the queue. */
  readonly waiting = new Map<string, Waiting>();
  readonly buried: string[] = [];
  readonly #options: WorldOptions;
  readonly table: string;
  #messages = 0;
  #functions: ReturnType<World['newFunction']>[];

  private constructor(client: DynamoDBClient, table: string, options: WorldOptions) {
    this.#options = options;
    this.table = table;
    this.connected = new Map(Object.entries(options.desks ?? { support: new FakeDesk() }));
    this.client = client;
    this.tickets = new Tickets(client, table, () => this.now);
    this.sqs = new FakeClient({
      ChangeMessageVisibility: ({ ReceiptHandle, VisibilityTimeout }) => {
        const message = this.waiting.get(String(ReceiptHandle).replace('receipt-', ''));
        if (message) message.at = this.now + Number(VisibilityTimeout) * 1000;
      },
      SendMessage: ({ MessageBody }) => {
        this.buried.push(String(MessageBody));
      },
    });
    this.secrets = new FakeClient({
      GetSecretValue: ({ SecretId }) => ({
        SecretString: JSON.stringify(
          this.connected.get(String(SecretId)) ? { url: SecretId } : { connected: false },
        ),
      }),
    });
    this.#functions = [this.newFunction()];
  }

  static async create(client: DynamoDBClient, options: WorldOptions = {}): Promise<World> {
    const table = `tickets-${++worlds}`;
    await createTicketsTable(client, table);
    return new World(client, table, options);
  }

  /** What one execution environment of the function holds. @param client in place of the table's own, to fail with */
  newFunction(client = this.client) {
    const desks: Desk[] = [...this.connected.keys()].map((name) => ({
      name,
      provider: 'webhook',
      secretArn: name,
    }));
    const now = () => this.now;
    return {
      tickets: new Tickets(client, this.table, now),
      desks: new Desks(desks, this.#options.routes ?? [], {
        secrets: this.secrets,
        connect: (_name: ProviderName, connection) => {
          const provider = this.connected.get(String(Object(connection).url));
          if (!provider) throw new DeskUnavailable('gone');
          return provider;
        },
        isConnected: (connection) => Object(connection).connected !== false,
        now,
      }),
      secondChannel: secondChannel(this.sns, 'topic'),
      settings: { ...SETTINGS, ...this.#options.settings },
      sqs: this.sqs,
      queueUrl: 'queue',
      deadLettersUrl: 'dead',
      now,
      random: () => 0.5,
    };
  }

  /** Delivers an event once, and again whenever its time comes. Answers what it threw. */
  async deliver(body: unknown, dependencies = this.#functions[0]): Promise<unknown> {
    const id = `m${++this.#messages}`;
    const message = { id, body, receives: 0, at: this.now };
    this.waiting.set(id, message);
    return this.#receive(message, dependencies);
  }

  async #receive(message: Waiting, dependencies = this.#functions[0]): Promise<unknown> {
    if (!dependencies) throw new Error('no function');
    message.receives++;
    // The visibility time-out of the queue.
    message.at = this.now + 12 * 60_000;
    try {
      const answer = await work(record(message.body, message.receives, message.id), this.run, dependencies);
      if (answer !== AGAIN) this.waiting.delete(message.id);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Lets time pass, message after message. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      const due = [...this.waiting.values()].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.now = Math.max(this.now, due.at);
      await this.#receive(due);
    }
    this.now = until;
  }

  /** Lets time pass until the queue is empty. */
  async settle(): Promise<void> {
    for (let rounds = 0; this.waiting.size > 0; rounds++) {
      if (rounds > 500) throw new Error(`${this.waiting.size} messages never end`);
      await this.pass(60_000);
    }
  }

  ticket(key: string) {
    return this.tickets.current(ticketIdOf(key));
  }

  async open(): Promise<number> {
    return this.tickets.countOpen();
  }
}

export const iso = (ms: number): string => new Date(ms).toISOString();

/** An incident as the bus delivers it. */
export function incident(more: Partial<IncidentDetail> = {}) {
  const detail: IncidentDetail = {
    eventId: `e-${more.state ?? 'OPEN'}-${more.occurredAt ?? ''}-${more.members ?? ''}`,
    key: 'test:thing',
    state: 'OPEN',
    severity: 'warning',
    pipeline: 'document-ingestion',
    title: 'A thing',
    summary: 'A thing happened.',
    runbook: 'things',
    occurredAt: iso(START),
    ...more,
  };
  return { 'detail-type': INCIDENT_EVENT.detailType, source: INCIDENT_EVENT.source, detail };
}

export const ALARM =
  'arn:aws:cloudwatch:us-east-1:000000000000:alarm:Millrace-dev-Operations-AlarmsFreshness';

/** An alarm's change of state as CloudWatch tells it. */
export function alarm(value: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA', at: number, covers = false) {
  return {
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    resources: [ALARM],
    detail: {
      alarmName: 'Millrace-dev-Operations-AlarmsFreshness',
      configuration: {
        description: [
          'No file has succeeded for hours.',
          'Runbook: docs/operations.md#freshness',
          'Severity: critical',
          'Pipeline: document-ingestion',
          ...(covers ? ['Covers: executions'] : []),
        ].join('\n'),
      },
      state: {
        value,
        reason: 'Threshold Crossed: 1 datapoint.',
        timestamp: iso(at).replace('Z', '+0000'),
      },
    },
  };
}

let ids = 0;
export const nextId = (): string => (++ids).toString(16).padStart(64, '0');

/** The end of an execution as Step Functions tells it. */
export function ending(
  id: string,
  status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED',
  at: number,
  more: Readonly<Record<string, unknown>> = {},
) {
  return {
    source: 'aws.states',
    'detail-type': 'Step Functions Execution Status Change',
    time: iso(at),
    detail: {
      executionArn: `${MACHINE.replace('stateMachine', 'execution')}:${more.name ?? id}`,
      stateMachineArn: MACHINE,
      name: id,
      status,
      startDate: START,
      stopDate: at,
      input: JSON.stringify({ source: { key: 'documents/a.txt' } }),
      ...(status === 'FAILED' && {
        error: 'OcrFailed',
        cause: JSON.stringify({ errorMessage: 'Textract gave up on job 4711.' }),
      }),
      redriveCount: 0,
      ...more,
    },
  };
}

/** A client that throws at its nth command, before or after it was carried out. */
export function breaking(client: Pick<DynamoDBClient, 'send'>, nth: number, when: 'before' | 'after') {
  let left = nth;
  // biome-ignore lint/suspicious/noExplicitAny: stands for every command
  const send = async (command: any): Promise<any> => {
    const breaks = --left === 0;
    if (left < 0 || (breaks && when === 'before')) throw awsError('Crash', 'the function is gone');
    // biome-ignore lint/suspicious/noExplicitAny: the overloads of a client's send cannot be written twice
    const answer = await (client.send as any)(command);
    if (breaks) throw awsError('Crash', 'the function is gone');
    return answer;
  };
  return { client: { send } as Pick<DynamoDBClient, 'send'>, isUsedUp: () => left <= 0 };
}
