import * as z from 'zod/mini';
import { SourceFileSchema } from '../shared/schemas.ts';
import type { CanaryRun, CanarySettings } from './contract.ts';

/** The name of an execution, which becomes part of keys. */
const Run = z.string().check(z.regex(/^[\w-]{1,80}$/));

export const SettingsSchema: z.ZodMiniType<CanarySettings> = z.object({ alarmPrefix: z.string() });

export const DropInput = z.object({ run: Run });

export const RunSchema: z.ZodMiniType<CanaryRun> = z.object({
  run: Run,
  succeeding: SourceFileSchema,
  failing: SourceFileSchema,
});

export const CheckInput = z.object({
  files: RunSchema,
  phase: z.enum(['happened', 'over']),
  seen: z.array(z.string()),
});

export const ResolveInput = z.object({ files: RunSchema, at: z.iso.datetime() });
