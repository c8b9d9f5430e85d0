import { z } from 'zod';
import type { TestRuntime } from './runtime.ts';

const Listed = z.array(z.object({ Name: z.string(), GroupName: z.string() }));

/** Switches every schedule off, so that nothing begins by itself, however far time is moved. */
export async function switchSchedulesOff({ runtime: { context } }: TestRuntime): Promise<void> {
  const call = (operation: string, input: object) =>
    context.call('scheduler', operation, { ...input }, { kind: 'administrator' });
  const { Schedules } = await call('ListSchedules', {});
  for (const { Name, GroupName } of Listed.parse(Schedules)) {
    const schedule = await call('GetSchedule', { Name, GroupName });
    await call('UpdateSchedule', { ...schedule, State: 'DISABLED' });
  }
}
