import { join } from 'node:path';
import { AwsError, type RuntimeContext } from '../service.ts';
import { DEFAULT_ATTRIBUTES, Queue } from './queue.ts';
import { type QueueRow, QueueStore } from './store.ts';

const MINUTE_MS = 60_000;

/** Every queue of the account. */
export class Queues {
  readonly #context: RuntimeContext;
  readonly #store: QueueStore;
  readonly #byName = new Map<string, Queue>();
  #cancelTick: (() => void) | undefined;

  constructor(context: RuntimeContext) {
    this.#context = context;
    this.#store = new QueueStore(join(context.dataDir, 'sqs'));
    for (const row of this.#store.queues()) this.#open(row);
  }

  all(prefix = ''): Queue[] {
    return [...this.#byName.values()].filter((queue) => queue.name.startsWith(prefix));
  }

  url(queue: Queue): string {
    return `${this.#context.endpoint}/${this.#context.account}/${queue.name}`;
  }

  /** Finds a queue by URL, ARN or name; host and port of a URL do not matter, so that URLs outlive a change of port. */
  find(reference: string): Queue | undefined {
    return this.#byName.get(reference.split(/[/:]/).at(-1) ?? '');
  }

  /** @throws AwsError QueueDoesNotExist */
  get(reference: string): Queue {
    const queue = this.find(reference);
    if (!queue) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
    return queue;
  }

  /** Creates a queue or changes the attributes of the one that has its name. */
  save(name: string, attributes: Record<string, string>, tags?: Record<string, string>): Queue {
    if (!/^[\w-]{1,80}$/.test(name)) {
      throw new AwsError(
        'InvalidParameterValue',
        `Queue name ${name} is invalid here: 1 to 80 letters, digits, - and _; FIFO queues have no local stand-in.`,
      );
    }
    for (const attribute of Object.keys(attributes)) {
      if (!(attribute in DEFAULT_ATTRIBUTES))
        throw new AwsError('InvalidAttributeName', `Unknown Attribute ${attribute}.`);
    }
    const known = this.#byName.get(name);
    const modified = Math.floor(this.#context.clock.now() / 1000);
    const created = known?.row.created ?? modified;
    const row = {
      name,
      attributes: { ...known?.row.attributes, ...attributes },
      tags: tags ?? known?.row.tags ?? {},
      created,
      modified,
    };
    this.#store.saveQueue(row);
    if (known) Object.assign(known.row, row);
    const queue = known ?? this.#open(row);
    if (attributes.Policy) this.#context.policies.setResourcePolicy(queue.arn, JSON.parse(attributes.Policy));
    return queue;
  }

  delete(queue: Queue): void {
    queue.stop();
    this.#byName.delete(queue.name);
    this.#store.dropQueue(queue.name);
  }

  purge(queue: Queue): void {
    this.#store.purge(queue.name);
  }

  counts(queue: Queue): { visible: number; inFlight: number; delayed: number } {
    return this.#store.counts(queue.name, this.#context.clock.now());
  }

  /** Queues whose dead letters go to `queue`. */
  sourcesOf(queue: Queue): Queue[] {
    return this.all().filter((source) => source.redrivePolicy?.deadLetterTargetArn === queue.arn);
  }

  /** ARNs that a redrive of `queue` would send to. */
  redriveTargets(queue: Queue): string[] {
    return this.#store
      .sources(queue.name, this.#context.clock.now())
      .map((arn) => this.#origin(queue, arn).arn);
  }

  /** Moves the visible messages of a dead-letter queue to `destination`, or each back to where it came from. */
  redrive(queue: Queue, destination: Queue | undefined): number {
    const now = this.#context.clock.now();
    let moved = 0;
    for (const arn of this.#store.sources(queue.name, now)) {
      const target = destination ?? this.#origin(queue, arn);
      moved += this.#store.redrive(queue.name, arn, target.name, now);
      target.serveWaiters();
    }
    return moved;
  }

  /** Publishes metrics and drops expired messages each minute. */
  start(): void {
    this.#cancelTick = this.#context.clock.after(MINUTE_MS, () => {
      for (const queue of this.#byName.values()) this.#minute(queue);
      this.start();
    });
  }

  stop(): void {
    this.#cancelTick?.();
    for (const queue of this.#byName.values()) queue.stop();
    this.#store.close();
  }

  #open(row: QueueRow): Queue {
    const queue = new Queue(row, this.#store, this.#context, (arn) => this.find(arn));
    this.#byName.set(row.name, queue);
    return queue;
  }

  #origin(queue: Queue, sourceArn: string | null): Queue {
    const origin = sourceArn === null ? this.sourcesOf(queue)[0] : this.find(sourceArn);
    if (!origin)
      throw new AwsError(
        'InvalidParameterValue',
        `Messages in ${queue.name} have no source queue: give DestinationArn.`,
      );
    return origin;
  }

  #minute(queue: Queue): void {
    const now = this.#context.clock.now();
    this.#store.expire(queue.name, now - Number(queue.attribute('MessageRetentionPeriod')) * 1000);
    const { visible, inFlight, delayed } = this.counts(queue);
    const age = (now - (this.#store.oldestSent(queue.name) ?? now)) / 1000;
    const values: [name: string, value: number, unit: string][] = [
      ...Object.entries(queue.counters).map(([name, value]): [string, number, string] => [
        name,
        value,
        'Count',
      ]),
      ['ApproximateNumberOfMessagesVisible', visible, 'Count'],
      ['ApproximateNumberOfMessagesNotVisible', inFlight, 'Count'],
      ['ApproximateNumberOfMessagesDelayed', delayed, 'Count'],
      ['ApproximateAgeOfOldestMessage', age, 'Seconds'],
    ];
    for (const [name, value, unit] of values) {
      this.#context.metric({
        namespace: 'AWS/SQS',
        name,
        dimensions: { QueueName: queue.name },
        value,
        unit,
      });
    }
    for (const name of Object.keys(queue.counters)) Object.assign(queue.counters, { [name]: 0 });
  }
}
