import { createHash } from 'node:crypto';
import type { SourceFile } from './contract.ts';

/** The version of an object in a bucket without versioning, as S3 itself calls it. */
const UNVERSIONED = 'null';

/** A version of an object and its id, `sha256(bucket | key | versionId)` in hex. */
export function sourceFile(bucket: string, key: string, versionId: string = UNVERSIONED): SourceFile {
  const fileId = createHash('sha256').update(`${bucket}|${key}|${versionId}`).digest('hex');
  return { fileId, bucket, key, versionId };
}
