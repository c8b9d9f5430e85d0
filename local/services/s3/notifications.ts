import type { Caller, RuntimeContext, Shape } from '../service.ts';
import { S3Error } from './errors.ts';
import { bucketArn, encodeKey } from './names.ts';
import type { Bucket, Pending, Store, Version } from './store.ts';
import { list, nodes, text, type XmlNode } from './xml.ts';

/** A change of an object, told to whoever listens. */
export interface Change {
  /** As in event records, `ObjectCreated:Put`. */
  readonly event: string;
  /** As EventBridge tells it, the API action: `PutObject`. */
  readonly reason: string;
  readonly version: Version;
  /** Position in the order of changes; for a removal later than the version's own. */
  readonly sequence: number;
  readonly caller: Caller;
  readonly requestId: string;
}

interface Rule {
  readonly id: string;
  readonly target: string;
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
}

const EVENTBRIDGE = 'eventbridge';
/** Calls under way at a time. */
const MAX_ACTIVE = 16;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 30_000;

/** Where a configuration names its destination, by element. */
const DESTINATIONS = {
  QueueConfiguration: 'Queue',
  TopicConfiguration: 'Topic',
  CloudFunctionConfiguration: 'CloudFunction',
} as const;

/** Whether a configured event, which may end in `*`, covers an event record's name. */
const covers = (configured: string, event: string): boolean =>
  configured.endsWith('*') ? `s3:${event}`.startsWith(configured.slice(0, -1)) : configured === `s3:${event}`;

/** The rules of a notification configuration in the element names of the S3 API. @throws S3Error MalformedXML, InvalidArgument */
export function parseRules(configuration: XmlNode = {}): Rule[] {
  const rules = Object.entries(DESTINATIONS).flatMap(([element, destination]) =>
    nodes(configuration, element).map((node, index): Rule => {
      const target = text(node[destination]);
      if (!target?.startsWith('arn:')) throw new S3Error('MalformedXML');
      const filter = { prefix: '', suffix: '' };
      for (const rule of nodes(node.Filter, 'S3Key').flatMap((key) => nodes(key, 'FilterRule'))) {
        const name = text(rule.Name)?.toLowerCase();
        if (name !== 'prefix' && name !== 'suffix')
          throw new S3Error('InvalidArgument', {
            message: 'filter rule name must be either prefix or suffix',
          });
        filter[name] = text(rule.Value) ?? '';
      }
      const events = list(node.Event).flatMap((event) => text(event) ?? []);
      return { id: text(node.Id) ?? `${destination}-${index}`, target, events, ...filter };
    }),
  );
  if (configuration.EventBridgeConfiguration !== undefined)
    rules.push({ id: EVENTBRIDGE, target: EVENTBRIDGE, events: ['s3:*'], prefix: '', suffix: '' });
  return rules;
}

/**
 * Tells destinations what happened, at least once: `record` stores messages in the transaction of the change, `flush`
 * sends what is stored, and what a crash left behind is sent at the next start.
 */
export class Notifier {
  readonly #context: RuntimeContext;
  readonly #store: Store;
  readonly #abort = new AbortController();
  readonly #warned = new Set<string>();
  readonly #timers = new Set<() => void>();
  #waiting: { message: Pending; attempt: number }[] = [];
  #active = 0;
  #started = false;

  constructor(context: RuntimeContext, store: Store) {
    this.#context = context;
    this.#store = store;
  }

