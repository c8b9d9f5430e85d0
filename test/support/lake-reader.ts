import { parquetReadObjects } from 'hyparquet';
import { z } from 'zod';
import type { Dataset } from '../../datasets/dataset.ts';
import { COMPACTED, CompactionSchema, compactionPrefix } from '../../lambdas/maintenance/contract.ts';
import { LAKE } from '../../lambdas/shared/contract.ts';
import { PublicationSchema } from '../../lambdas/shared/publication.ts';
import type { Account } from './account.ts';

/** A row that a reader of the lake sees. */
export type LakeRow = Readonly<Record<string, unknown>>;

const Landed = z.looseObject({ source_file: z.string(), file_id: z.string() });

/**
 * Every row of a dataset that a reader of the lake is to take, in no order: what publications and compactions show, and of
 * landed files only the newest version. Of several rows of one key a view shows one; here all come, so that a row that is
 * there twice is seen.
 */
export async function readLake(account: Account, dataset: Dataset): Promise<LakeRow[]> {
  const { name, origin } = dataset;
  const texts = async (prefix: string) =>
    Promise.all((await account.keys(account.lake, prefix)).map((key) => account.text(account.lake, key)));
  const compactions = (await texts(compactionPrefix(name))).map((text) =>
    CompactionSchema.parse(JSON.parse(text)),
  );
  const added = new Set(compactions.flatMap((compaction) => compaction.added));
  const retired = new Set(compactions.flatMap((compaction) => compaction.retired));
  const publications =
    origin === 'records'
      ? []
      : (await texts(`${origin === 'landing' ? LAKE.curated : LAKE.published}${name}/`)).map((text) =>
          PublicationSchema.parse(JSON.parse(text)),
        );
  const listed = new Set(publications.flatMap(({ parts }) => parts.map(({ key }) => key)));
  const newest = new Map(
    publications
      .toSorted((a, b) => Date.parse(a.landedAt) - Date.parse(b.landedAt))
      .map(({ sourceFile, fileId }) => [sourceFile, fileId]),
  );

  const rows: LakeRow[] = [];
  const keys = await account.keys(account.lake, `${LAKE.loaded}${name}/`);
  const shown = keys.filter((key) =>
    key.includes(`/${COMPACTED}`)
      ? added.has(key)
      : !retired.has(key) && (origin === 'records' || listed.has(key)),
  );
  for (const key of shown) rows.push(...(await readFile(account, key)));
  if (origin !== 'landing') return rows;
  return rows.filter((row) => {
    const { source_file, file_id } = Landed.parse(row);
    return newest.get(source_file) === file_id;
  });
}

async function readFile(account: Account, key: string): Promise<LakeRow[]> {
  const bytes = new Uint8Array(await account.bytes(account.lake, key));
  return parquetReadObjects({ file: bytes.buffer });
}

/** Rows as sorted texts, so that two readings compare whatever their order. */
export function comparable(rows: readonly LakeRow[]): string[] {
  return rows
    .map((row) =>
      JSON.stringify(
        Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)),
        (_name, value) => (typeof value === 'bigint' ? `${value}` : value),
      ),
    )
    .sort();
}
