// Installs the dependencies when they are missing or older than the lock file.
// Plain JavaScript on purpose: it runs on whatever Node the machine has, before Node 24 is there.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const lock = join(root, 'package-lock.json');
const modules = join(root, 'node_modules');
const stamp = join(modules, '.millrace-installed-lock.json');

const upToDate = () => existsSync(stamp) && readFileSync(stamp).equals(readFileSync(lock));

if (!upToDate()) {
  // npm ci empties the folder behind a link, which is another checkout's.
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    process.stderr.write(
      `node_modules is a link to ${readlinkSync(modules)}, which does not hold what package-lock.json names. Run "npm start" there, or remove the link.\n`,
    );
    process.exit(1);
  }
  process.stderr.write('Installing dependencies (first start only) …\n');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    process.stderr.write(
      'Installing the dependencies failed: see the npm messages above, then run the command again.\n',
    );
    process.exit(1);
  }
  copyFileSync(lock, stamp);
}
