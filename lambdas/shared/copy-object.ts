import { CopyObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ObjectRef, SourceFile } from './contract.ts';
import { isNamed } from './errors.ts';

/**
 * Copies a version of an object, of at most 5 GiB (S3 API reference, CopyObject). Answers false when it is gone. Neither
 * the sender's metadata nor tags come along, for which the copy would need further permissions.
 */
export async function copyObject(
  s3: Pick<S3Client, 'send'>,
  { bucket, key, versionId }: SourceFile,
  to: ObjectRef,
  ContentType?: string,
): Promise<boolean> {
  const path = `${bucket}/${key}`.split('/').map(encodeURIComponent).join('/');
  try {
    await s3.send(
      new CopyObjectCommand({
        Bucket: to.bucket,
        Key: to.key,
        CopySource: `${path}?versionId=${encodeURIComponent(versionId)}`,
        MetadataDirective: 'REPLACE',
        TaggingDirective: 'REPLACE',
        ...(ContentType && { ContentType }),
      }),
    );
    return true;
  } catch (error) {
    if (isNamed(error, 'NoSuchKey', 'NoSuchVersion', 'NotFound')) return false;
    throw error;
  }
}

/** An S3 key has at most 1,024 bytes of UTF-8, and the prefix in front of the name takes its part. */
export const MAX_NAME_BYTES = 900;
