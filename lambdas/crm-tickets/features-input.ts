import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { type Dataset, glueType, parquetColumns } from '../../datasets/dataset.ts';
import { COMPACTED, CompactionSchema, compactionPrefix } from '../maintenance/contract.ts';
import { LAKE } from '../shared/contract.ts';
import { inLanes } from '../shared/lanes.ts';
import { s3Objects } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';

/** Compactions that are read at the same time. */
const LANES = 16;

/** A view of the job's: columns with Spark's types, and the files that hold them. */
export interface InputView {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly files: readonly string[];
}

export interface LakeFile {
  readonly key: string;
  readonly bytes: number;
}

export interface LakeFiles {
  /** Objects below a prefix, in the order of their keys. */
  list(prefix: string): AsyncIterable<LakeFile>;
  read(key: string): Promise<string>;
}

export function lakeFiles(s3: S3Client, bucket: string): LakeFiles {
  return {
    async *list(prefix) {
      let ContinuationToken: string | undefined;
      do {
        const page = await s3.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken }),
        );
        for (const { Key = '', Size = 0 } of page.Contents ?? []) yield { key: Key, bytes: Size };
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    read: (key) => s3Objects(s3).read({ bucket, key }),
  };
}

/**
 * Files of a dataset whose rows are shown, as `Compaction` in the contract of maintenance says it. A file belongs to a
 * publication by the id in its name, so that publications are listed and not read.
 *
 * Compactions first, then publications, then files: what is compacted or published meanwhile is seen as it was before,
 * with files that are still there.
 */
export async function shownFiles({ name, origin }: Dataset, lake: LakeFiles): Promise<LakeFile[]> {
  const added = new Set<string>();
  const retired = new Set<string>();
  const documents = await all(lake.list(compactionPrefix(name)));
  await inLanes(LANES, documents, async ({ key }) => {
    const compaction = parseJson(CompactionSchema, await lake.read(key), 'compaction');
    for (const each of compaction.added) added.add(each);
    for (const each of compaction.retired) retired.add(each);
  });
  const published = new Set<string>();
  if (origin !== 'records') {
    for await (const { key } of lake.list(`${LAKE.published}${name}/`)) published.add(fileIdOf(key));
  }
  const isShown = (key: string) => {
    if (nameOf(key).startsWith(COMPACTED)) return added.has(key);
    return !retired.has(key) && (origin === 'records' || published.has(fileIdOf(key)));
  };
  return (await all(lake.list(`${LAKE.loaded}${name}/`))).filter(({ key }) => isShown(key));
}

/** Columns that the dataset's Parquet files may have. Files from before a column was added lack it. */
export function inputColumns(dataset: Dataset): InputView['columns'] {
  return parquetColumns(dataset).map((column) => ({ name: column.name, type: glueType(column) }));
}

const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

/** Id of the file that a publication or a part is of: `<file id>.json`, `<file id>-<n>.parquet`. */
const fileIdOf = (key: string): string => nameOf(key).slice(0, 64);

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}
