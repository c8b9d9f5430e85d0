import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundleOf, PROJECT_ROOT } from '../../lib/constructs/bundle.ts';
import { temporaryDirectory } from './synthesise.ts';

/** A project with the given files of a pipeline `demo`. */
function project(files: Record<string, string>): string {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'lambdas', 'demo'), { recursive: true });
  symlinkSync(join(PROJECT_ROOT, 'node_modules'), join(root, 'node_modules'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'lambdas', 'demo', name), text);
  return root;
}

const textOf = (files: Readonly<Record<string, Uint8Array>>, name: string) =>
  Buffer.from(files[name] ?? []).toString();

test('a missing entry is refused by name', () => {
  assert.throws(() => bundleOf('lambdas/demo/absent.ts', project({})), {
    message: /^lambdas\/demo\/absent\.ts does not exist/,
  });
});

test('an entry without handler is refused by name', () => {
  const root = project({ 'step.ts': 'export const other = 1;' });
  assert.throws(() => bundleOf('lambdas/demo/step.ts', root), {
    message: /^lambdas\/demo\/step\.ts has no line/,
  });
});

test('a bundle runs, and neither it nor its map knows where it was built', async () => {
  const files = {
    'step.ts':
      "import { why } from './why.ts';\nexport const handler = async (): Promise<string> => why('here');\n",
    'why.ts': 'export function why(text: string): string {\n  throw new Error(text);\n}\n',
  };
  const [first, second] = [project(files), project(files)];
  const bundle = bundleOf('lambdas/demo/step.ts', first);
  assert.deepEqual(bundle, bundleOf('lambdas/demo/step.ts', second));
  for (const name of Object.keys(bundle.files)) {
    assert(!textOf(bundle.files, name).includes(first), `${name} names the project's directory`);
    assert(!textOf(bundle.files, name).includes(PROJECT_ROOT), `${name} names this project's directory`);
  }

  const index = join(first, 'index.mjs');
  writeFileSync(index, textOf(bundle.files, 'index.mjs'));
  const { handler } = await import(index);
  await assert.rejects(handler(), { message: 'here' });
});

test('a source map leads to our lines and leaves packages out', () => {
  const root = project({
    'step.ts':
      "import { z } from 'zod';\n\nexport const handler = async (event: unknown) => z.string().parse(event);\n",
  });
  const { files, bytes } = bundleOf('lambdas/demo/step.ts', root);
  const code = textOf(files, 'index.mjs');
  const payload = JSON.parse(textOf(files, 'index.mjs.map'));
  assert.deepEqual(payload.sources, ['../../../../lambdas/demo/step.ts']);
  assert(textOf(files, 'index.mjs.map').length < 4000, 'the map is small');
  assert.equal(bytes, code.length);

  const map = new SourceMap(payload);
  const lines = code.split('\n');
  const line = lines.findIndex((text) => text.includes('handler'));
  const column = (lines[line] ?? '').search(/async \w+=>|async\(?\w+\)?=>/);
  const entry = map.findEntry(line, column);
  assert('originalLine' in entry);
  assert.deepEqual([entry.originalSource, entry.originalLine], ['../../../../lambdas/demo/step.ts', 2]);
});
