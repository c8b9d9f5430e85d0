import { readCompaction, replaceCompaction } from './compactions.ts';
import { COMPACTED, type Compaction } from './contract.ts';
import { NotCompacted } from './errors.ts';
import type { LakeFiles } from './lake.ts';
import { nameIn } from './partitions.ts';
import {
  type Group,
  type GroupResult,
  NOTHING,
  type PartitionInput,
  readGroup,
  writeResult,
} from './work.ts';

export interface SwapInput extends PartitionInput {
  readonly group: number;
  /** Whether it is the partition's last group. */
  readonly isLast: boolean;
  readonly file: { readonly key: string; readonly bytes: number; readonly rows: number } | null;
  readonly superseded: number;
  readonly isOvertaken: boolean;
  /** Seconds that writing the file has taken. */
  readonly seconds: number;
}

/** Whether readers see a file, as far as compaction decides it. */
export function isShown(key: string, { added, retired }: Compaction): boolean {
  return nameIn(key).startsWith(COMPACTED) ? added.includes(key) : !retired.includes(key);
}

/**
 * Shows a compacted file and hides those that it replaces, in one write that only succeeds on the compaction that it was
 * decided on. Doing it again changes nothing.
 * @param now milliseconds since the epoch
 * @throws SwapConflict when another run was faster: the next attempt reads what it wrote
 * @throws NotCompacted
 */
export async function swap(input: SwapInput, lake: LakeFiles, now: number): Promise<GroupResult> {
  const { file, isLast } = input;
  const group = await readGroup(lake, input, input.group);
  const isSwapped = !input.isOvertaken && (await swapIn(input, group, lake, now));
  const result: GroupResult = isSwapped
    ? {
        isLast,
        filesBefore: group.length,
        filesAfter: file ? 1 : 0,
        bytesBefore: group.reduce((sum, { bytes }) => sum + bytes, 0),
        bytesAfter: file?.bytes ?? 0,
        rows: file?.rows ?? 0,
        superseded: input.superseded,
        seconds: input.seconds,
      }
    : { ...NOTHING, isLast, seconds: input.seconds };
  await writeResult(lake, input, input.group, result);
  return result;
}

/** Answers false when another run has replaced files of the group meanwhile. */
async function swapIn(
  { dataset, partition, file, superseded }: SwapInput,
  group: Group,
  lake: LakeFiles,
  now: number,
): Promise<boolean> {
  const { compaction, eTag } = await readCompaction(lake, dataset, partition);
  const { added, retired, waiting } = compaction;
  const keys = group.map(({ key }) => key);
  const replaced = new Set(keys);
  const rows = group.reduce((sum, member) => sum + member.rows, 0);
  if (rows !== (file?.rows ?? 0) + superseded) {
    throw new NotCompacted(
      `${keys.length} files of ${dataset}/${partition} have ${rows} rows, and what should replace them has ${file?.rows ?? 0}, with ${superseded} superseded.`,
    );
  }
  const isDone =
    keys.every((key) => !isShown(key, compaction)) && (file === null || added.includes(file.key));
  if (isDone) return true;
  if (!keys.every((key) => isShown(key, compaction))) return false;
  if (file && (added.includes(file.key) || retired.includes(file.key))) {
    throw new NotCompacted(`${file.key} has already been written for other files.`);
  }
  await replaceCompaction(
    lake,
    {
      dataset,
      partition,
      added: [...added.filter((key) => !replaced.has(key)), ...(file ? [file.key] : [])],
      retired: [...retired, ...keys],
      waiting: [...waiting, { at: new Date(now).toISOString(), keys }],
    },
    eTag,
  );
  return true;
}
