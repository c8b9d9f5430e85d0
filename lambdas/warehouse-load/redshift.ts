import type { Loader } from './loader.ts';
import { planLoad } from './sql-load.ts';
import { migrations } from './sql-schema.ts';

/** Redshift, told through its Data API by the state machine: batches of at most 40 statements of at most 100 KB. */
export const redshift = (schema: string): Loader => ({
  plan: (load) => planLoad(schema, load),
  migrations: (found) => migrations(schema, found),
});