  /** Call inside the transaction of the change. */
  record(bucket: Bucket, change: Change): void {
    for (const rule of parseRules(bucket.configuration.notification)) {
      const { key } = change.version;
      const matches =
        rule.events.some((event) => covers(event, change.event)) &&
        key.startsWith(rule.prefix) &&
        key.endsWith(rule.suffix);
      if (!matches) continue;
      const body =
        rule.target === EVENTBRIDGE
          ? busEvent(this.#context, change)
          : { Records: [eventRecord(this.#context, rule, change)] };
      this.#add(rule.target, bucket.name, body);
    }
  }

  /** Tells every destination of a new configuration that it is one. */
  recordTest(bucket: Bucket, requestId: string): void {
    for (const { target } of parseRules(bucket.configuration.notification))
      if (target !== EVENTBRIDGE) this.#add(target, bucket.name, this.#testEvent(bucket.name, requestId));
  }

  /** Sends test events at once. @throws S3Error InvalidArgument when a destination refuses its own */
  async validate(bucket: string, configuration: XmlNode, requestId: string): Promise<void> {
    const targets = parseRules(configuration).filter(({ target }) => target !== EVENTBRIDGE);
    await Promise.all(
      targets.map(async ({ target }) => {
        try {
          await this.#send({ target, bucket, body: JSON.stringify(this.#testEvent(bucket, requestId)) });
        } catch (cause) {
          throw new S3Error('InvalidArgument', {
            message: 'Unable to validate the following destination configurations',
            members: {
              ArgumentName1: target,
              ArgumentValue1: cause instanceof Error ? cause.message : String(cause),
            },
          });
        }
      }),
    );
  }

  /** Sends what has been recorded, without making anybody wait. */
  flush(): void {
    if (!this.#started) return;
    while (this.#active < MAX_ACTIVE) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#active++;
      void this.#deliver(next.message, next.attempt);
    }
  }

  start(): void {
    this.#started = true;
    this.#waiting = this.#store.pending().map((message) => ({ message, attempt: 0 }));
    this.flush();
  }

  stop(): void {
    this.#started = false;
    this.#abort.abort();
    for (const cancel of this.#timers) cancel();
  }

  #add(target: string, bucket: string, body: Shape): void {
    const message = this.#store.addPending(target, bucket, JSON.stringify(body));
    if (this.#started) this.#waiting.push({ message, attempt: 0 });
  }

  async #deliver(message: Pending, attempt: number): Promise<void> {
    try {
      await this.#send(message);
      if (this.#started) this.#store.removePending(message.id);
    } catch (error) {
      if (this.#started) this.#retry(message, attempt, error);
    } finally {
      this.#active--;
      this.flush();
    }
  }

  #retry(message: Pending, attempt: number, error: unknown): void {
    const { target, bucket } = message;
    if (!this.#warned.has(target)) {
      this.#warned.add(target);
      this.#context.warn(`s3: ${bucket} cannot notify ${target}, will go on trying: ${error}`);
    }
    const cancel = this.#context.clock.after(
      Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS),
      () => {
        this.#timers.delete(cancel);
        this.#waiting.push({ message, attempt: attempt + 1 });
        this.flush();
      },
    );
    this.#timers.add(cancel);
  }

  async #send({ target, bucket, body }: Omit<Pending, 'id'>): Promise<void> {
    if (target === EVENTBRIDGE) return this.#context.emit(JSON.parse(body));
    const [, , service = '', , account, name] = target.split(':');
    const call = SENDERS[service];
    if (!call) throw new Error(`${target} is no destination of notifications`);
    const [operation, input] = call(target, `${this.#context.endpoint}/${account}/${name}`, body);
    const sourceArn = bucketArn(bucket);
    const caller = { kind: 'service', service: 's3.amazonaws.com', sourceArn } as const;
    await this.#context.call(service, operation, input, caller, this.#abort.signal);
  }

  #testEvent(bucket: string, requestId: string): Shape {
    return {
      Service: 'Amazon S3',
      Event: 's3:TestEvent',
      Time: new Date(this.#context.clock.now()).toISOString(),
      Bucket: bucket,
      RequestId: requestId,
      HostId: requestId,
    };
  }
}

type Sender = (arn: string, queueUrl: string, body: string) => [operation: string, input: Shape];

const SENDERS: Readonly<Record<string, Sender>> = {
  sqs: (_arn, QueueUrl, MessageBody) => ['SendMessage', { QueueUrl, MessageBody }],
  sns: (TopicArn, _url, Message) => ['Publish', { TopicArn, Message, Subject: 'Amazon S3 Notification' }],
  lambda: (FunctionName, _url, body) => [
    'Invoke',
    { FunctionName, InvocationType: 'Event', Payload: Buffer.from(body) },
  ],
};

/** 18 hex digits that sort in the order of changes. */
const sequencer = (sequence: number): string => sequence.toString(16).toUpperCase().padStart(18, '0');

const principalId = (caller: Caller, account: string): string =>
  caller.kind === 'role' ? `AWS:${caller.sessionName}` : `AWS:${account}`;

/** One entry of `Records` ("Event message structure", S3 User Guide). */
function eventRecord(context: RuntimeContext, rule: Rule, change: Change): Shape {
  const { version, event, caller, requestId } = change;
  const created = event.startsWith('ObjectCreated:');
  const marked = event === 'ObjectRemoved:DeleteMarkerCreated';
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: context.region,
    eventTime: new Date(context.clock.now()).toISOString(),
    eventName: event,
    userIdentity: { principalId: principalId(caller, context.account) },
    requestParameters: { sourceIPAddress: '127.0.0.1' },
    responseElements: { 'x-amz-request-id': requestId, 'x-amz-id-2': requestId },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: rule.id,
      bucket: {
        name: version.bucket,
        ownerIdentity: { principalId: context.account },
        arn: bucketArn(version.bucket),
      },
      object: {
        key: encodeKey(version.key),
        ...(created && { size: version.size }),
        ...((created || marked) && { eTag: version.etag }),
        ...(version.versionId !== 'null' && { versionId: version.versionId }),
        sequencer: sequencer(change.sequence),
      },
    },
  };
}

const DELETION_TYPES: Readonly<Record<string, string>> = {
  'ObjectRemoved:Delete': 'Permanently Deleted',
  'ObjectRemoved:DeleteMarkerCreated': 'Delete Marker Created',
};

/** "EventBridge event message structure", S3 User Guide; keys come as they are, not encoded. */
function busEvent(context: RuntimeContext, change: Change): Shape {
  const { version } = change;
  const deletion = DELETION_TYPES[change.event];
  return {
    source: 'aws.s3',
    'detail-type': deletion ? 'Object Deleted' : 'Object Created',
    resources: [bucketArn(version.bucket)],
    time: new Date(context.clock.now()).toISOString(),
    detail: {
      version: '0',
      bucket: { name: version.bucket },
      object: {
        key: version.key,
        ...(!deletion && { size: version.size }),
        etag: version.etag,
        ...(version.versionId !== 'null' && { 'version-id': version.versionId }),
        sequencer: sequencer(change.sequence),
      },
      'request-id': change.requestId,
      requester: context.account,
      'source-ip-address': '127.0.0.1',
      reason: change.reason,
      ...(deletion && { 'deletion-type': deletion }),
    },
  };
}
