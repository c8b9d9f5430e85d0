import { z } from 'zod';
import { FAULT_KINDS } from '../help-desk/faults.ts';
import { BREAKS, isBreak, unknownBreak } from './breaks.ts';

/** Who an API call is made by; see `callerOf` in faults.ts. */
const CALLERS = ['function', 'state-machine', 'poller', 'service', 'administrator'] as const;
export type CallerKind = (typeof CALLERS)[number];

/** Services that deliver events. */
const SOURCES = ['s3', 'events', 'sns'] as const;
export type EventSource = (typeof SOURCES)[number];

const seconds = z.number().min(0);
/** A duration, or one drawn evenly from a range; seconds of the runtime's clock. */
const duration = z.union([
  seconds,
  z.tuple([seconds, seconds]).refine(([from, to]) => from <= to, 'the range must not end before it begins'),
]);
export type Duration = z.output<typeof duration>;

/** Of every rule. */
const often = {
  /** Share of what matches that the fault meets, 0 to 1. */
  probability: z.number().min(0).max(1).default(1),
  /** The rule is spent after so many faults. */
  count: z.int().min(1).optional(),
};

/** Of rules on API calls: which. */
const onCalls = {
  ...often,
  /** Signing name, such as `textract` or `redshift-data`; every service when left out. */
  service: z.string().optional(),
  /** Names of API actions; every action when left out. */
  operations: z.array(z.string()).min(1).optional(),
  /** Whose calls. People and the runtime's own console are left alone unless named here. */
  callers: z.array(z.enum(CALLERS)).min(1).default(['function', 'state-machine']),
  /** Part of the name of the role, the function or the execution that calls. */
  by: z.string().optional(),
};

/** Of rules on deliveries of events. */
const onEvents = {
  ...often,
  from: z
    .array(z.enum(SOURCES))
    .min(1)
    .default([...SOURCES]),
};

export const MOMENTS = ['before', 'during', 'after'] as const;

const rule = z.discriminatedUnion('fault', [
  /** The service refuses the call for load, under its own error. */
  z.strictObject({ fault: z.literal('throttled'), ...onCalls }),
  /** The service fails: with its own server error, or with `error`. Nothing was done. */
  z.strictObject({
    fault: z.literal('failing'),
    ...onCalls,
    error: z
      .strictObject({
        code: z.string().min(1),
        message: z.string().default('This fault was switched on.'),
        status: z.int().min(400).max(599).default(400),
      })
      .optional(),
  }),
  /** The service does what it was asked, and its answer is lost: the caller sees a server error. */
  z.strictObject({ fault: z.literal('unanswered'), ...onCalls }),
  z.strictObject({ fault: z.literal('slow'), ...onCalls, seconds: duration }),
  /** An event is delivered twice, the second time after `seconds`. */
  z.strictObject({ fault: z.literal('duplicated'), ...onEvents, seconds: duration.default(0) }),
  z.strictObject({ fault: z.literal('delayed'), ...onEvents, seconds: duration }),
  /** An event is held back until a later one of the same source was delivered, or for `seconds`. */
  z.strictObject({ fault: z.literal('reordered'), ...onEvents, seconds: duration.default(2) }),
  /** A status change of an execution never reaches EventBridge: those events are best effort, S3's are not lost. */
  z.strictObject({ fault: z.literal('lost'), ...often, statuses: z.array(z.string()).min(1).optional() }),
  /**
   * The process of a function is killed: `before` its work; `during` it, just when AWS has done the first or a later of
   * its calls and not answered yet; `after` it, when all is done and the result is lost.
   */
  z.strictObject({
    fault: z.literal('crashed'),
    ...often,
    moment: z.enum(MOMENTS),
    /** Part of the function's name. */
    function: z.string().optional(),
  }),
  /** What the local help desk does wrong. */
  z.strictObject({ fault: z.literal('help-desk'), ...often, how: z.enum(FAULT_KINDS) }),
  /** What the local CRM does wrong. */
  z.strictObject({ fault: z.literal('crm'), ...often, how: z.enum(FAULT_KINDS) }),
  /** The runtime's clock jumps ahead: once, or `count` times every `every` seconds. */
  z.strictObject({
    fault: z.literal('clock'),
    count: z.int().min(1).default(1),
    seconds: duration,
    every: seconds.default(0),
  }),
]);

export type Rule = z.output<typeof rule>;
export type FaultName = Rule['fault'];
export type RuleOf<Name extends FaultName> = Extract<Rule, { fault: Name }>;
/** A rule as it is written: what has a default may be left out. */
export type RuleInput = z.input<typeof rule>;

const breakName = z.string().transform((name, check) => {
  if (isBreak(name)) return name;
  check.addIssue({ code: 'custom', message: unknownBreak(name) });
  return z.NEVER;
});
const plan = z.strictObject({
  /** Decides where chance does; the same seed and the same order of events bring the same faults. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
  /** Named sets of rules. */
  breaks: z.array(breakName).default([]),
  rules: z.array(rule).default([]),
});

/** Faults to switch on, as an option, a file or a request gives them. */
export type FaultPlan = z.input<typeof plan>;

/** A fault plan is wrong; the message says where. */
export class InvalidFaults extends Error {
  override readonly name = 'InvalidFaults';
}

/**
 * Reads a plan, or a bare list of rules.
 * @returns every rule, those of named sets first
 * @throws InvalidFaults
 */
export function readPlan(value: unknown): { seed: number | undefined; rules: readonly Rule[] } {
  const parsed = plan.safeParse(Array.isArray(value) ? { rules: value } : value);
  if (!parsed.success) throw new InvalidFaults(`The fault plan is wrong.\n${z.prettifyError(parsed.error)}`);
  const { seed, breaks, rules } = parsed.data;
  const named = breaks.flatMap((name) => BREAKS[name].rules.map((one) => rule.parse(one)));
  return { seed, rules: [...named, ...rules] };
}
