import { z } from 'zod';

/** What an option means and which values it takes; both are shown in errors and in docs/configuration.md. */
export interface About {
  readonly description: string;
  readonly allowed: string;
}

export const whole = (
  description: string,
  range: { min: number; max: number; default: number; step?: number },
) =>
  z
    .int()
    .min(range.min)
    .max(range.max)
    .multipleOf(range.step ?? 1)
    .default(range.default)
    .meta({
      description,
      allowed: `a ${range.step ? `multiple of ${range.step}` : 'whole number'} from ${range.min} to ${range.max}`,
    } satisfies About);
export const amount = (description: string, fallback: number) =>
  z
    .number()
    .min(0)
    .default(fallback)
    .meta({ description, allowed: 'a number, 0 or more' } satisfies About);
export const flag = (description: string, fallback: boolean) =>
  z
    .boolean()
    .default(fallback)
    .meta({ description, allowed: 'true or false' } satisfies About);
export const choice = <const T extends string>(
  description: string,
  values: readonly [T, ...T[]],
  fallback: NoInfer<T>,
) =>
  z
    .enum(values)
    .default(fallback as never)
    .meta({ description, allowed: values.join(' or ') } satisfies About);
export const identifier = (description: string, fallback: string) =>
  z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/)
    .default(fallback)
    .meta({ description, allowed: 'up to 63 lower-case letters, digits and underscores' } satisfies About);
