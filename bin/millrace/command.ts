import { parseArgs } from 'node:util';
import { nearest } from '../../lib/nearest.ts';
import { Deployment } from './deployment.ts';
import { WrongUsage } from './errors.ts';
import { type Io, note } from './io.ts';
import { findTarget } from './target.ts';

/** An option of a command: `text` and `list` take a value, `list` may be given again. */
export interface Option {
  readonly type: 'flag' | 'text' | 'list';
  /** What the value is called in the help. */
  readonly value?: string;
  readonly about: string;
}

export type Options = Readonly<Record<string, Option>>;

/** What was given for the options. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]: O[Name]['type'] extends 'flag'
    ? boolean
    : O[Name]['type'] extends 'list'
      ? readonly string[]
      : string | undefined;
};

/** Options of every command. */
export const COMMON = {
  json: { type: 'flag', about: 'write JSON to standard output, for scripts' },
  help: { type: 'flag', about: 'show this' },
  stack: { type: 'text', value: 'NAME', about: 'what the stacks’ names begin with (default Millrace-dev)' },
  environment: { type: 'text', value: 'NAME', about: 'the same as --stack Millrace-NAME' },
  region: { type: 'text', value: 'REGION', about: 'AWS region; means AWS even while a local runtime runs' },
  profile: { type: 'text', value: 'NAME', about: 'AWS profile; means AWS even while a local runtime runs' },
  aws: { type: 'flag', about: 'AWS even while a local runtime runs' },
  'endpoint-url': { type: 'text', value: 'URL', about: 'an endpoint, as AWS_ENDPOINT_URL' },
  data: { type: 'text', value: 'DIR', about: 'data directory of the local runtime (default .millrace)' },
} as const satisfies Options;

export type CommonValues = Values<typeof COMMON>;

/** What a command works with. */
export interface Context {
  readonly io: Io;
  readonly deployment: Deployment;
  readonly json: boolean;
}

export interface Spec<O extends Options> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Arguments that are no options, as the help shows them, and how many there may be. */
  readonly operands?: { readonly shown: string; readonly least: number; readonly most: number };
  /** Paragraphs of the help, below the usage. */
  readonly about: string;
  readonly options: O;
  readonly examples?: readonly string[];
  /** @returns the exit status */
  run(context: Context, values: Values<O>, operands: readonly string[]): Promise<number>;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  /** @throws WrongUsage before anything is done */
  run(argv: readonly string[], io: Io): Promise<number>;
}

export function command<const O extends Options>(spec: Spec<O>): Command {
  const help = helpOf(spec);
  return {
    name: spec.name,
    summary: spec.summary,
    help,
    async run(argv, io) {
      const { given, operands } = parse({ ...COMMON, ...spec.options }, argv, spec.name);
      // Each option has the kind of value that its type says: parse has just put it there by it.
      const common = given as CommonValues;
      if (common.help) {
        io.stdout.write(help);
        return 0;
      }
      const { least = 0, most = 0, shown = '' } = spec.operands ?? {};
      if (operands.length < least) throw new WrongUsage(`millrace ${spec.name} needs ${shown}.\n\n${help}`);
      if (operands.length > most) {
        throw new WrongUsage(
          `millrace ${spec.name}: "${operands[most]}" is too much${shown ? `; it takes ${shown}` : ''}. See millrace ${spec.name} --help.`,
        );
      }
      const deployment = await Deployment.open(await findTarget(common), common);
      note(io, deployment.says);
      return spec.run({ io, deployment, json: common.json }, given as Values<O>, operands);
    },
  };
}

type Given = boolean | string | string[] | undefined;

/** @throws WrongUsage */
function parse(
  options: Options,
  argv: readonly string[],
  name: string,
): { given: Record<string, Given>; operands: string[] } {
  const { tokens } = parseArgs({
    args: [...argv],
    options: {
      ...Object.fromEntries(
        Object.entries(options).map(([option, { type }]) => [
          option,
          { type: type === 'flag' ? ('boolean' as const) : ('string' as const) },
        ]),
      ),
      help: { type: 'boolean', short: 'h' },
    },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const wrong = (message: string) => new WrongUsage(`${message} See millrace ${name} --help.`);
  const given: Record<string, Given> = Object.fromEntries(
    Object.entries(options).map(([option, { type }]) => [
      option,
      type === 'flag' ? false : type === 'list' ? [] : undefined,
    ]),
  );
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const option = options[token.name];
    if (!option) {
      const meant = nearest(token.name, Object.keys(options), 3);
      throw wrong(
        `millrace ${name} has no option ${token.rawName}${meant ? `; did you mean --${meant}?` : '.'}`,
      );
    }
    if (option.type === 'flag') {
      if (token.value !== undefined) throw wrong(`--${token.name} takes no value.`);
      given[token.name] = true;
    } else {
      if (!token.value)
        throw wrong(`--${token.name} needs a value: --${token.name} ${option.value ?? 'VALUE'}.`);
      const before = given[token.name];
      given[token.name] = Array.isArray(before) ? [...before, token.value] : token.value;
    }
  }
  return { given, operands };
}

function helpOf({ name, operands, about, options, examples = [] }: Spec<Options>): string {
  const list = (of: Options) =>
    Object.entries(of)
      .map(([option, { value, about: meaning }]) => {
        const flag = `--${option}${value ? ` ${value}` : ''}`;
        return `  ${flag.padEnd(22)} ${meaning}`;
      })
      .join('\n');
  return `${[
    `npx millrace ${name}${operands ? ` ${operands.shown}` : ''} [options]`,
    about,
    ...(Object.keys(options).length > 0 ? [`Options\n${list(options)}`] : []),
    `Options of every command\n${list(COMMON)}`,
    ...(examples.length > 0
      ? [`Examples\n${examples.map((example) => `  npx millrace ${example}`).join('\n')}`]
      : []),
  ].join('\n\n')}\n`;
}
