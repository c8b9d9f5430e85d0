import * as z from 'zod/mini';
import { ENV, type Limits, type Prices } from './contract.ts';
import { InvalidEnvironment } from './errors.ts';
import { problems } from './parse.ts';

const text = z.string().check(z.minLength(1));
const count = z.number().check(z.positive());

/** A JSON value in a variable. */
function json<Value>(schema: z.ZodMiniType<Value>) {
  const decoded = z.transform((value: string, context) => {
    try {
      return JSON.parse(value) as unknown;
    } catch {
      context.issues.push({ code: 'custom', message: 'is not JSON', input: value });
      return z.NEVER;
    }
  });
  return z.pipe(z.pipe(text, decoded), schema);
}

const Trigger = z.object({ pipeline: text, stateMachineArn: text });

const LimitsSchema: z.ZodMiniType<Limits> = z.object({
  maxTextBytes: count,
  maxImageBytes: count,
  maxDocumentBytes: count,
  maxPages: count,
  holdAboveUsd: count,
});

const PricesSchema: z.ZodMiniType<Prices> = z.object({
  textractPerPage: z.number().check(z.nonnegative()),
  comprehendPerUnit: z.number().check(z.nonnegative()),
});

/** Every variable that a handler may name, and what it must hold. */
const VARIABLES = {
  [ENV.AUDIT_TABLE]: text,
  [ENV.LANDING_BUCKET]: text,
  [ENV.LAKE_BUCKET]: text,
  [ENV.TRIGGERS]: json(z.record(text, Trigger)),
  [ENV.PIPELINES]: json(z.record(text, text)),
  [ENV.LIMITS]: json(LimitsSchema),
  [ENV.PRICES]: json(PricesSchema),
  [ENV.OCR_JOBS_TABLE]: text,
  [ENV.OCR_COMPLETION_TOPIC_ARN]: text,
  [ENV.OCR_COMPLETION_ROLE_ARN]: text,
  [ENV.TASK_QUEUE_URL]: text,
  [ENV.LOAD_STATE_MACHINE_ARN]: text,
  [ENV.WAREHOUSE_SCHEMA]: text,
  [ENV.TICKETS_TABLE]: text,
  [ENV.SECOND_CHANNEL_TOPIC_ARN]: text,
  // Their schemas are in the folders of their pipelines; bundles of other handlers do without.
  [ENV.DESKS]: json(z.unknown()),
  [ENV.ROUTES]: json(z.unknown()),
  [ENV.HELP_DESK]: json(z.unknown()),
  [ENV.DEAD_LETTERS_URL]: text,
  [ENV.RECONCILIATION]: json(z.unknown()),
  [ENV.CANARY]: json(z.unknown()),
  [ENV.OBJECTIVE]: json(z.object({ seconds: count })),
  [ENV.ARRIVALS_QUEUE_URL]: text,
  [ENV.CURATED_QUEUE_URL]: text,
  [ENV.CHANGES_QUEUE_URL]: text,
  [ENV.INCIDENTS_QUEUE_URL]: text,
  [ENV.TABULAR]: json(z.unknown()),
  [ENV.CRM]: json(z.unknown()),
  [ENV.CRM_SECRET_ARN]: text,
  [ENV.WEBHOOK_SECRET_ARN]: text,
  [ENV.CRM_STATE_MACHINE_ARN]: text,
  [ENV.SOURCES_TABLE]: text,
  [ENV.EVENTS_QUEUE_URL]: text,
  [ENV.FEATURES]: json(z.unknown()),
  [ENV.MAINTENANCE]: json(z.unknown()),
  [ENV.DAILY_OCR_USD]: json(z.number().check(z.nonnegative())),
};

type Name = keyof typeof VARIABLES;
export type Environment<Names extends Name> = { readonly [N in Names]: z.output<(typeof VARIABLES)[N]> };

/**
 * Parses the named variables, once, at cold start.
 * @throws InvalidEnvironment naming every variable that is missing or wrong
 */
export function environment<Names extends Name>(
  names: readonly Names[],
  variables: Readonly<Record<string, string | undefined>> = process.env,
): Environment<Names> {
  const wrong: string[] = [];
  const parsed = names.map((name) => {
    const result = z.safeParse(VARIABLES[name], variables[name]);
    if (result.success) return [name, result.data];
    wrong.push(`${name} ${variables[name] === undefined ? 'is not set' : `(${problems(result.error)})`}`);
    return [name, undefined];
  });
  if (wrong.length > 0) {
    throw new InvalidEnvironment(
      `The function's environment is wrong: ${wrong.join(', ')}. Deploy the stack again.`,
    );
  }
  return Object.fromEntries(parsed) as Environment<Names>;
}
