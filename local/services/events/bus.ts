import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { numeric, object } from '../operation.ts';
import { parseSchedule } from '../scheduler/expression.ts';
import { AwsError, type BusEvent, type RuntimeContext } from '../service.ts';
import { type Delivery, isTarget } from './delivery.ts';
import { TargetInput, targetPayload } from './input.ts';
import type { Outbox } from './outbox.ts';
import { type EventTest, parsePattern } from './pattern.ts';

/** Default retry policy: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html */
const DAY_SECONDS = 86_400;
const MAX_RETRIES = 185;

export const Target = TargetInput.extend({
  Id: z.string(),
  Arn: z.string().refine(isTarget, { error: ({ input }) => `${input} has no local stand-in as a target` }),
  RoleArn: z.string().optional(),
  SqsParameters: object.optional(),
  DeadLetterConfig: z.object({ Arn: z.string().optional() }).optional(),
  RetryPolicy: z
    .object({ MaximumEventAgeInSeconds: numeric.optional(), MaximumRetryAttempts: numeric.optional() })
    .optional(),
});
export type Target = z.infer<typeof Target>;

/** Everything about a rule but its targets. */
export const RuleSettings = z.object({
  Name: z.string().regex(/^[\w.-]{1,64}$/, 'a rule name is 1 to 64 letters, digits, ., - and _'),
  EventBusName: z.string().default('default'),
  EventPattern: z.string().optional(),
  ScheduleExpression: z.string().optional(),
  State: z.enum(['ENABLED', 'DISABLED', 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS']).default('ENABLED'),
  Description: z.string().optional(),
  RoleArn: z.string().optional(),
});
export type RuleSettings = z.infer<typeof RuleSettings>;

export interface Rule {
  readonly arn: string;
  readonly settings: RuleSettings;
  readonly targets: Map<string, Target>;
  readonly matches: EventTest | undefined;
  cancelSchedule?: () => void;
}

/** Rules that may match, found by an event's source: most rules name it. */
interface Index {
  readonly bySource: Map<string, Rule[]>;
  readonly others: Rule[];
}

const NamesSources = z.object({ source: z.array(z.string()).min(1) });

/** An event bus: rules, and the deliveries that follow from events. */
export class EventBus {
  readonly name: string;
  readonly arn: string;
  readonly rules = new Map<string, Rule>();
  readonly #context: RuntimeContext;
  readonly #outbox: Outbox;
  #index: Index | undefined;

  constructor(name: string, context: RuntimeContext, outbox: Outbox) {
    this.name = name;
    this.arn = `arn:aws:events:${context.region}:${context.account}:event-bus/${name}`;
    this.#context = context;
    this.#outbox = outbox;
  }

  /** @throws AwsError ResourceNotFoundException */
  rule(name: string): Rule {
    const rule = this.rules.get(name);
    if (!rule)
      throw new AwsError(
        'ResourceNotFoundException',
        `Rule ${name} does not exist on EventBus ${this.name}.`,
      );
    return rule;
  }

  ruleArn(name: string): string {
    const path = this.name === 'default' ? name : `${this.name}/${name}`;
    return `arn:aws:events:${this.#context.region}:${this.#context.account}:rule/${path}`;
  }

  /** Creates or replaces a rule; its targets stay. */
  putRule(settings: RuleSettings): Rule {
    if (settings.EventPattern === undefined && settings.ScheduleExpression === undefined) {
      throw new AwsError(
        'ValidationException',
        'Parameter(s) EventPattern or ScheduleExpression must be specified.',
      );
    }
    const known = this.rules.get(settings.Name);
    known?.cancelSchedule?.();
    const rule: Rule = {
      arn: this.ruleArn(settings.Name),
      settings,
      targets: known?.targets ?? new Map(),
      matches: settings.EventPattern === undefined ? undefined : parsePattern(settings.EventPattern),
    };
    this.rules.set(settings.Name, rule);
    this.changed();
    this.#schedule(rule);
    return rule;
  }

  deleteRule(name: string): void {
    const rule = this.rules.get(name);
    if (rule && rule.targets.size > 0) {
      throw new AwsError('ValidationException', "Rule can't be deleted since it has targets.");
    }
    rule?.cancelSchedule?.();
    this.rules.delete(name);
    this.changed();
  }

  /** To be called when targets of a rule changed. */
  changed(): void {
    this.#index = undefined;
  }

  /** Whether any rule could want an event of this source; the cheap question before an envelope is built. */
  mayWant(source: string): boolean {
    const { bySource, others } = this.#indexed();
    return others.length > 0 || bySource.has(source);
  }

  /** Hands an event to every target of every rule that it matches. When it returns, the deliveries are on disk. */
  deliver(event: BusEvent, id: string = randomUUID()): void {
    if (!this.mayWant(event.source)) return;
    const envelope = this.envelope(event, id);
    const { bySource, others } = this.#indexed();
    const deliveries = [...(bySource.get(event.source) ?? []), ...others]
      .filter((rule) => rule.matches?.(envelope))
      .flatMap((rule) => this.#deliveries(rule, envelope, id));
    if (deliveries.length > 0) this.#outbox.add(deliveries);
  }

  envelope(event: BusEvent, id: string): Record<string, unknown> {
    const time = event.time ?? new Date(this.#context.clock.now()).toISOString();
    return {
      version: '0',
      id,
      'detail-type': event['detail-type'],
      source: event.source,
      account: this.#context.account,
      time: time.replace(/\.\d+Z$/, 'Z'),
      region: this.#context.region,
      resources: event.resources ?? [],
      detail: event.detail,
    };
  }

  stop(): void {
    for (const rule of this.rules.values()) rule.cancelSchedule?.();
  }

  #deliveries(rule: Rule, envelope: Record<string, unknown>, eventId: string): Delivery[] {
    this.#count('TriggeredRules', rule, 1);
    this.#count('Invocations', rule, rule.targets.size);
    return [...rule.targets.values()].map((target) => ({
      id: `${eventId}_${rule.settings.Name}_${target.Id}`.slice(0, 80),
      targetArn: target.Arn,
      sourceArn: rule.arn,
      service: 'events.amazonaws.com',
      ...(target.RoleArn && { roleArn: target.RoleArn }),
      payload: targetPayload(target, envelope, { name: rule.settings.Name, arn: rule.arn }),
      parameters: target.SqsParameters ?? {},
      ...(target.DeadLetterConfig?.Arn && { deadLetterArn: target.DeadLetterConfig.Arn }),
      createdAt: this.#context.clock.now(),
      maxAgeSeconds: target.RetryPolicy?.MaximumEventAgeInSeconds ?? DAY_SECONDS,
      maxRetries: target.RetryPolicy?.MaximumRetryAttempts ?? MAX_RETRIES,
    }));
  }

  #count(name: string, rule: Rule, value: number): void {
    this.#context.metric({
      namespace: 'AWS/Events',
      name,
      dimensions: { RuleName: rule.settings.Name },
      value,
      unit: 'Count',
    });
  }

  #indexed(): Index {
    if (this.#index) return this.#index;
    const index: Index = { bySource: new Map(), others: [] };
    for (const rule of this.rules.values()) {
      if (rule.settings.State === 'DISABLED' || rule.targets.size === 0 || !rule.matches) continue;
      const named = NamesSources.safeParse(JSON.parse(rule.settings.EventPattern ?? '{}'));
      if (!named.success) index.others.push(rule);
      for (const source of new Set(named.data?.source)) {
        index.bySource.set(source, [...(index.bySource.get(source) ?? []), rule]);
      }
    }
    this.#index = index;
    return index;
  }

  /** Arms the next occurrence of a rule with a schedule. */
  #schedule(rule: Rule): void {
    const { ScheduleExpression, State } = rule.settings;
    if (ScheduleExpression === undefined || State === 'DISABLED') return;
    const { clock } = this.#context;
    const schedule = parseSchedule(ScheduleExpression, 'UTC', clock.now());
    const arm = () => {
      const due = schedule.next(clock.now());
      if (due === undefined) return;
      rule.cancelSchedule = clock.after(due - clock.now(), () => {
        const id = randomUUID();
        const event = {
          source: 'aws.events',
          'detail-type': 'Scheduled Event',
          detail: {},
          resources: [rule.arn],
        };
        this.#outbox.add(this.#deliveries(rule, this.envelope(event, id), id));
        arm();
      });
    };
    arm();
  }
}
