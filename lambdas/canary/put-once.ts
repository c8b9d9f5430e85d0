import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SourceFile } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { sourceFile } from '../shared/file-id.ts';

/**
 * Puts an object, or finds the one that an earlier attempt has put: a second version would be a second file, whose
 * failure nobody would end.
 */
export async function putOnce(
  s3: Pick<S3Client, 'send'>,
  Bucket: string,
  Key: string,
  Body: string,
): Promise<SourceFile> {
  try {
    const { VersionId } = await s3.send(
      new PutObjectCommand({ Bucket, Key, Body, ContentType: 'text/plain', IfNoneMatch: '*' }),
    );
    return sourceFile(Bucket, Key, VersionId);
  } catch (error) {
    if (!isNamed(error, 'PreconditionFailed')) throw error;
    const { VersionId } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    return sourceFile(Bucket, Key, VersionId);
  }
}
