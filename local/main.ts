import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HELP, parseOptions } from './cli/options.ts';
import { run } from './cli/run.ts';

/** Errors whose message is for the person, without a stack trace. */
const FOR_PEOPLE: ReadonlySet<string> = new Set([
  'WrongUsage',
  'PortInUse',
  'SynthesisFailed',
  'UnsupportedResource',
  'DataInUse',
  'ForeignDirectory',
  'UnusableDirectory',
]);

const NEEDED_MAJOR = 24;

async function main(): Promise<number> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NEEDED_MAJOR) {
    process.stderr.write(
      `The local runtime needs Node ${NEEDED_MAJOR}, Lambda's runtime, and this is ${process.version}. Start it with "npm start": its dependencies bring Node ${NEEDED_MAJOR} along.\n`,
    );
    return 1;
  }
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const stop = new AbortController();
  let asked = 0;
  const onSignal = () => {
    asked += 1;
    if (asked > 1) process.exit(130);
    process.stderr.write('\nStopping …\n');
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  return run(root, options, { stdout: process.stdout, stderr: process.stderr, signal: stop.signal });
}

try {
  process.exitCode = await main();
} catch (error) {
  const known = error instanceof Error && FOR_PEOPLE.has(error.name);
  process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
}
process.exit();
