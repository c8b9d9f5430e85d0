import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALL } from '../../datasets/index.ts';
import { PROJECT_ROOT } from '../constructs/bundle.ts';
import { declarationProblems } from './declarations.ts';
import { evolutionProblems, Lock } from './evolution.ts';

/** Where the schemas lie that were last released. */
export const LOCK_FILE = join(PROJECT_ROOT, 'datasets', 'schemas.lock.json');

/** Declarations of datasets are wrong, or stores cannot follow them. The message has one line for each problem. */
export class InvalidDatasets extends Error {
  override readonly name = 'InvalidDatasets';

  constructor(problems: readonly string[]) {
    super(`The datasets are wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

/** Checks the declarations, and against those that were last released. @throws InvalidDatasets */
export function checkDatasets(): void {
  const lock = Lock.parse(JSON.parse(readFileSync(LOCK_FILE, 'utf8')));
  const wrong = declarationProblems(ALL);
  const problems = wrong.length > 0 ? wrong : evolutionProblems(lock, ALL);
  if (problems.length > 0) throw new InvalidDatasets(problems);
}
