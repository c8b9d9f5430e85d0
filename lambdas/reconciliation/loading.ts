import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { LAKE, type ObjectRef } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { manifestOf, writeManifest } from '../shared/load-manifest.ts';
import type { Objects } from '../shared/objects.ts';
import { MAX_LOAD_ENTRIES, type ManifestEntry } from '../warehouse-load/contract.ts';

export interface LoadingDependencies {
  readonly objects: Pick<Objects, 'write'>;
  readonly sfn: Pick<SFNClient, 'send'>;
  readonly lakeBucket: string;
  readonly loadStateMachineArn: string;
}

/** A curated record as a manifest names it, or undefined when it is gone. */
export async function entryOf(
  s3: Pick<S3Client, 'send'>,
  { bucket, key }: ObjectRef,
): Promise<ManifestEntry | undefined> {
  try {
    const {
      VersionId,
      ETag = '',
      ContentLength = 0,
    } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return { key, versionId: VersionId ?? null, eTag: ETag.replaceAll('"', ''), size: ContentLength };
  } catch (error) {
    if (isNamed(error, 'NotFound', 'NoSuchKey')) return undefined;
    throw error;
  }
}

/** Name of the dataset of a curated record, `curated/<dataset>/…`; undefined for what is none. */
export function datasetOf(key: string): string | undefined {
  return key.startsWith(LAKE.curated) ? key.slice(LAKE.curated.length).split('/')[0] : undefined;
}

/**
 * Loads curated records that no load has brought in, as they are now. Sending their events once more would not do: the
 * same records make the same load, which ran before. Loads of a run and batch are named by them and the records, so that
 * doing it again starts nothing twice.
 * @param salt name of the run and batch
 */
export async function load(
  records: readonly ManifestEntry[],
  salt: string,
  { objects, sfn, lakeBucket, loadStateMachineArn }: LoadingDependencies,
): Promise<void> {
  for (const [dataset, members] of Map.groupBy(records, ({ key }) => datasetOf(key))) {
    if (dataset === undefined) continue;
    const sorted = members.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    for (let from = 0; from < sorted.length; from += MAX_LOAD_ENTRIES) {
      const entries = sorted.slice(from, from + MAX_LOAD_ENTRIES);
      const manifest = manifestOf(dataset, entries, `reconciliation ${salt}`);
      const input = await writeManifest(objects, lakeBucket, manifest);
      await start(sfn, loadStateMachineArn, manifest.loadId, JSON.stringify(input));
    }
  }
}

/** Starts an execution unless one of this name runs or ran. */
export async function start(
  sfn: Pick<SFNClient, 'send'>,
  stateMachineArn: string,
  name: string,
  input: string,
): Promise<void> {
  try {
    await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input }));
  } catch (error) {
    if (!isNamed(error, 'ExecutionAlreadyExists')) throw error;
  }
}
