#!/usr/bin/env node
// Plain JavaScript on purpose: it runs on whatever Node the machine has, and hands over to the Node 24 that the
// dependencies bring along, which runs the TypeScript beside it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, '..', 'node_modules');
const bundled = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const isRecent = Number(process.versions.node.split('.')[0]) >= 24;
const node = existsSync(bundled) ? bundled : process.execPath;

if (!existsSync(join(modules, '@aws-sdk')) || (node === process.execPath && !isRecent)) {
  process.stderr.write(
    `The millrace command needs the dependencies of ${dirname(here)}. Install them first:  npm ci\n`,
  );
  process.exit(3);
}

const child = spawn(
  node,
  ['--disable-warning=ExperimentalWarning', join(here, 'millrace.ts'), ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
// A terminal's Ctrl-C reaches the child as well; it decides when it is done.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  process.stderr.write(`Node 24 could not be started: ${error.message}. Install it again:  npm ci\n`);
  process.exit(3);
});
child.on('exit', (code, signal) => {
  if (signal) process.kill(process.pid, signal);
  else process.exit(code ?? 1);
});
