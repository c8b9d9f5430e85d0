import { createHash } from 'node:crypto';
import type { LoadInput, Manifest, ManifestEntry } from '../warehouse-load/contract.ts';
import { LAKE } from './contract.ts';
import { JSON_TYPE, type Objects } from './objects.ts';

/** A publication as a manifest names it, by the pipeline that wrote it. */
export function publishedEntry(key: string, body: string): ManifestEntry {
  const eTag = createHash('sha256').update(body).digest('hex');
  return { key, versionId: null, eTag, size: Buffer.byteLength(body) };
}

/**
 * The manifest of one load. Its id is a function of the dataset and of what its entries hold: the same objects make the
 * same load, in whatever order and however often they come.
 * @param entries each key once; at most `MAX_LOAD_ENTRIES`
 * @param salt makes it another load of the same objects
 */
export function manifestOf(dataset: string, entries: readonly ManifestEntry[], salt = ''): Manifest {
  const sorted = entries.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const hash = createHash('sha256').update(`${dataset}${salt && `\n${salt}`}`);
  for (const { key, eTag } of sorted) hash.update(`\n${key} ${eTag}`);
  return { loadId: hash.digest('hex'), dataset, entries: sorted };
}

/** Writes a manifest, and answers the input of the execution of warehouse-load that loads it. */
export async function writeManifest(
  objects: Pick<Objects, 'write'>,
  lakeBucket: string,
  manifest: Manifest,
): Promise<LoadInput> {
  const { loadId, dataset } = manifest;
  const ref = { bucket: lakeBucket, key: `${LAKE.manifests}${dataset}/${loadId}.json` };
  await objects.write(ref, JSON.stringify(manifest), JSON_TYPE);
  return { loadId, dataset, manifest: ref };
}
