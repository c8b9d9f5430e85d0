import * as z from 'zod/mini';
import { parseJson } from '../shared/parse.ts';
import { MAINTENANCE_PREFIX } from './contract.ts';
import type { LakeFiles } from './lake.ts';

/*
 * What a run keeps in the lake between its steps; a week later it is gone. Everything is named by what it is about, so
 * that doing a step again replaces it.
 */

const folder = (run: string) => `${MAINTENANCE_PREFIX.work}${run}/`;

/** One object for each partition that may want compaction: the items of the Map. */
export const planPrefix = (run: string): string => `${folder(run)}plan/`;
export const planKey = (run: string, dataset: string, partition: string): string =>
  `${planPrefix(run)}${dataset}/${partition}partition.json`;
/** Files that may be abandoned, batch by batch. */
export const abandonedKey = (run: string, batch: number): string => `${folder(run)}abandoned/${batch}.json`;
const groupsKey = (run: string, dataset: string, partition: string): string =>
  `${folder(run)}groups/${dataset}/${partition}groups.json`;
/** What became of each group of each partition, and of the run's other steps. */
export const resultPrefix = (run: string): string => `${folder(run)}results/`;
const resultKey = (run: string, dataset: string, partition: string, group: number): string =>
  `${resultPrefix(run)}${dataset}/${partition}${group}.json`;
const deletedKey = (run: string, step: string, batch: number): string =>
  `${folder(run)}deleted/${step}-${batch}.json`;
export const deletedPrefix = (run: string): string => `${folder(run)}deleted/`;

const count = z.number().check(z.nonnegative());

const Group = z.array(z.object({ key: z.string(), bytes: count, rows: count }));
/** Files that become one. */
export type Group = z.output<typeof Group>;

export async function writeGroups(
  lake: LakeFiles,
  { run, dataset, partition }: PartitionInput,
  groups: readonly Group[],
): Promise<void> {
  await lake.write(groupsKey(run, dataset, partition), JSON.stringify(groups));
}

/** One group of those that were found. */
export async function readGroup(
  lake: LakeFiles,
  { run, dataset, partition }: PartitionInput,
  group: number,
): Promise<Group> {
  const key = groupsKey(run, dataset, partition);
  const groups = parseJson(z.array(Group), (await lake.text(key))?.body ?? '', `list of groups ${key}`);
  return groups[group] ?? [];
}

const GroupResult = z.object({
  /** Whether it was the partition's last. */
  isLast: z.boolean(),
  filesBefore: count,
  filesAfter: count,
  bytesBefore: count,
  bytesAfter: count,
  rows: count,
  superseded: count,
  seconds: count,
});
/** What a group's compaction has done. */
export type GroupResult = z.output<typeof GroupResult>;

export const NOTHING: GroupResult = {
  isLast: true,
  filesBefore: 0,
  filesAfter: 0,
  bytesBefore: 0,
  bytesAfter: 0,
  rows: 0,
  superseded: 0,
  seconds: 0,
};

export async function writeResult(
  lake: LakeFiles,
  { run, dataset, partition }: PartitionInput,
  group: number,
  result: GroupResult,
): Promise<void> {
  await lake.write(resultKey(run, dataset, partition, group), JSON.stringify(result));
}

export async function readResult(lake: LakeFiles, key: string): Promise<GroupResult> {
  return parseJson(GroupResult, (await lake.text(key))?.body ?? '', `result ${key}`);
}

/** Objects that a step deleted, by dataset. */
const Deleted = z.object({
  kind: z.enum(['retired', 'abandoned', 'expired']),
  counts: z.record(z.string(), count),
});
export type Deleted = z.output<typeof Deleted>;

export async function writeDeleted(
  lake: LakeFiles,
  run: string,
  batch: number,
  deleted: Deleted,
): Promise<void> {
  await lake.write(deletedKey(run, deleted.kind, batch), JSON.stringify(deleted));
}

export async function readDeleted(lake: LakeFiles, key: string): Promise<Deleted> {
  return parseJson(Deleted, (await lake.text(key))?.body ?? '', `count ${key}`);
}

/** A partition that a step is about. */
export interface PartitionInput {
  readonly run: string;
  readonly dataset: string;
  readonly partition: string;
}
