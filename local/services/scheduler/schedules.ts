import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { isTarget } from '../events/delivery.ts';
import type { Outbox } from '../events/outbox.ts';
import { instant, numeric, object } from '../operation.ts';
import type { RuntimeContext } from '../service.ts';
import { parseSchedule } from './expression.ts';

/** https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html */
const DAY_SECONDS = 86_400;
const MAX_RETRIES = 185;

const ScheduleTarget = z.object({
  Arn: z.string().refine(isTarget, { error: ({ input }) => `${input} has no local stand-in as a target` }),
  RoleArn: z.string(),
  Input: z.string().default('{}'),
  SqsParameters: object.optional(),
  EventBridgeParameters: z.object({ Source: z.string(), DetailType: z.string() }).optional(),
  DeadLetterConfig: z.object({ Arn: z.string().optional() }).optional(),
  RetryPolicy: z
    .object({ MaximumEventAgeInSeconds: numeric.optional(), MaximumRetryAttempts: numeric.optional() })
    .optional(),
});

/** Times are kept as they were given, and read when they are needed. */
const time = z.union([z.string(), z.number()]);

export const ScheduleSettings = z.object({
  Name: z.string().regex(/^[\w.-]{1,64}$/),
  GroupName: z.string().default('default'),
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.string().default('UTC'),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  Description: z.string().optional(),
  StartDate: time.optional(),
  EndDate: time.optional(),
  FlexibleTimeWindow: object.default({ Mode: 'OFF' }),
  ActionAfterCompletion: z.enum(['NONE', 'DELETE']).default('NONE'),
  Target: ScheduleTarget,
});
export type ScheduleSettings = z.infer<typeof ScheduleSettings>;

const OCCURRENCE = /<aws\.scheduler\.(scheduled-time|execution-id|schedule-arn|attempt-number)>/g;

/** A schedule that runs: calls its target at each occurrence, at the window's beginning where it has one. */
export class RunningSchedule {
  readonly settings: ScheduleSettings;
  readonly arn: string;
  readonly #context: RuntimeContext;
  readonly #outbox: Outbox;
  #cancel: (() => void) | undefined;

  /** @param onOver called when it will never be due again */
  constructor(settings: ScheduleSettings, context: RuntimeContext, outbox: Outbox, onOver: () => void) {
    this.settings = settings;
    this.arn = `arn:aws:scheduler:${context.region}:${context.account}:schedule/${settings.GroupName}/${settings.Name}`;
    this.#context = context;
    this.#outbox = outbox;
    const { clock } = context;
    const begin =
      settings.StartDate === undefined
        ? clock.now()
        : Math.max(clock.now(), instant.parse(settings.StartDate));
    const end = settings.EndDate === undefined ? Number.POSITIVE_INFINITY : instant.parse(settings.EndDate);
    const schedule = parseSchedule(settings.ScheduleExpression, settings.ScheduleExpressionTimezone, begin);
    const arm = (after: number) => {
      const due = schedule.next(after);
      if (due === undefined || due > end) return onOver();
      this.#cancel = clock.after(due - clock.now(), () => {
        this.#fire(due);
        arm(due);
      });
    };
    if (settings.State === 'ENABLED') arm(begin);
  }

  stop(): void {
    this.#cancel?.();
  }

  #fire(due: number): void {
    const { Target, Name } = this.settings;
    const id = randomUUID();
    const occurrence: Record<string, string> = {
      'scheduled-time': new Date(due).toISOString().replace(/\.\d+Z$/, 'Z'),
      'execution-id': id,
      'schedule-arn': this.arn,
      'attempt-number': '1',
    };
    const input = Target.Input.replace(OCCURRENCE, (_place, name: string) => occurrence[name] ?? '');
    const bus = Target.EventBridgeParameters;
    const payload = bus
      ? JSON.stringify({ source: bus.Source, 'detail-type': bus.DetailType, detail: JSON.parse(input) })
      : input;
    this.#outbox.add([
      {
        id: `${Name.slice(0, 40)}_${id}`,
        targetArn: Target.Arn,
        sourceArn: this.arn,
        service: 'scheduler.amazonaws.com',
        roleArn: Target.RoleArn,
        payload,
        parameters: Target.SqsParameters ?? {},
        ...(Target.DeadLetterConfig?.Arn && { deadLetterArn: Target.DeadLetterConfig.Arn }),
        createdAt: this.#context.clock.now(),
        maxAgeSeconds: Target.RetryPolicy?.MaximumEventAgeInSeconds ?? DAY_SECONDS,
        maxRetries: Target.RetryPolicy?.MaximumRetryAttempts ?? MAX_RETRIES,
      },
    ]);
  }
}
