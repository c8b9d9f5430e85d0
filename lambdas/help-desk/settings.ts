import * as z from 'zod/mini';
import type { Desk, HelpDeskSettings, Route } from './contract.ts';

/* What the function's variables hold, besides what every function's do. */

const text = z.string().check(z.minLength(1));

export const DesksSchema: z.ZodMiniType<readonly Desk[]> = z.array(
  z.object({
    name: text,
    provider: z.enum(['zendesk', 'servicenow', 'jsm', 'jira', 'pagerduty', 'slack', 'webhook']),
    secretArn: text,
  }),
);

export const RoutesSchema: z.ZodMiniType<readonly Route[]> = z.array(
  z.object({
    pipelines: z.optional(z.array(text)),
    severities: z.optional(z.array(z.enum(['critical', 'error', 'warning', 'info']))),
    desks: z.array(text),
  }),
);

export const SettingsSchema: z.ZodMiniType<HelpDeskSettings> = z.object({
  runbookUrl: text,
  allowPrivateTargets: z.boolean(),
  reopenHours: z.number().check(z.nonnegative()),
  owners: z.record(text, text),
  pipelines: z.record(text, text),
  dashboardName: z.optional(text),
  auditTable: text,
  region: text,
});
