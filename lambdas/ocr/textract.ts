import {
  type Block,
  DetectDocumentTextCommand,
  GetDocumentTextDetectionCommand,
  StartDocumentTextDetectionCommand,
  type TextractClient,
} from '@aws-sdk/client-textract';
import type { SourceFile } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';

/** One answer of Textract: a part of the blocks of a document. */
export interface TextractPage {
  readonly status: 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'PARTIAL_SUCCESS';
  /** Why a job failed. */
  readonly statusMessage: string;
  /** Pages of the whole document. */
  readonly pages: number;
  readonly blocks: readonly Block[];
  readonly warnings: readonly { readonly code: string; readonly pages: readonly number[] }[];
  readonly next?: string | undefined;
}

/** What ocr asks of Textract. */
export interface Textract {
  /** Reads a picture of one page. */
  detect(source: SourceFile): Promise<TextractPage>;
  /** Starts a job; with the same token and document it finds the job it started before. Answers the job's id. */
  start(source: SourceFile, requestToken: string): Promise<string>;
  /** A part of a job's result; undefined when Textract does not know the job (any more). */
  get(jobId: string, next?: string): Promise<TextractPage | undefined>;
}

/** Where Textract announces that a job is done. */
export interface CompletionChannel {
  readonly topicArn: string;
  readonly roleArn: string;
}

/** @param channel only needed by `start` */
export function textractApi(client: Pick<TextractClient, 'send'>, channel?: CompletionChannel): Textract {
  return {
    async detect(source) {
      const { Blocks = [], DocumentMetadata } = await client.send(
        new DetectDocumentTextCommand({ Document: locationOf(source) }),
      );
      return {
        status: 'SUCCEEDED',
        statusMessage: '',
        pages: DocumentMetadata?.Pages ?? 1,
        blocks: Blocks,
        warnings: [],
      };
    },
    async start(source, requestToken) {
      const { JobId } = await client.send(
        new StartDocumentTextDetectionCommand({
          DocumentLocation: locationOf(source),
          ClientRequestToken: requestToken,
          JobTag: source.fileId,
          ...(channel && {
            NotificationChannel: { SNSTopicArn: channel.topicArn, RoleArn: channel.roleArn },
          }),
        }),
      );
      if (!JobId) throw new Error('Textract started a job without telling its id.');
      return JobId;
    },
    async get(jobId, next) {
      try {
        const answer = await client.send(
          new GetDocumentTextDetectionCommand({ JobId: jobId, MaxResults: 1_000, NextToken: next }),
        );
        return {
          status: answer.JobStatus ?? 'IN_PROGRESS',
          statusMessage: answer.StatusMessage ?? '',
          pages: answer.DocumentMetadata?.Pages ?? 0,
          blocks: answer.Blocks ?? [],
          warnings: (answer.Warnings ?? []).map(({ ErrorCode = '', Pages = [] }) => ({
            code: ErrorCode,
            pages: Pages,
          })),
          next: answer.NextToken,
        };
      } catch (error) {
        if (isNamed(error, 'InvalidJobIdException')) return undefined;
        throw error;
      }
    },
  };
}

function locationOf({ bucket, key, versionId }: SourceFile) {
  // A bucket without versioning has no version that could be named.
  const Version = versionId === 'null' ? undefined : versionId;
  return { S3Object: { Bucket: bucket, Name: key, Version } };
}
