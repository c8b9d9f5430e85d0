import { z } from 'zod';
import { OCR_SPEND } from '../lambdas/ocr/contract.ts';
import type { Severity } from '../lambdas/shared/contract.ts';
import { DATA_OPTIONS } from './data-options.ts';
import { type About, amount, choice, flag, identifier, whole } from './option-kinds.ts';

const MIB = 1024 ** 2;
/** The periods that CloudWatch Logs accepts (PutRetentionPolicy). */
const LOG_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** Help desks that tickets can be opened at. */
export const PROVIDERS = ['zendesk', 'servicenow', 'jsm', 'jira', 'pagerduty', 'slack', 'webhook'] as const;
const SEVERITIES = ['critical', 'error', 'warning', 'info'] as const satisfies readonly Severity[];

/** Every option: its type, default, meaning and range. Sections are one level deep. */
export const OPTIONS = {
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/)
    .optional()
    .meta({
      description: 'Region of the stacks. Left out, the same template deploys to any region.',
      allowed: 'a region such as eu-central-1',
    } satisfies About),
  account: z
    .string()
    .regex(/^\d{12}$/)
    .optional()
    .meta({
      description: 'Account of the stacks. Left out, the same template deploys to any account.',
      allowed: 'twelve digits, as text',
    } satisfies About),
  removalPolicy: choice(
    'What becomes of buckets, tables and the warehouse when they leave the stack.',
    ['retain', 'destroy'],
    'retain',
  ),
  deletionProtection: flag('Whether the tables refuse to be deleted.', true),
  logLevel: choice('Level of the handlers’ logs.', ['DEBUG', 'INFO', 'WARN', 'ERROR'], 'INFO'),
  tags: z
    .record(z.string().min(1).max(128), z.string().max(256))
    .default({})
    .meta({
      description:
        'Tags of every resource, for example owner and cost centre. Application and Environment are always there.',
      allowed: 'an object of texts, for example {"Owner": "data@example.com", "CostCentre": "4711"}',
    } satisfies About),
  retention: {
    logDays: z
      .literal(LOG_DAYS)
      .default(30)
      .meta({
        description: 'Days that logs are kept.',
        allowed: `one of ${LOG_DAYS.join(', ')}`,
      } satisfies About),
    accessLogDays: whole('Days that the buckets’ access logs are kept.', { min: 1, max: 3650, default: 365 }),
    infrequentAccessDays: whole(
      'Days after which objects move to S3 Standard-IA, which takes none before the 30th.',
      {
        min: 30,
        max: 3650,
        default: 30,
      },
    ),
    glacierDays: whole('Days after which objects move to Glacier; at least 30 after infrequentAccessDays.', {
      min: 60,
      max: 3650,
      default: 90,
    }),
    noncurrentDays: whole('Days that overwritten and deleted versions are kept.', {
      min: 1,
      max: 3650,
      default: 30,
    }),
    unfinishedUploadDays: whole('Days after which unfinished multipart uploads are removed.', {
      min: 1,
      max: 365,
      default: 7,
    }),
  },
  limits: {
    maxTextBytes: whole('Longest text file, bytes.', { min: 1, max: 100 * MIB, default: MIB }),
    maxImageBytes: whole('Largest image, bytes. Textract takes 10 MiB.', {
      min: 1,
      max: 10 * MIB,
      default: 10 * MIB,
    }),
    maxDocumentBytes: whole('Largest PDF or TIFF, bytes. Textract takes 500 MiB.', {
      min: 1,
      max: 500 * MIB,
      default: 500 * MIB,
    }),
    maxPages: whole('Most pages of a PDF or TIFF. Textract takes 3,000.', {
      min: 1,
      max: 3000,
      default: 3000,
    }),
    holdAboveUsd: z
      .number()
      .positive()
      .default(1)
      .meta({
        description: 'A document whose estimated cost is over this waits for a person, USD.',
        allowed: 'a number above 0',
      } satisfies About),
  },
  prices: {
    textractPerPage: amount('List price of reading one page, USD.', 0.0015),
    comprehendPerUnit: amount('List price of 100 characters for one of Comprehend’s answers, USD.', 0.0001),
  },
  concurrency: {
    intake: whole('Most intake functions at once.', { min: 2, max: 1000, default: 20 }),
    ocr: whole(
      'Most documents that are handed to Textract at once. A call takes about a second, so 10 stay below 25 calls a second, the quota in us-east-1; other regions allow as little as 1.',
      { min: 2, max: 1000, default: 10 },
    ),
    sentiment: whole(
      'Most texts that Comprehend analyses at once. A text takes about five calls in a second, so 5 stay near 20 calls of a kind a second, the default quota.',
      { min: 2, max: 1000, default: 5 },
    ),
    recorder: whole('Most recorder functions at once.', { min: 2, max: 1000, default: 10 }),
  },
  timeouts: {
    ocrSeconds: whole(
      'Seconds that the ocr state machine waits for a result, or a sign that its document waits for the next day’s spend; time in the queue included.',
      {
        min: 60,
        max: 36_000,
        default: 21_600,
      },
    ),
    sentimentSeconds: whole(
      'Seconds that the sentiment state machine waits for a result, time in the queue included.',
      {
        min: 60,
        max: 36_000,
        default: 21_600,
      },
    ),
  },
  warehouse: {
    enabled: flag(
      'Whether there is a Redshift Serverless warehouse. Without it, data ends as Parquet in the lake.',
      true,
    ),
    baseCapacity: whole(
      'Capacity it starts with, RPU. Redshift knows 4, and multiples of 8; 4 is not offered in every region.',
      {
        min: 4,
        max: 512,
        default: 4,
        step: 4,
      },
    ),
    maxCapacity: whole('Most capacity it grows to, RPU.', { min: 4, max: 5632, default: 16, step: 4 }),
    usageLimitRpuHours: whole(
      'RPU-hours a day after which user queries are refused until the next day. 24 cost $9 at list price.',
      { min: 1, max: 100_000, default: 24 },
    ),
    batchSeconds: whole(
      'Seconds in which curated records gather into one load. Each wake of the warehouse bills at least 60 seconds, and usageLimitRpuHours of 24 is spent after 360 loads a day.',
      { min: 1, max: 300, default: 300 },
    ),
    pollSeconds: whole('Seconds between two looks at a running load.', { min: 1, max: 60, default: 2 }),
    database: identifier('Database of the warehouse.', 'millrace'),
    schema: identifier('Schema of the datasets’ tables.', 'millrace'),
  },
  helpDesk: {
    desks: z
      .record(z.string().regex(/^[a-z][a-z0-9-]{0,29}$/), z.strictObject({ provider: z.enum(PROVIDERS) }))
      .default({})
      .meta({
        description:
          'Desks that get tickets, by names of your own. Address and credentials of each are put into its secret after the deployment; until then its tickets go to the second channel.',
        allowed: `an object such as {"support": {"provider": "zendesk"}}; providers are ${PROVIDERS.join(', ')}`,
      } satisfies About),
    routes: z
      .array(
        z.strictObject({
          pipelines: z.array(z.string().min(1)).optional(),
          severities: z.array(z.enum(SEVERITIES)).optional(),
          desks: z.array(z.string().min(1)).min(1),
        }),
      )
      .default([])
      .meta({
        description:
          'Which incidents go to which desks. Every route that matches counts; a route without pipelines or severities takes all. Without a route everything goes to every desk.',
        allowed: `an array such as [{"severities": ["critical"], "pipelines": ["document-ingestion"], "desks": ["on-call"]}]; severities are ${SEVERITIES.join(', ')}`,
      } satisfies About),
    email: z
      .email()
      .optional()
      .meta({
        description:
          'Address of the second channel, which is told when the help desk cannot be. AWS asks it to confirm.',
        allowed: 'an e-mail address',
      } satisfies About),
    runbookUrl: z
      .string()
      .min(1)
      .max(500)
      .default('docs/operations.md')
      .meta({
        description:
          'Where docs/operations.md can be read by those on call; tickets and alarms link to its sections.',
        allowed: 'an address or path',
      } satisfies About),
    allowPrivateTargets: flag(
      'Whether desks may be at http addresses and in private networks. For desks of your own inside a network.',
      false,
    ),
    reopenHours: whole(
      'Hours after its resolution within which an incident opens its ticket again, and no new one.',
      {
        min: 0,
        max: 720,
        default: 24,
      },
    ),
  },
  owners: z
    .record(z.string().min(1), z.string().min(1).max(256))
    .default({})
    .meta({
      description:
        'Who owns a pipeline: shown in tickets and tagged on its resources. Others have the Owner of tags.',
      allowed: 'an object such as {"document-ingestion": "data@example.com"}',
    } satisfies About),
  objectives: {
    share: z
      .number()
      .min(0.5)
      .max(0.9999)
      .default(0.999)
      .meta({
        description:
          'Share of files that are to succeed or be refused in time; the rest is the error budget.',
        allowed: 'a number from 0.5 to 0.9999',
      } satisfies About),
    minutes: whole('Minutes from landing that count as in time.', { min: 1, max: 1440, default: 10 }),
  },
  alarms: {
    durationP95Seconds: whole(
      'The 95th percentile of a file’s duration that is usual, seconds. The alarm is 200 % above it.',
      { min: 1, max: 86_400, default: 120 },
    ),
    queueAgeMinutes: whole('Minutes that a message may wait in a queue.', { min: 1, max: 1440, default: 30 }),
    freshnessHours: whole('Hours in which, while files arrive, at least one has to succeed.', {
      min: 1,
      max: 24,
      default: 6,
    }),
    minFilesPerDay: whole('Fewest files expected in 24 hours; 0 where there is no expectation.', {
      min: 0,
      max: 100_000_000,
      default: 0,
    }),
    silentHours: whole('Hours without a single file that are unusual; 0 where silence is usual.', {
      min: 0,
      max: 24,
      default: 0,
    }),
    rejectedShare: z
      .number()
      .gt(0)
      .max(1)
      .default(0.2)
      .meta({
        description: 'Share of files refused in an hour that is unusual.',
        allowed: 'a number above 0, at most 1',
      } satisfies About),
    costPerGbUsd: amount('Estimated cost of a GB of files in a day that is unusual, USD.', 100),
  },
  spend: {
    dailyOcrUsd: amount(
      'Estimated spend on OCR in a day (UTC) after which documents wait until the next, USD; 0 for no ceiling. Intake goes on.',
      0,
    ),
    monthlyBudgetUsd: amount(
      'Monthly budget of everything tagged Application=Millrace, USD; 0 for none, and in regions where CloudFormation may know no budgets (it then says "Unrecognized resource types"), such as eu-north-1 and eu-south-2.',
      100,
    ),
    // Off: AWS refuses monitors of a tag in member accounts of an organisation, and any where Cost Explorer was never
    // opened, and a refusal fails the deployment (Cost Management user guide, "Getting started with AWS Cost Anomaly
    // Detection").
    anomalyUsd: amount(
      'Unusual spend in a day that is told, USD; 0 for no detection. Needs an account of its own or an organisation’s management account, and that Cost Explorer was opened in it.',
      0,
    ),
  },
  ...DATA_OPTIONS,
  reconciliation: {
    everyHours: whole('Hours between two reconciliations.', { min: 1, max: 24, default: 6 }),
    graceMinutes: whole(
      'Minutes that events may be late before something counts as lost. S3 can take more than one.',
      { min: 0, max: 1440, default: 30 },
    ),
    auditExport: flag(
      'Whether the audit table’s changes are exported to the lake every day, for long-term keeping.',
      true,
    ),
    dataEvents: flag('Whether CloudTrail records who read and wrote objects of the buckets.', false),
  },
  canary: {
    enabled: flag('Whether the canary runs.', true),
    everyHours: whole('Hours between two canaries.', { min: 1, max: 24, default: 24 }),
    minutes: whole(
      'Minutes in which all that a canary expects has to happen; its alarm takes some of them.',
      {
        min: 10,
        max: 120,
        default: 30,
      },
    ),
  },
};

