import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileIdOf, inputFiles, keyOf } from '../../local/cli/files.ts';

function folder(t: TestContext, names: readonly string[]): string {
  const made = mkdtempSync(join(tmpdir(), 'millrace-input-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  for (const name of names) {
    mkdirSync(join(made, name, '..'), { recursive: true });
    writeFileSync(join(made, name), 'x');
  }
  return made;
}

const PREFIXES = ['documents/', 'sales/'];
const keysOf = (directory: string, samples = false) =>
  inputFiles(directory, { samples }).map(({ name }) => keyOf(name, PREFIXES));

test('files of a folder and its folders become keys under documents/, in order', (t) => {
  const names = ['b.txt', 'a/ü + 世界 #1?%20.txt', 'a/b/c'];
  const expected = ['documents/a/b/c', 'documents/a/ü + 世界 #1?%20.txt', 'documents/b.txt'];
  assert.deepEqual(keysOf(folder(t, names)), expected);
});

test('files in a folder that is called like a dataset go to the dataset', (t) => {
  const names = ['sales/a.csv', 'sales/2026/b.csv', 'other/sales/c.csv', 'sales.csv', 'documents/d.txt'];
  assert.deepEqual(keysOf(folder(t, names)), [
    'documents/documents/d.txt',
    'documents/other/sales/c.csv',
    'documents/sales.csv',
    'sales/2026/b.csv',
    'sales/a.csv',
  ]);
});

test('a link to a file is a file, and one that leads nowhere is none', (t) => {
  const made = folder(t, ['a.txt']);
  symlinkSync(join(made, 'a.txt'), join(made, 'link.txt'));
  symlinkSync(join(made, 'gone'), join(made, 'broken.txt'));
  assert.deepEqual(keysOf(made), ['documents/a.txt', 'documents/link.txt']);
});

test('what the samples folder says about itself is no sample, and in other folders is input', (t) => {
  const made = folder(t, ['README.md', 'expected.json', 'a.txt']);
  assert.deepEqual(keysOf(made, true), ['documents/a.txt']);
  assert.equal(keysOf(made).length, 3);
});

test('a folder that is missing, no folder or empty is refused by name', (t) => {
  const made = folder(t, ['a.txt']);
  const empty = folder(t, []);
  mkdirSync(join(empty, 'sub'));
  const refused = (directory: string, message: RegExp) =>
    assert.throws(() => keysOf(directory), { name: 'WrongUsage', message });
  refused(join(made, 'gone'), /gone is not a folder/);
  refused(join(made, 'a.txt'), /a\.txt is not a folder/);
  refused(empty, /holds no file/);
});

test('the file id is the digest of bucket, key and version', () => {
  const id = fileIdOf('bucket', 'documents/a.txt', 'v1');
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.notEqual(id, fileIdOf('bucket', 'documents/a.txt', 'v2'));
});
