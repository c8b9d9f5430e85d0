// Brings docs/datasets.md and datasets/schemas.lock.json up to date with the declarations: `npm run docs:datasets`.
// What cannot be released, it refuses, as synthesis does.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALL } from '../datasets/index.ts';
import { checkDatasets, InvalidDatasets, LOCK_FILE } from '../lib/datasets/check.ts';
import { lockOf } from '../lib/datasets/evolution.ts';
import { datasetsPage } from './datasets/page.ts';

try {
  checkDatasets();
  writeFileSync(join(import.meta.dirname, '..', 'docs', 'datasets.md'), datasetsPage(ALL));
  writeFileSync(LOCK_FILE, `${JSON.stringify(lockOf(ALL), null, 2)}\n`);
} catch (error) {
  if (!(error instanceof InvalidDatasets)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
