// Runs the test files: all of them, or those named on the command line.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(`The tests need Node 24 and this is ${process.version}: run them with "npm test".\n`);
  process.exit(1);
}
const named = process.argv.slice(2);
const files = named.length > 0 ? named : globSync('test/**/*.test.ts').sort();
const run = spawnSync(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-concurrency=2',
    '--test-timeout=600000',
    ...files,
  ],
  { stdio: 'inherit' },
);
process.exit(run.status ?? 1);
