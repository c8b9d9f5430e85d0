import * as z from 'zod/mini';
import { parse } from '../shared/parse.ts';
import type { MaintenanceSettings } from './contract.ts';

const Settings: z.ZodMiniType<MaintenanceSettings> = z.object({
  compactAboveFiles: z.number(),
  targetBytes: z.number(),
  keepSeconds: z.number(),
});

/** Reads the variable. @throws InvalidEvent saying which members are wrong */
export function settingsOf(variable: unknown): MaintenanceSettings {
  return parse(Settings, variable, 'MAINTENANCE variable');
}
