import type { Dataset } from './dataset.ts';
import { documents } from './documents.ts';

/** Every dataset by name. */
export const DATASETS: Readonly<Record<string, Dataset>> = { documents };
