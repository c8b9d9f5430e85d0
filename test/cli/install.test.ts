import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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
