import { parseArgs } from 'node:util';

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
  return { ...values, port, input: values.input, data: values.data };
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
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new WrongUsage(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
  }
}
