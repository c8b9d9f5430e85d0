import type { Dataset } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { LAKE } from '../shared/contract.ts';
import { InvalidEvent } from '../shared/errors.ts';

const PARTITION = /year=(\d{4})\/month=(\d\d)\/day=(\d\d)\//;

/** `year=…/month=…/day=…/` of a key; undefined for keys without. */
export function partitionIn(key: string): string | undefined {
  return PARTITION.exec(key)?.[0];
}

/** Name of a file, behind its partition. */
export function nameIn(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** Id of the file that a part's rows came from: how its name begins. Undefined for other files. */
export function fileIdIn(key: string): string | undefined {
  return /^[0-9a-f]{64}/.exec(nameIn(key))?.[0];
}

/** Prefix of a partition's Parquet files. */
export function loadedPrefix(dataset: string, partition = ''): `${typeof LAKE.loaded}${string}` {
  return `${LAKE.loaded}${dataset}/${partition}`;
}

/** A dataset by its name. @throws InvalidEvent */
export function datasetNamed(name: string): Dataset {
  const dataset = DATASETS[name];
  if (dataset) return dataset;
  throw new InvalidEvent(`There is no dataset "${name}"; declared: ${Object.keys(DATASETS).join(', ')}.`);
}
