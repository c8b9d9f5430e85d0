import { CAPACITY } from './capacity.ts';
import { DATASET_KINDS } from './datasets.ts';
import { EXECUTIONS } from './executions.ts';
import { FILES } from './files.ts';
import type { Kind } from './kind.ts';
import { TICKET_KINDS } from './tickets.ts';
import { WATCHERS } from './watchers.ts';
import { WEBHOOKS } from './webhooks.ts';

/** Every kind of alarm but those that combine others, which combined.ts makes. */
export const CATALOGUE: readonly Kind[] = [
  ...EXECUTIONS,
  ...FILES,
  ...DATASET_KINDS,
  ...CAPACITY,
  ...WATCHERS,
  ...WEBHOOKS,
  ...TICKET_KINDS,
];
