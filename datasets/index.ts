import { customerFeatures } from './customer-features.ts';
import { customers } from './customers.ts';
import type { Dataset } from './dataset.ts';
import { documents } from './documents.ts';
import { sales } from './sales.ts';
import { tickets } from './tickets.ts';

/** Every dataset. A new one is its file and its name in this list. */
export const ALL: readonly Dataset[] = [documents, sales, tickets, customers, customerFeatures];

/** Every dataset by name. */
export const DATASETS: Readonly<Record<string, Dataset>> = Object.fromEntries(
  ALL.map((dataset) => [dataset.name, dataset]),
);

/** Datasets whose rows come as files to the landing bucket, below `<dataset>/`. */
export const TABULAR: readonly Dataset[] = ALL.filter(({ origin }) => origin === 'landing');
