import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { OcrCrashed, OcrEngine, type OcrOptions, UnreadableDocument } from '../../engines/ocr.ts';
import { operation } from '../operation.ts';
import {
  AwsError,
  type LocalService,
  type OperationCall,
  type RuntimeContext,
  type Shape,
} from '../service.ts';
import { blocksOfPage, MODEL_VERSION } from './blocks.ts';
import { checkDocument, documentError, fetchDocument, LIMITS } from './documents.ts';
import { JobStore } from './job-store.ts';
import { Jobs } from './jobs.ts';

export interface TextractService extends LocalService {
  /** Loads the engine ahead of the first document. */
  warmUp(): Promise<void>;
}

const S3Object = z.object({
  Bucket: z.string().min(3).max(255),
  Name: z.string().min(1).max(1024),
  Version: z.string().min(1).max(1024).optional(),
});
/** A blob of the JSON protocol is base64; a caller in process may hand over the bytes. */
const Blob = z.union([
  z.base64().transform((text) => Buffer.from(text, 'base64')),
  z.instanceof(Uint8Array).transform((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
]);
const DetectInput = z.object({
  Document: z
    .object({ Bytes: Blob.optional(), S3Object: S3Object.optional() })
    .refine((document) => (document.Bytes === undefined) !== (document.S3Object === undefined), {
      message: 'Exactly one of Bytes and S3Object is given.',
    }),
});
const token = z.string().regex(/^[a-zA-Z0-9-_]{1,64}$/);
const StartInput = z.object({
  DocumentLocation: z.object({ S3Object }),
  ClientRequestToken: token.optional(),
  JobTag: z
    .string()
    .regex(/^[a-zA-Z0-9_.\-:]{1,64}$/)
    .optional(),
  NotificationChannel: z
    .object({ SNSTopicArn: z.string().min(20).max(1024), RoleArn: z.string().min(20).max(2048) })
    .optional(),
});
const GetInput = z.object({
  JobId: token,
  MaxResults: z.number().int().min(1).default(1000),
  NextToken: z.string().min(1).max(255).optional(),
});

const INVALID = 'InvalidParameterException';

/** Amazon Textract's text detection, done by Tesseract and, where a PDF has typed text, by pdf.js. */
export function createTextract(
  context: RuntimeContext,
  options: OcrOptions = { recognisers: Math.min(2, availableParallelism()) },
): TextractService {
  const engine = new OcrEngine(options);
  const store = new JobStore(join(context.dataDir, 'textract'));
  const jobs = new Jobs(context, engine, store);

  async function detect({ Document }: z.output<typeof DetectInput>, call: OperationCall): Promise<Shape> {
    const bytes =
      Document.Bytes ??
      (Document.S3Object ? await fetchDocument(context, Document.S3Object, call.caller) : Buffer.alloc(0));
    checkDocument(bytes, 'sync');
    try {
      const pages = await engine.read(bytes, { maxPages: LIMITS.syncPages, signal: call.signal });
      const seed = randomUUID();
      return {
        DocumentMetadata: { Pages: pages.length },
        Blocks: pages.flatMap((page, index) => blocksOfPage(page, index + 1, seed)),
        DetectDocumentTextModelVersion: MODEL_VERSION,
      };
    } catch (error) {
      if (error instanceof UnreadableDocument) throw documentError(error);
      if (error instanceof OcrCrashed) {
        throw new AwsError('InternalServerError', error.message, { status: 500, cause: error });
      }
      throw error;
    }
  }

  function results({ JobId, MaxResults, NextToken }: z.output<typeof GetInput>): Shape {
    const job = store.get(JobId);
    if (!job) throw new AwsError('InvalidJobIdException', 'Request has invalid Job Id');
    const common = { JobStatus: job.status, DetectDocumentTextModelVersion: MODEL_VERSION };
    if (job.status === 'IN_PROGRESS') return common;
    if (job.status === 'FAILED') return { ...common, StatusMessage: job.message };
    const from = NextToken === undefined ? 0 : offsetOf(NextToken, JobId);
    const count = Math.min(MaxResults, 1000);
    const { blocks, more } = store.blocks(JobId, from, count);
    return {
      ...common,
      DocumentMetadata: { Pages: job.pages },
      Blocks: blocks,
      ...(more && { NextToken: nextToken(from + count, JobId) }),
    };
  }

  return {
    signingNames: ['textract'],
    iamPrefix: 'textract',
    operations: {
      DetectDocumentText: operation(DetectInput, { handle: detect }, INVALID),
      StartDocumentTextDetection: operation(
        StartInput,
        {
          async handle(input, call) {
            const request = {
              document: input.DocumentLocation.S3Object,
              jobTag: input.JobTag,
              channel: input.NotificationChannel,
            };
            return { JobId: await jobs.start(request, input.ClientRequestToken, call.caller) };
          },
        },
        INVALID,
      ),
      GetDocumentTextDetection: operation(GetInput, { handle: results }, INVALID),
    },
    start: () => jobs.resume(),
    async stop() {
      const stopped = jobs.stop();
      await engine.stop();
      await stopped;
      store.close();
    },
    warmUp: () => engine.warmUp(),
  };
}

/** A page token names its job, so that it is refused for another. */
const nextToken = (offset: number, jobId: string) =>
  Buffer.from(`${offset}/${jobId.slice(0, 16)}`).toString('base64url');

function offsetOf(text: string, jobId: string): number {
  const [offset, job] = Buffer.from(text, 'base64url').toString().split('/');
  if (job !== jobId.slice(0, 16))
    throw new AwsError(INVALID, 'The NextToken is of another job or not of this service.');
  return Number(offset);
}
