import * as z from 'zod/mini';
import { LAKE, publicationPrefix } from './contract.ts';
import { FileId } from './schemas.ts';

/**
 * A publication makes the rows of one file visible, in one object and so at once: its Parquet files are below `loaded/`
 * before, where no view shows them. It says nothing that is not a function of the file, so that writing it again
 * replaces it with the same.
 */
export interface Publication {
  readonly dataset: string;
  /** Id of the version of the file that brought the rows. */
  readonly fileId: string;
  /** Key of that file, whatever its version: a later version replaces the rows of an earlier one. */
  readonly sourceFile: string;
  /** When that version landed; ISO 8601, UTC. */
  readonly landedAt: string;
  /** Rows of all parts. */
  readonly rows: number;
  readonly parts: readonly PublishedPart[];
}

/** One Parquet file of a publication: `loaded/<dataset>/year=…/month=…/day=…/<file id>-<n>.parquet`. */
export interface PublishedPart {
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
}

export const PublicationSchema: z.ZodMiniType<Publication> = z.object({
  dataset: z.string(),
  fileId: FileId,
  sourceFile: z.string(),
  landedAt: z.iso.datetime(),
  rows: z.number(),
  parts: z.array(z.object({ key: z.string(), rows: z.number(), bytes: z.number() })),
});

/** Key of a publication. @param day of landing, as `partitionOf` gives it */
export function publicationKey(
  origin: 'landing' | 'crm' | 'job',
  dataset: string,
  day: string,
  fileId: string,
): string {
  return `${publicationPrefix(origin, dataset)}${day}${fileId}.json`;
}

/** Key of the n-th Parquet file of a file's rows in a partition. */
export function partKey(dataset: string, partition: string, fileId: string, n: number): string {
  return `${LAKE.loaded}${dataset}/${partition}${fileId}-${n}.parquet`;
}