const {
  retention,
  limits,
  prices,
  concurrency,
  timeouts,
  warehouse,
  helpDesk,
  objectives,
  alarms,
  spend,
  reconciliation,
  canary,
  tabular,
  crm,
  features,
  maintenance,
  ...common
} = OPTIONS;

/** The options of one environment, each with its default. */
export const optionsSchema = z
  .strictObject({
    ...common,
    retention: z.strictObject(retention).prefault({}),
    limits: z.strictObject(limits).prefault({}),
    prices: z.strictObject(prices).prefault({}),
    concurrency: z.strictObject(concurrency).prefault({}),
    timeouts: z.strictObject(timeouts).prefault({}),
    warehouse: z.strictObject(warehouse).prefault({}),
    helpDesk: z.strictObject(helpDesk).prefault({}),
    objectives: z.strictObject(objectives).prefault({}),
    alarms: z.strictObject(alarms).prefault({}),
    spend: z.strictObject(spend).prefault({}),
    tabular: z.strictObject(tabular).prefault({}),
    crm: z.strictObject(crm).prefault({}),
    features: z.strictObject(features).prefault({}),
    maintenance: z.strictObject(maintenance).prefault({}),
    reconciliation: z.strictObject(reconciliation).prefault({}),
    canary: z.strictObject(canary).prefault({}),
  })
  .superRefine(({ retention, warehouse, helpDesk, spend, timeouts }, check) => {
    const refuse = (path: string[], value: unknown, message: string) =>
      check.addIssue({ code: 'custom', path, params: { value }, message });
    if (retention.glacierDays < retention.infrequentAccessDays + 30) {
      refuse(
        ['retention', 'glacierDays'],
        retention.glacierDays,
        `at least 30 more than retention.infrequentAccessDays, which is ${retention.infrequentAccessDays}`,
      );
    }
    if (spend.dailyOcrUsd > 0 && timeouts.ocrSeconds < 1.5 * OCR_SPEND.longestWaitSeconds) {
      refuse(
        ['timeouts', 'ocrSeconds'],
        timeouts.ocrSeconds,
        `at least ${1.5 * OCR_SPEND.longestWaitSeconds} where spend.dailyOcrUsd is set, because documents that wait say so every ${OCR_SPEND.longestWaitSeconds} seconds`,
      );
    }
    if (warehouse.maxCapacity < warehouse.baseCapacity) {
      refuse(
        ['warehouse', 'maxCapacity'],
        warehouse.maxCapacity,
        `at least warehouse.baseCapacity, which is ${warehouse.baseCapacity}`,
      );
    }
    for (const desk of helpDesk.routes.flatMap(({ desks }) => desks)) {
      if (!Object.hasOwn(helpDesk.desks, desk)) {
        refuse(
          ['helpDesk', 'routes'],
          helpDesk.routes,
          `routes to desks of helpDesk.desks, and ${desk} is not one`,
        );
      }
    }
    for (const name of ['baseCapacity', 'maxCapacity'] as const) {
      const value = warehouse[name];
      if (value !== 4 && value % 8 !== 0) refuse(['warehouse', name], value, '4, or a multiple of 8');
    }
  });

/** One option as the reference lists it. */
export interface OptionReference extends About {
  readonly name: string;
  readonly default: unknown;
}

/** Every option with its default, in the order of their declaration. */
export function optionReference(): OptionReference[] {
  const defaults = optionsSchema.parse({});
  return optionNames().map((name) => {
    const { description, allowed } = aboutOption(name.split('.'));
    return { name, default: at(defaults, name.split('.')), description, allowed };
  });
}

/** Whether a member of OPTIONS is an option, and no section. */
export const isOption = (value: unknown): value is z.ZodType => value instanceof z.ZodType;

/** Dotted names of every option. */
export function optionNames(): string[] {
  return Object.entries(OPTIONS).flatMap(([name, value]) =>
    isOption(value) ? [name] : Object.keys(value).map((member) => `${name}.${member}`),
  );
}

/** What the option at a path means and allows. */
export function aboutOption(path: readonly PropertyKey[]): About {
  const option = at(OPTIONS, path);
  const { description = '', allowed = 'an object of options' } = (isOption(option) && option.meta()) || {};
  return { description, allowed: String(allowed) };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value below a path of names. */
export function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[String(key)] : undefined), value);
}
