import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { flag, numeric } from '../operation.ts';
import { AwsError, type RuntimeContext, type Shape } from '../service.ts';
import { type EventSourceMapping, QueuePoller } from './event-source.ts';
import { functionArn, functionName, type LambdaFunction } from './function.ts';
import type { Invoker } from './invoke.ts';

/** What the API and the template have in common. */
export const mappingSettings = z.object({
  Enabled: flag.optional(),
  BatchSize: numeric.optional(),
  MaximumBatchingWindowInSeconds: numeric.optional(),
  ScalingConfig: z.object({ MaximumConcurrency: numeric.optional() }).optional(),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).optional(),
  FilterCriteria: z.object({ Filters: z.array(z.object({ Pattern: z.string() })).default([]) }).optional(),
});
export type MappingSettings = z.infer<typeof mappingSettings>;

interface MappingsOptions {
  readonly context: RuntimeContext;
  readonly invoker: Invoker;
  readonly functionNamed: (name: string) => LambdaFunction;
}

/** The event source mappings of the account and what polls for them. */
export class Mappings {
  readonly #options: MappingsOptions;
  readonly #mappings = new Map<string, EventSourceMapping>();
  readonly #pollers = new Map<string, QueuePoller>();
  #isStarted = false;

  constructor(options: MappingsOptions) {
    this.#options = options;
  }

  list(): EventSourceMapping[] {
    return [...this.#mappings.values()];
  }

  /** @throws AwsError `ResourceNotFoundException` */
  get(id: string): EventSourceMapping {
    const mapping = this.#mappings.get(id);
    if (mapping) return mapping;
    throw new AwsError('ResourceNotFoundException', `The resource you requested does not exist: ${id}`, {
      status: 404,
    });
  }

  /** @param seed makes the id the same at every start; default a new id each time */
  async create(
    reference: string,
    queueArn: string,
    settings: MappingSettings,
    seed?: string,
  ): Promise<EventSourceMapping> {
    if (queueArn.split(':')[2] !== 'sqs')
      throw invalid(`${queueArn}: only queues can be event sources here.`);
    const blank: EventSourceMapping = {
      id: seed === undefined ? randomUUID() : idFrom(seed),
      functionName: functionName(reference),
      queueArn,
      enabled: true,
      batchSize: 10,
      windowSeconds: 0,
      maximumConcurrency: undefined,
      reportsItemFailures: false,
      filters: [],
      lastModified: 0,
    };
    this.#options.functionNamed(blank.functionName);
    return this.#put(blank, settings);
  }

  async update(id: string, settings: MappingSettings): Promise<EventSourceMapping> {
    return this.#put(this.get(id), settings);
  }

  async delete(id: string): Promise<EventSourceMapping> {
    const mapping = this.get(id);
    this.#mappings.delete(id);
    await this.#stopPoller(id);
    return mapping;
  }

  start(): void {
    this.#isStarted = true;
    for (const mapping of this.#mappings.values()) this.#poll(mapping);
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    await Promise.all([...this.#pollers.keys()].map((id) => this.#stopPoller(id)));
  }

  async #put(before: EventSourceMapping, settings: MappingSettings): Promise<EventSourceMapping> {
    const mapping: EventSourceMapping = {
      ...before,
      enabled: settings.Enabled ?? before.enabled,
      batchSize: settings.BatchSize ?? before.batchSize,
      windowSeconds: settings.MaximumBatchingWindowInSeconds ?? before.windowSeconds,
      maximumConcurrency: settings.ScalingConfig
        ? settings.ScalingConfig.MaximumConcurrency
        : before.maximumConcurrency,
      reportsItemFailures: settings.FunctionResponseTypes
        ? settings.FunctionResponseTypes.length > 0
        : before.reportsItemFailures,
      filters: settings.FilterCriteria?.Filters.map(({ Pattern }) => Pattern) ?? before.filters,
      lastModified: this.#options.context.clock.now(),
    };
    check(mapping);
    this.#mappings.set(mapping.id, mapping);
    await this.#stopPoller(mapping.id);
    if (this.#isStarted) this.#poll(mapping);
    return mapping;
  }

  #poll(mapping: EventSourceMapping): void {
    if (!mapping.enabled) return;
    const { context, invoker, functionNamed } = this.#options;
    const fn = () => functionNamed(mapping.functionName);
    const invoke = (payload: string) => invoker.invoke(fn(), payload);
    const poller = new QueuePoller({ context, mapping, fn, invoke });
    this.#pollers.set(mapping.id, poller);
    poller.start();
  }

  async #stopPoller(id: string): Promise<void> {
    const poller = this.#pollers.get(id);
    this.#pollers.delete(id);
    await poller?.stop();
  }
}

/** Limits and wording: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html */
function check({ batchSize, windowSeconds, maximumConcurrency, queueArn }: EventSourceMapping): void {
  const isFifo = queueArn.endsWith('.fifo');
  const within = (value: number, from: number, to: number, name: string) => {
    if (value < from || value > to)
      throw invalid(`${name} must be between ${from} and ${to}, and is ${value}.`);
  };
  within(batchSize, 1, isFifo ? 10 : 10_000, 'BatchSize');
  within(windowSeconds, 0, isFifo ? 0 : 300, 'MaximumBatchingWindowInSeconds');
  if (maximumConcurrency !== undefined) within(maximumConcurrency, 2, 1000, 'MaximumConcurrency');
  if (batchSize > 10 && windowSeconds === 0) {
    throw invalid(
      'Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10',
    );
  }
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}

function idFrom(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

/** The `EventSourceMappingConfiguration` of the API. */
export function describeMapping(context: RuntimeContext, mapping: EventSourceMapping): Shape {
  return {
    UUID: mapping.id,
    EventSourceArn: mapping.queueArn,
    FunctionArn: functionArn(context, mapping.functionName),
    BatchSize: mapping.batchSize,
    MaximumBatchingWindowInSeconds: mapping.windowSeconds,
    FunctionResponseTypes: mapping.reportsItemFailures ? ['ReportBatchItemFailures'] : [],
    ...(mapping.maximumConcurrency && { ScalingConfig: { MaximumConcurrency: mapping.maximumConcurrency } }),
    ...(mapping.filters.length > 0 && {
      FilterCriteria: { Filters: mapping.filters.map((Pattern) => ({ Pattern })) },
    }),
    State: mapping.enabled ? 'Enabled' : 'Disabled',
    StateTransitionReason: 'USER_INITIATED',
    LastModified: new Date(mapping.lastModified),
  };
}
