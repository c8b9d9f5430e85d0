import { CAPACITY } from './capacity.ts';
import { EXECUTIONS } from './executions.ts';
import { FILES } from './files.ts';
import type { Kind } from './kind.ts';
import { WATCHERS } from './watchers.ts';

/** Every kind of alarm but those that combine others, which combined.ts makes. */
export const CATALOGUE: readonly Kind[] = [...EXECUTIONS, ...FILES, ...CAPACITY, ...WATCHERS];
