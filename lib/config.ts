import type { z } from 'zod';
import type { Limits, Prices } from '../lambdas/shared/contract.ts';
import { nearest } from './nearest.ts';
import { aboutOption, at, isObject, isOption, OPTIONS, optionNames, optionsSchema } from './options.ts';

/** A validated configuration: every option has its value. */
export interface Config extends z.output<typeof optionsSchema> {
  /** Name of the environment, part of the stacks' names. */
  readonly environment: string;
  readonly limits: Limits;
  readonly prices: Prices;
}

/** The configuration is wrong. The message has one line for each wrong option: name, value and what is allowed. */
export class InvalidConfiguration extends Error {
  override readonly name = 'InvalidConfiguration';

  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

const ENVIRONMENT_NAME = /^[a-z][a-z0-9-]{0,19}$/;
/** Context of the CDK itself: feature flags, look-ups and settings of its command line. */
const isOfTheCdk = (name: string) => name.startsWith('@') || name.includes(':') || name.startsWith('cli-');

/**
 * Reads the configuration out of CDK context. `environment` (default `dev`) chooses among `environments`, whose members
 * hold the options that differ from the defaults. Any other context value is an option given on the command line, which
 * comes before those: `-c concurrency.ocr=20`.
 * @throws InvalidConfiguration
 */
export function parseConfig(context: unknown): Config {
  const given = asObject(context, 'the context');
  const { environment = 'dev', environments = { dev: {} }, ...others } = given;
  const known = asObject(environments, 'environments');
  if (typeof environment !== 'string' || !Object.hasOwn(known, environment)) {
    throw new InvalidConfiguration([
      `environment is ${shown(environment)}; allowed is one of ${Object.keys(known).join(', ')} (see environments in cdk.json)`,
    ]);
  }
  if (!ENVIRONMENT_NAME.test(environment)) {
    throw new InvalidConfiguration([
      `environment is ${shown(environment)}; allowed are up to 20 lower-case letters, digits and hyphens, a letter first`,
    ]);
  }

  const input: Record<string, unknown> = structuredClone(
    asObject(known[environment], `environments.${environment}`),
  );
  for (const [name, value] of Object.entries(others)) {
    if (!isOfTheCdk(name)) setOption(input, name, value);
  }
  const parsed = optionsSchema.safeParse(input);
  if (!parsed.success) throw new InvalidConfiguration(parsed.error.issues.flatMap(problemsOf(input)));
  return { environment, ...parsed.data };
}

/** Puts a value of the command line, where everything is text, at a dotted name. */
function setOption(input: Record<string, unknown>, name: string, value: unknown): void {
  const path = name.split('.');
  const option = at(OPTIONS, path);
  const parsed = typeof value === 'string' && isOption(option) && !option.safeParse(value).success;
  const last = path.pop() ?? name;
  let target = input;
  for (const part of path) {
    const next = target[part];
    target = target[part] = isObject(next) ? next : {};
  }
  const before = target[last];
  const merged = isObject(before) && isObject(value) ? { ...before, ...value } : value;
  target[last] = parsed ? parsedOrSame(value) : merged;
}

function parsedOrSame(value: unknown): unknown {
  try {
    return JSON.parse(String(value));
  } catch {
    return value;
  }
}

const problemsOf =
  (input: unknown) =>
  (issue: z.core.$ZodIssue): string[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => unknownOption([...issue.path, key]));
    const [section, member] = issue.path;
    // A wrong member of a free-form option, such as a tag, is a wrong value of that option.
    const path = section !== undefined && isOption(at(OPTIONS, [section])) ? [section] : issue.path;
    const { allowed, value } =
      issue.code === 'custom'
        ? { allowed: issue.message, value: issue.params?.value }
        : { allowed: aboutOption(path).allowed, value: at(input, path) };
    return [
      `${[section, member].slice(0, path.length).map(String).join('.')} is ${shown(value)}; allowed is ${allowed}`,
    ];
  };

function unknownOption(path: readonly PropertyKey[]): string {
  const name = path.map(String).join('.');
  const candidates = [...optionNames(), ...Object.keys(OPTIONS)];
  const inSection = candidates.find((candidate) => candidate.endsWith(`.${name}`));
  const suggestion = inSection ?? nearest(name, candidates);
  return `${name} is no option${suggestion ? `; did you mean ${suggestion}?` : '; docs/configuration.md lists them'}`;
}

function asObject(value: unknown, name: string): Record<string, unknown> {
  if (!isObject(value)) throw new InvalidConfiguration([`${name} is ${shown(value)}; allowed is an object`]);
  return value;
}

const shown = (value: unknown) => JSON.stringify(value) ?? 'missing';
