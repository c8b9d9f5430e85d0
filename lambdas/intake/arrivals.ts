import type { SourceFile } from '../shared/contract.ts';
import { sourceFile } from '../shared/file-id.ts';
import { createdObjects } from '../shared/s3-events.ts';

/** An object that landed. */
export interface Arrival {
  readonly file: SourceFile;
  readonly bytes: number;
  /** ISO 8601, UTC: when S3 took the object. */
  readonly time: string;
}

/**
 * The files of one message of S3.
 * @throws InvalidEvent when S3 did not send the message
 */
export function arrivalsOf(body: string): readonly Arrival[] {
  return createdObjects(body).map(({ bucket, key, versionId, bytes, time }) => ({
    file: sourceFile(bucket, key, versionId),
    bytes,
    time,
  }));
}
