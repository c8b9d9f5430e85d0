import { kindOf, type UnreadableDocument } from '../../engines/ocr.ts';
import { AwsError, type Caller, type RuntimeContext } from '../service.ts';

const MB = 1024 * 1024;

/** Set quotas of Textract: bytes of a document, and pages of a PDF or TIFF. */
export const LIMITS = {
  syncBytes: 10 * MB,
  asyncImageBytes: 10 * MB,
  asyncBytes: 500 * MB,
  syncPages: 1,
  asyncPages: 3000,
} as const;

export interface S3Location {
  readonly Bucket: string;
  readonly Name: string;
  readonly Version?: string | undefined;
}

/** Reads the object with the caller's own permission, as Textract does. */
export async function fetchDocument(
  context: RuntimeContext,
  { Bucket, Name, Version }: S3Location,
  caller: Caller,
): Promise<Buffer> {
  try {
    const { Body } = await context.call(
      's3',
      'GetObject',
      { Bucket, Key: Name, ...(Version !== undefined && { VersionId: Version }) },
      caller,
    );
    if (!(Body instanceof Uint8Array)) throw new TypeError('GetObject answered without a body.');
    return Buffer.from(Body.buffer, Body.byteOffset, Body.length);
  } catch (cause) {
    throw new AwsError(
      'InvalidS3ObjectException',
      'Unable to get object metadata from S3. Check object key, region and/or access permissions.',
      { cause },
    );
  }
}

/** @throws AwsError UnsupportedDocumentException, DocumentTooLargeException */
export function checkDocument(bytes: Buffer, mode: 'sync' | 'async'): void {
  const kind = kindOf(bytes);
  if (!kind) throw unsupported();
  const isImage = kind === 'png' || kind === 'jpeg';
  const limit = mode === 'sync' ? LIMITS.syncBytes : isImage ? LIMITS.asyncImageBytes : LIMITS.asyncBytes;
  if (bytes.length > limit) {
    throw new AwsError(
      'DocumentTooLargeException',
      `The document has ${bytes.length} bytes; at most ${limit} are allowed for this operation.`,
    );
  }
}

const unsupported = () =>
  new AwsError('UnsupportedDocumentException', 'Request has unsupported document format');

/** What the operations answer for a document that the engine cannot read. */
export function documentError(error: UnreadableDocument): AwsError {
  const isUnsupported = ['UNSUPPORTED_TYPE', 'ENCRYPTED', 'TOO_MANY_PAGES'].includes(error.code);
  return isUnsupported
    ? unsupported()
    : new AwsError('BadDocumentException', `Request has an unreadable document: ${error.message}`, {
        cause: error,
      });
}
