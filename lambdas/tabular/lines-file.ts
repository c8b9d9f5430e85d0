import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { ObjectRef } from '../shared/contract.ts';
import type { QuarantineLine } from './contract.ts';

/** S3 takes parts of at least 5 MiB, and ten thousand of them (S3 user guide, "Amazon S3 multipart upload limits"). */
const PART_BYTES = 8 * 1024 * 1024;

const JSONL_TYPE = 'application/jsonl';

/** Lines of JSON in an object that appears when all of them are there, in memory that is bounded. */
export class LinesFile {
  readonly #s3: Pick<S3Client, 'send'>;
  readonly #target: { readonly Bucket: string; readonly Key: string };
  readonly #parts: { readonly PartNumber: number; readonly ETag: string | undefined }[] = [];
  #uploadId: string | undefined;
  #lines: string[] = [];
  #characters = 0;

  constructor(s3: Pick<S3Client, 'send'>, { bucket, key }: ObjectRef) {
    this.#s3 = s3;
    this.#target = { Bucket: bucket, Key: key };
  }

  add(line: QuarantineLine): Promise<void> | undefined {
    const text = `${JSON.stringify(line)}\n`;
    this.#lines.push(text);
    this.#characters += text.length;
    return this.#characters >= PART_BYTES ? this.#upload() : undefined;
  }

  /** Answers whether there was a line. */
  async finish(): Promise<boolean> {
    if (this.#uploadId === undefined) {
      if (this.#lines.length === 0) return false;
      await this.#s3.send(
        new PutObjectCommand({ ...this.#target, Body: this.#lines.join(''), ContentType: JSONL_TYPE }),
      );
      return true;
    }
    if (this.#lines.length > 0) await this.#upload();
    await this.#s3.send(
      new CompleteMultipartUploadCommand({
        ...this.#target,
        UploadId: this.#uploadId,
        MultipartUpload: { Parts: this.#parts },
      }),
    );
    return true;
  }

  async #upload(): Promise<void> {
    const Body = this.#lines.join('');
    this.#lines = [];
    this.#characters = 0;
    if (this.#uploadId === undefined) {
      const { UploadId } = await this.#s3.send(
        new CreateMultipartUploadCommand({ ...this.#target, ContentType: JSONL_TYPE }),
      );
      this.#uploadId = UploadId;
    }
    const PartNumber = this.#parts.length + 1;
    const { ETag } = await this.#s3.send(
      new UploadPartCommand({ ...this.#target, UploadId: this.#uploadId, PartNumber, Body }),
    );
    this.#parts.push({ PartNumber, ETag });
  }
}
