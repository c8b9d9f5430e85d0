import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { LAKE, type ObjectRef, type Reason, type SourceFile } from '../shared/contract.ts';
import { copyObject, MAX_NAME_BYTES } from '../shared/copy-object.ts';
import { JSON_TYPE } from '../shared/objects.ts';
import { cutBytes } from '../shared/unicode.ts';
import type { Inspection, Quarantined } from './contract.ts';

/** Where refused documents go. */
export interface Quarantine {
  readonly bucket: string;
  /** Copies a version of an object. Answers false when it is gone. */
  copy(source: SourceFile, key: string, contentType: string): Promise<boolean>;
  write(key: string, body: string, contentType: string): Promise<void>;
}

const REASON_FILE = 'reason.json';

/** Copies the document to quarantine and writes the reason beside it. Doing it again changes nothing. */
export async function isolate(
  document: Inspection,
  reason: Reason,
  quarantine: Quarantine,
): Promise<Quarantined> {
  const { fileId, source, kind, pages, bytes, contentType, sha256, receivedAt } = document;
  const prefix = `${LAKE.quarantine}documents/${fileId}/`;
  const key = `${prefix}${safeName(source.key)}`;
  const isCopied = reason.code !== 'DELETED' && (await quarantine.copy(source, key, contentType));
  const copy: ObjectRef | undefined = isCopied ? { bucket: quarantine.bucket, key } : undefined;
  const note = { reason, source, kind, contentType, bytes, pages, sha256, receivedAt, copy: copy ?? null };
  await quarantine.write(`${prefix}${REASON_FILE}`, `${JSON.stringify(note, undefined, 2)}\n`, JSON_TYPE);
  // Refused after it was accepted, it has been read or analysed.
  const estimatedCostUsd = document.verdict === 'ACCEPTED' ? document.estimatedCostUsd : 0;
  return {
    outcome: 'REJECTED',
    reason,
    kind,
    pages,
    bytes,
    estimatedCostUsd,
    ...(copy && { quarantine: copy }),
  };
}

/** The last part of the key, made fit to stand beside the file with the reason. */
function safeName(key: string): string {
  const name = cutBytes(key.slice(key.lastIndexOf('/') + 1), MAX_NAME_BYTES);
  if (name === '') return 'object';
  return name === REASON_FILE ? `document-${name}` : name;
}

export function s3Quarantine(s3: S3Client, bucket: string): Quarantine {
  return {
    bucket,
    copy: (source, key, contentType) => copyObject(s3, source, { bucket, key }, contentType),
    async write(key, body, contentType) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType }));
    },
  };
}
