import * as z from 'zod/mini';
import { type CrmSettings, SOURCES } from './contract.ts';

export const SettingsSchema: z.ZodMiniType<CrmSettings> = z.object({
  source: z.enum(SOURCES),
  startDays: z.number(),
  requestsPerMinute: z.number(),
  allowPrivateTargets: z.boolean(),
});
