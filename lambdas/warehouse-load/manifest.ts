import { LAKE } from '../shared/contract.ts';
import { InvalidEvent } from '../shared/errors.ts';
import { manifestOf } from '../shared/load-manifest.ts';
import type { CreatedObject } from '../shared/s3-events.ts';
import type { Manifest, ManifestEntry } from './contract.ts';

/** Name of the dataset that a curated object belongs to: `curated/<dataset>/…`. @throws InvalidEvent */
export function datasetOf(key: string): string {
  const [dataset, ...rest] = key.startsWith(LAKE.curated) ? key.slice(LAKE.curated.length).split('/') : [];
  if (dataset && rest.length > 0) return dataset;
  throw new InvalidEvent(`${key} is not a curated record: expected ${LAKE.curated}<dataset>/….`);
}

/**
 * One manifest for each dataset among the objects. Of a key that comes twice, the newest version counts; the order
 * of arrival does not, so that the same objects always make the same load.
 */
export function manifestsOf(objects: readonly CreatedObject[]): readonly Manifest[] {
  const datasets = Map.groupBy(objects, ({ key }) => datasetOf(key));
  return [...datasets].map(([dataset, members]) => {
    const newest = new Map<string, CreatedObject>();
    for (const object of members) {
      const known = newest.get(object.key);
      if (!known || isNewer(object, known)) newest.set(object.key, object);
    }
    const entries = [...newest.values()].map(
      ({ key, versionId = null, eTag, bytes }): ManifestEntry => ({ key, versionId, eTag, size: bytes }),
    );
    return manifestOf(dataset, entries);
  });
}

/** Of two versions of the same moment, which is the newer is made up, but always the same. */
function isNewer(a: CreatedObject, b: CreatedObject): boolean {
  return a.time === b.time ? (a.versionId ?? '') > (b.versionId ?? '') : a.time > b.time;
}
