import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BREAKS, type BreakName, isBreak, unknownBreak } from '../faults/breaks.ts';
import { type RuleInput, readPlan } from '../faults/rules.ts';

export interface StartOptions {
  /** Stop when every file has its outcome and is loaded. */
  readonly once: boolean;
  /** Print only a JSON report on standard output. */
  readonly json: boolean;
  /** Folder whose files are dropped instead of the samples. */
  readonly input: string | undefined;
  readonly port: number;
  readonly data: string | undefined;
  /** Empty the data directory first. */
  readonly fresh: boolean;
  /** Named sets of faults to switch on, and to see through. */
  readonly break: readonly BreakName[];
  /** Further faults. */
  readonly fault: readonly RuleInput[];
  /** Decides where faults meet by chance. */
  readonly seed: number | undefined;
  readonly help: boolean;
}

/** The command line is wrong; the message says what to do. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage';
}

export const HELP = `npm start -- [options]

Runs the synthesised pipeline on this machine and drops the samples into its landing bucket.

  --once         stop when every file has its outcome and is loaded; exit status 0 if each
                 succeeded or was rejected and all that succeeded is loaded, else 1
  --json         print a JSON report on standard output, progress on standard error
  --input DIR    drop the files of DIR (with its folders) instead of the samples
  --port N       port of the endpoint on 127.0.0.1 (default 4566; 0 takes a free one)
  --data DIR     where state is kept (default .millrace)
  --fresh        forget what the data directory holds
  --break NAME   switch on a set of faults, show what comes of it, lift it and mend what failed;
                 several are allowed. NAME is one of
                 ${Object.keys(BREAKS).join(', ')}
  --fault PLAN   switch on faults: a JSON file, or JSON itself, as docs/operations.md describes
  --seed N       decides where faults meet by chance; is printed, to be given again
  --help         show this
`;

/** @throws WrongUsage */
export function parseOptions(argv: readonly string[]): StartOptions {
  const values = readValues(argv);
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new WrongUsage(`--port must be a number from 0 to 65535, and it is "${values.port}".`);
  }
  for (const name of ['input', 'data'] as const) {
    // An empty path would be the current directory: a variable that is not set, most likely.
    if (values[name] === '') throw new WrongUsage(`--${name} must name a folder, and it is empty.`);
  }
  if (values.seed !== undefined && !(/^\d+$/.test(values.seed) && Number(values.seed) < 2 ** 32)) {
    throw new WrongUsage(`--seed must be a whole number below 2^32, and it is "${values.seed}".`);
  }
  const plans = values.fault.map(readFaults);
  return {
    ...values,
    port,
    input: values.input,
    data: values.data,
    break: values.break.map(knownBreak),
    fault: plans.flatMap(({ rules }) => rules),
    seed:
      values.seed === undefined ? plans.find(({ seed }) => seed !== undefined)?.seed : Number(values.seed),
  };
}

function knownBreak(name: string): BreakName {
  if (isBreak(name)) return name;
  throw new WrongUsage(unknownBreak(name));
}

/** Reads a plan that is JSON itself, or in a file. */
function readFaults(text: string): ReturnType<typeof readPlan> {
  try {
    return readPlan(JSON.parse(/^\s*[[{]/.test(text) ? text : readFileSync(text, 'utf8')));
  } catch (error) {
    throw new WrongUsage(`--fault: ${error instanceof Error ? error.message : error}`);
  }
}

function readValues(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        input: { type: 'string' },
        port: { type: 'string', default: '4566' },
        data: { type: 'string' },
        fresh: { type: 'boolean', default: false },
        break: { type: 'string', multiple: true, default: [] },
        fault: { type: 'string', multiple: true, default: [] },
        seed: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new WrongUsage(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
  }
}
