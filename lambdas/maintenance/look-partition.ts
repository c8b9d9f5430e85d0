import { inLanes } from '../shared/lanes.ts';
import { readCompaction } from './compactions.ts';
import { COMPACTED, type MaintenanceSettings } from './contract.ts';
import type { LakeFiles } from './lake.ts';
import { footerOf, isOurs } from './parquet-file.ts';
import { datasetNamed, loadedPrefix, nameIn } from './partitions.ts';
import { fileOf, Publications } from './published.ts';
import { isSettled, isSmall } from './rules.ts';
import { type Group, NOTHING, type PartitionInput, writeGroups, writeResult } from './work.ts';

/** Files that one run takes up in a partition; the others are left for the next. */
const MAX_FILES = 20_000;
/** Footers that are read at once. */
const READS = 20;

/**
 * What one group may hold, so that its rows fit into a function's memory. A row takes some hundred bytes beyond what its
 * values take in the file.
 */
const MAX_GROUP = { files: 5_000, rows: 1_000_000, uncompressed: 256 * 1024 ** 2 };

interface Candidate {
  readonly key: string;
  readonly bytes: number;
  readonly rows: number;
  readonly uncompressed: number;
}

/**
 * Finds a partition's small files that readers see, and puts them into groups that become one file each. What is not
 * published is left alone: it is somebody's unfinished work.
 * @returns number of groups
 * @throws NotCompacted
 */
export async function look(
  input: PartitionInput & { readonly startedAt: number },
  lake: LakeFiles,
  settings: MaintenanceSettings,
): Promise<{ groups: number }> {
  const dataset = datasetNamed(input.dataset);
  const { compaction } = await readCompaction(lake, input.dataset, input.partition);
  const retired = new Set(compaction.retired);
  const added = new Set(compaction.added);
  const publications = new Publications(lake, dataset);

  const small = (await lake.list(loadedPrefix(input.dataset, input.partition)))
    .filter((file) => isSmall(file, settings) && isSettled(file, input.startedAt))
    .filter(({ key }) => (isCompacted(key) ? added.has(key) : !retired.has(key)))
    .slice(0, MAX_FILES);
  const looked = await inLanes(READS, small, async (file): Promise<Candidate | undefined> => {
    const footer = await footerOf(fileOf(lake, file));
    if (!isOurs(footer)) return undefined;
    const isShown =
      dataset.origin === 'records' ||
      isCompacted(file.key) ||
      (await publications.look(file, footer)) === 'published';
    return isShown ? { ...file, ...footer } : undefined;
  });
  const candidates = looked.filter((candidate) => candidate !== undefined);
  const groups =
    candidates.length > settings.compactAboveFiles ? groupsOf(candidates, settings.targetBytes) : [];
  if (groups.length === 0) await writeResult(lake, input, 0, NOTHING);
  else await writeGroups(lake, input, groups);
  return { groups: groups.length };
}

function isCompacted(key: string): boolean {
  return nameIn(key).startsWith(COMPACTED);
}

/** One after the other, until a group is full. A group of one file would bring nothing. */
function groupsOf(candidates: readonly Candidate[], targetBytes: number): Group[] {
  const groups: Candidate[][] = [];
  let sum = { bytes: 0, rows: 0, uncompressed: 0 };
  for (const candidate of candidates) {
    const next = {
      bytes: sum.bytes + candidate.bytes,
      rows: sum.rows + candidate.rows,
      uncompressed: sum.uncompressed + candidate.uncompressed,
    };
    const group = groups.at(-1);
    const fits =
      group !== undefined &&
      group.length < MAX_GROUP.files &&
      next.bytes <= targetBytes &&
      next.rows <= MAX_GROUP.rows &&
      next.uncompressed <= MAX_GROUP.uncompressed;
    if (fits) {
      group.push(candidate);
      sum = next;
    } else {
      groups.push([candidate]);
      sum = candidate;
    }
  }
  return groups
    .filter(({ length }) => length > 1)
    .map((group) => group.map(({ key, bytes, rows }) => ({ key, bytes, rows })));
}
