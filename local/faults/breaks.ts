import { FAULT_KINDS } from '../help-desk/faults.ts';
import type { EventSource, RuleInput } from './rules.ts';

/** A named set of faults. */
export interface Break {
  /** What is broken, as a sentence for people. */
  readonly what: string;
  readonly rules: readonly RuleInput[];
  /** Whether files fail while it lasts, so that tickets open; the others are borne without anybody noticing. */
  readonly fails?: boolean;
}

/** Services that functions and state machines call. */
const SERVICES = [
  'textract',
  'comprehend',
  'dynamodb',
  's3',
  'sqs',
  'sns',
  'states',
  'lambda',
  'events',
  'redshift-data',
];
const SOURCES: readonly EventSource[] = ['s3', 'events', 'sns'];

/** Every rule of several sets, each with this probability. */
const each = (probability: number, rules: readonly RuleInput[]): RuleInput[] =>
  rules.map((rule) => (rule.fault === 'clock' ? rule : { ...rule, probability }));

const EVENTS: readonly RuleInput[] = SOURCES.flatMap((source): RuleInput[] => [
  { fault: 'duplicated', from: [source] },
  { fault: 'duplicated', from: [source], seconds: [1, 5] },
  { fault: 'delayed', from: [source], seconds: [0.5, 3] },
  { fault: 'reordered', from: [source], seconds: 3 },
]);
const THROTTLING: readonly RuleInput[] = SERVICES.map((service) => ({ fault: 'throttled', service }));
const ERRORS: readonly RuleInput[] = SERVICES.flatMap((service): RuleInput[] => [
  { fault: 'failing', service },
  { fault: 'unanswered', service },
  { fault: 'slow', service, seconds: [0.05, 0.5] },
]);
const CRASHES: readonly RuleInput[] = [
  { fault: 'crashed', moment: 'before' },
  { fault: 'crashed', moment: 'during' },
  { fault: 'crashed', moment: 'after' },
];
const LOST: readonly RuleInput[] = [{ fault: 'lost' }];
const HELP_DESK = FAULT_KINDS.map((how): RuleInput => ({ fault: 'help-desk', how }));
/** Small jumps: a big one makes everything that runs run out of time at once. */
const CLOCK: RuleInput = { fault: 'clock', seconds: [1, 20], every: 10, count: 10 };

/** Sets of faults that can be asked for by name: `npm start -- --break NAME`. */
export const BREAKS = {
  ocr: {
    what: 'Textract answers every call with an error of its own, which is not about load.',
    rules: [{ fault: 'failing', service: 'textract' }],
    fails: true,
  },
  warehouse: {
    what: 'The warehouse refuses every statement.',
    rules: [
      {
        fault: 'failing',
        service: 'redshift-data',
        operations: ['ExecuteStatement', 'BatchExecuteStatement'],
        error: { code: 'ValidationException', message: "Redshift endpoint doesn't exist in this region." },
      },
    ],
    fails: true,
  },
  'help-desk': {
    what: 'The help desk is down.',
    rules: [{ fault: 'help-desk', how: 'down' }],
  },
  events: {
    what: 'Events are delivered twice, late, and in another order.',
    rules: each(0.2, EVENTS),
  },
  throttling: {
    what: 'Every service refuses one call in ten for load.',
    rules: each(0.1, THROTTLING),
  },
  errors: {
    what: 'Every service fails now and then, is slow, or does its work and loses the answer.',
    rules: each(0.05, ERRORS),
  },
  crashes: {
    what: 'Functions are killed before, during and after their work.',
    rules: each(0.05, CRASHES),
  },
  'lost-events': {
    what: 'One status change of an execution in five is never told.',
    rules: each(0.2, LOST),
  },
  everything: {
    what: 'Everything that can go wrong does, five times in a hundred.',
    rules: each(0.05, [...EVENTS, ...THROTTLING, ...ERRORS, ...CRASHES, ...LOST, ...HELP_DESK, CLOCK]),
  },
} satisfies Readonly<Record<string, Break>>;

export type BreakName = keyof typeof BREAKS;

export const isBreak = (name: string): name is BreakName => Object.hasOwn(BREAKS, name);

export const unknownBreak = (name: string): string =>
  `There is no break "${name}". There are: ${Object.keys(BREAKS).join(', ')}.`;
