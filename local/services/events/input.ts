import { z } from 'zod';
import { AwsError } from '../service.ts';

/** What a target gets to see of an event; without any of it, the whole event. */
export const TargetInput = z.object({
  Input: z.string().optional(),
  InputPath: z.string().optional(),
  InputTransformer: z
    .object({ InputPathsMap: z.record(z.string(), z.string()).default({}), InputTemplate: z.string() })
    .optional(),
});
export type TargetInput = z.infer<typeof TargetInput>;

/** Reads a JSONPath of plain steps, such as `$.detail.items[0].name`; undefined where it leads nowhere. */
export function readPath(path: string, value: unknown): unknown {
  if (!/^\$(\.[^.[\]]+|\[\d+\]|\['[^']+'\])*$/.test(path)) {
    throw new AwsError(
      'ValidationException',
      `Invalid JSONPath ${path}: only names and indices are understood.`,
    );
  }
  let current = value;
  for (const [, name, index, quoted] of path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']+)'\]/g)) {
    const key = name ?? index ?? quoted ?? '';
    current =
      typeof current === 'object' && current !== null && key in current
        ? Reflect.get(current, key)
        : undefined;
  }
  return current;
}

/** Puts values into the `<places>` of a template: bare inside quotes, as JSON outside. */
function fillTemplate(template: string, values: ReadonlyMap<string, unknown>): string {
  let quoted = false;
  return template.replace(/\\.|"|<([\w.-]+)>/g, (token, name?: string) => {
    if (token === '"') quoted = !quoted;
    if (name === undefined || !values.has(name)) return token;
    const value = values.get(name);
    if (!quoted) return JSON.stringify(value ?? null);
    const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
    return JSON.stringify(text).slice(1, -1);
  });
}

/** The text that a target is sent for an event. */
export function targetPayload(
  input: TargetInput,
  event: Readonly<Record<string, unknown>>,
  rule: { name: string; arn: string },
): string {
  if (input.Input !== undefined) return input.Input;
  if (input.InputPath !== undefined) return JSON.stringify(readPath(input.InputPath, event) ?? null);
  if (!input.InputTransformer) return JSON.stringify(event);
  const { InputPathsMap, InputTemplate } = input.InputTransformer;
  const { detail, ...withoutDetail } = event;
  return fillTemplate(
    InputTemplate,
    new Map<string, unknown>([
      ['aws.events.rule-arn', rule.arn],
      ['aws.events.rule-name', rule.name],
      ['aws.events.event.ingestion-time', event.time],
      ['aws.events.event', withoutDetail],
      ['aws.events.event.json', event],
      ...Object.entries(InputPathsMap).map(([name, path]): [string, unknown] => [
        name,
        readPath(path, event),
      ]),
    ]),
  );
}
