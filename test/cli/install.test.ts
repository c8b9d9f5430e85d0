import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

interface Package {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

test('the lock file has the binaries of every platform, or npm ci refuses it wherever they can be had', () => {
  const file = join(import.meta.dirname, '..', '..', 'package-lock.json');
  const { packages }: { packages: Record<string, Package> } = JSON.parse(readFileSync(file, 'utf8'));
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.entries(optionalDependencies))
    .filter(
      ([name, version]) => /^\d/.test(version) && packages[`node_modules/${name}`]?.version !== version,
    );
  assert.deepEqual(missing, []);
});

test('a link to the packages of another checkout is left alone: npm ci would empty that', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-install-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const [checkout, other] = [join(directory, 'checkout'), join(directory, 'other')];
  mkdirSync(join(checkout, 'scripts'), { recursive: true });
  mkdirSync(other);
  writeFileSync(join(other, 'package'), '');
  writeFileSync(join(checkout, 'package-lock.json'), '{}');
  symlinkSync(other, join(checkout, 'node_modules'), 'junction');
  const script = join(checkout, 'scripts', 'install.mjs');
  copyFileSync(join(import.meta.dirname, '..', '..', 'scripts', 'install.mjs'), script);
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  assert.match(stderr, /node_modules is a link to/);
  assert.equal(status, 1);
  assert.ok(existsSync(join(other, 'package')));
});
