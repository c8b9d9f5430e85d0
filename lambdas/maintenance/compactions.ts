import { parseJson } from '../shared/parse.ts';
import { type Compaction, CompactionSchema, compactionKey } from './contract.ts';
import type { LakeFiles } from './lake.ts';

/** A partition's compaction as it was read, and what is needed to replace just that. */
export interface ReadCompaction {
  readonly compaction: Compaction;
  /** Undefined where there has been none. */
  readonly eTag: string | undefined;
}

/** Reads what compaction has made of a partition so far. */
export async function readCompaction(
  lake: LakeFiles,
  dataset: string,
  partition: string,
): Promise<ReadCompaction> {
  const key = compactionKey(dataset, partition);
  const found = await lake.text(key);
  if (!found) {
    return {
      compaction: { dataset, partition, added: [], retired: [], waiting: [] },
      eTag: undefined,
    };
  }
  return { compaction: parseJson(CompactionSchema, found.body, `compaction ${key}`), eTag: found.eTag };
}

/** Replaces it at once for every reader. @throws SwapConflict when it is not the one that was read any more */
export function replaceCompaction(
  lake: LakeFiles,
  compaction: Compaction,
  eTag: string | undefined,
): Promise<void> {
  return lake.replace(
    compactionKey(compaction.dataset, compaction.partition),
    JSON.stringify(compaction),
    eTag,
  );
}
