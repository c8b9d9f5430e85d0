import { z } from 'zod';
import type { ObservedCall } from '../local/endpoint/observe.ts';
import type { RuntimeContext } from '../local/services/service.ts';
import { WriteUnits } from './write-units.ts';

/** What a stretch of time cost in requests and units. */
export interface Counts {
  /** Requests over the endpoint, from functions: `sqs:SendMessage` → how many. */
  readonly endpoint: Record<string, number>;
  /** Requests of one AWS service to another, such as an event source mapping that receives messages. */
  readonly process: Record<string, number>;
  /** DynamoDB write request units, indexes included. */
  writeUnits: number;
  /** DynamoDB read request units. */
  readUnits: number;
  /** Comprehend units of 100 characters, at least three a request. */
  comprehendUnits: number;
}

/** Every document costs the one; a load of the warehouse, which many documents share, costs the other. */
export interface CountsByPart {
  readonly document: Counts;
  readonly load: Counts;
}

const nothing = (): Counts => ({
  endpoint: {},
  process: {},
  writeUnits: 0,
  readUnits: 0,
  comprehendUnits: 0,
});

const Texts = z.object({ Text: z.string().optional(), TextList: z.array(z.string()).optional() });
const Messages = z.object({ Messages: z.array(z.unknown()).default([]) });

const CHARACTERS_PER_UNIT = 100;
const LEAST_UNITS = 3;
/** The name of its construct is part of every name and ARN of the pipeline's roles, functions and state machine. */
const OF_LOAD = /WarehouseLoad|warehouse-load/;

/** Counts what AWS would bill by the request. Calls of people, the benchmark among them, do not count. */
export class CallCounter {
  #parts: CountsByPart = { document: nothing(), load: nothing() };
  #writes: Promise<void> = Promise.resolve();
  #units: WriteUnits | undefined;

  /** To be called once the runtime is there. */
  attach(context: RuntimeContext): void {
    this.#units = new WriteUnits(context);
  }

  count(call: ObservedCall): void {
    const { via, service, operation, caller, input, output } = call;
    if (caller.kind === 'administrator') return;
    // Nobody waits for an empty receive: it is a cost of having the queue, not of a document.
    if (operation === 'ReceiveMessage' && Messages.parse(output ?? {}).Messages.length === 0) return;
    if (operation === 'DeleteMessageBatch' && Array.isArray(input?.Entries) && input.Entries.length === 0)
      return;
    const part = this.#parts[isOfLoad(call) ? 'load' : 'document'];
    const name = `${service}:${service === 's3' ? s3Operation(operation) : operation}`;
    part[via][name] = (part[via][name] ?? 0) + 1;
    if (service === 'comprehend') part.comprehendUnits += comprehendUnits(call);
    if (service === 'dynamodb') this.#countUnits(call);
  }

  /** What was counted since the last time. */
  async take(): Promise<CountsByPart> {
    await this.#writes;
    const taken = this.#parts;
    this.#parts = { document: nothing(), load: nothing() };
    return taken;
  }

  #countUnits(call: ObservedCall): void {
    if (call.operation !== 'PutItem' && call.operation !== 'UpdateItem') {
      this.#parts.document.readUnits += 1;
      return;
    }
    this.#writes = this.#writes.then(async () => {
      const written = await this.#units?.of(call);
      const isLoad = isOfLoad(call) || OF_LOAD.test(JSON.stringify(written?.item.Pipeline ?? {}));
      this.#parts[isLoad ? 'load' : 'document'].writeUnits += written?.units ?? 0;
    });
  }
}

/** Whether a call is part of a load, by who makes it or by the messages it carries. */
function isOfLoad({ caller, input, output, operation }: ObservedCall): boolean {
  if (caller.kind === 'role' && OF_LOAD.test(caller.roleArn)) return true;
  const bodies = operation.startsWith('SendMessage')
    ? [input]
    : operation === 'ReceiveMessage'
      ? Messages.parse(output).Messages
      : [];
  return bodies.length > 0 && bodies.every((body) => OF_LOAD.test(JSON.stringify(body)));
}

/** The name of the action, as far as prices tell actions apart; REST requests come as method and path. */
function s3Operation(operation: string): string {
  const [, method = operation, path = ''] = /^([A-Z]+) (\S+)$/.exec(operation) ?? [];
  if (method === 'GET' && /^\/[^/]+\/?(\?|$)/.test(path)) return 'ListObjects';
  const names: Record<string, string> = { PUT: 'PutObject', GET: 'GetObject', HEAD: 'HeadObject' };
  return names[method] ?? method;
}

function comprehendUnits({ input }: ObservedCall): number {
  const { Text, TextList = [] } = Texts.parse(input);
  return [...(Text === undefined ? [] : [Text]), ...TextList].reduce(
    (units, text) => units + Math.max(LEAST_UNITS, Math.ceil([...text].length / CHARACTERS_PER_UNIT)),
    0,
  );
}
