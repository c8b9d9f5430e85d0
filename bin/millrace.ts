import { nearest } from '../lib/nearest.ts';
import { COMMANDS, HELP } from './millrace/commands.ts';
import { EXIT, explain, WrongUsage } from './millrace/errors.ts';
import type { Io } from './millrace/io.ts';

async function main(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = COMMANDS.find((command) => name === 'help' && command.name === rest[0]);
    io.stdout.write(about?.help ?? HELP);
    return name === undefined ? EXIT.wrongUsage : EXIT.done;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (!command) {
    const meant = nearest(
      name,
      COMMANDS.map((candidate) => candidate.name),
      3,
    );
    throw new WrongUsage(
      `millrace has no command ${name}${meant ? `; did you mean ${meant}?` : '.'} See npx millrace --help.`,
    );
  }
  return command.run(rest, io);
}

const stop = new AbortController();
process.on('SIGINT', () => {
  if (stop.signal.aborted) process.exit(EXIT.interrupted);
  stop.abort();
});
process.on('SIGTERM', () => stop.abort());
// Whoever reads the output may have read enough, such as "head".
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.notGood);
});

const { stdin, stdout, stderr } = process;
try {
  process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, signal: stop.signal });
} catch (error) {
  const { message, exit } = explain(error);
  stderr.write(`${message}\n`);
  process.exitCode = exit;
}
