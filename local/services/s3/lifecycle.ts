import type { Core } from './core.ts';
import { removeUpload } from './multipart.ts';
import type { Bucket, Version } from './store.ts';
import { isNode, nodes, text, type XmlNode } from './xml.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Filters by more than a prefix are not understood: such a rule removes nothing. */
function prefixOf(rule: XmlNode): string | undefined {
  const filter = isNode(rule.Filter) ? rule.Filter : {};
  const others = Object.keys(filter).filter((name) => name !== 'Prefix');
  return others.length > 0 ? undefined : (text(filter.Prefix) ?? text(rule.Prefix) ?? '');
}

const daysOf = (rule: XmlNode, action: string, member: string): number | undefined => {
  const [node] = nodes(rule, action);
  return node?.[member] === undefined ? undefined : Number(node[member]);
};

/**
 * Removes noncurrent versions and unfinished uploads that a lifecycle rule has let expire. Current objects are never
 * removed, and there are no storage classes to move anything to.
 */
export function expire(core: Core): void {
  for (const bucket of core.store.buckets()) {
    for (const rule of nodes(bucket.configuration.lifecycle, 'Rule')) {
      const prefix = prefixOf(rule);
      if (text(rule.Status) !== 'Enabled' || prefix === undefined) continue;
      expireVersions(core, bucket, prefix, rule);
      expireUploads(
        core,
        bucket,
        prefix,
        daysOf(rule, 'AbortIncompleteMultipartUpload', 'DaysAfterInitiation'),
      );
    }
  }
}

/** A version's days count from when the next one took its place; the newest `NewerNoncurrentVersions` are kept. */
function expireVersions(core: Core, { name }: Bucket, prefix: string, rule: XmlNode): void {
  const days = daysOf(rule, 'NoncurrentVersionExpiration', 'NoncurrentDays');
  if (days === undefined) return;
  const kept = daysOf(rule, 'NoncurrentVersionExpiration', 'NewerNoncurrentVersions') ?? 0;
  const until = core.context.clock.now() - days * DAY_MS;
  const expired: Version[] = [];
  let newer: Version | undefined;
  let noncurrent = 0;
  for (const version of core.store.versions(name, prefix, { key: '', sequence: 0 })) {
    noncurrent = newer?.key === version.key ? noncurrent + 1 : 0;
    if (newer && noncurrent > kept && newer.modified <= until) expired.push(version);
    newer = version;
  }
  core.store.transaction(() => {
    for (const version of expired) core.store.removeVersion(version);
  });
  core.blobs.remove(expired.flatMap(({ blob }) => blob ?? []));
}

function expireUploads(core: Core, { name }: Bucket, prefix: string, days: number | undefined): void {
  if (days === undefined) return;
  const until = core.context.clock.now() - days * DAY_MS;
  for (const upload of core.store.uploads(name, prefix))
    if (upload.initiated <= until) removeUpload(core, upload);
}

/** Expires now and once a day, as S3 does. @returns what ends it */
export function expireDaily(core: Core): () => void {
  let cancel = () => {};
  const run = () => {
    expire(core);
    cancel = core.context.clock.after(DAY_MS, run);
  };
  run();
  return () => cancel();
}
