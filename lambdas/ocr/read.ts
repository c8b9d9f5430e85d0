import * as z from 'zod/mini';
import { dynamo, s3, sfn, sqs, textract } from '../shared/clients.ts';
import { METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { sqsBatch } from '../shared/handler.ts';
import { s3Writer } from '../shared/objects.ts';
import { FileId, SourceFileSchema } from '../shared/schemas.ts';
import { LATER, taskWorker } from '../shared/task-worker.ts';
import { dynamoJobs } from './jobs.ts';
import { read } from './reading.ts';
import { dynamoSpend } from './spend.ts';
import { textractApi } from './textract.ts';

const env = environment([
  'LAKE_BUCKET',
  'OCR_JOBS_TABLE',
  'OCR_COMPLETION_TOPIC_ARN',
  'OCR_COMPLETION_ROLE_ARN',
  'TASK_QUEUE_URL',
  'DAILY_OCR_USD',
  'PRICES',
]);

const Message = z.object({
  taskToken: z.string(),
  executionName: z.string(),
  fileId: FileId,
  source: SourceFileSchema,
  kind: z.enum(['image', 'pdf', 'tiff']),
  pages: z.number().check(z.positive()),
});

/** 0 is no ceiling. */
const spend = () =>
  env.DAILY_OCR_USD > 0
    ? dynamoSpend(dynamo(), {
        table: env.OCR_JOBS_TABLE,
        ceilingUsd: env.DAILY_OCR_USD,
        usdPerPage: env.PRICES.textractPerPage,
      })
    : undefined;

/** State Read: the text of a picture, or the start of a job whose completion `collect.ts` waits for. */
export const handler = sqsBatch(
  taskWorker(
    Message,
    async (task, { log, meter, identify }) => {
      identify({ fileId: task.fileId, execution: task.executionName, pipeline: 'ocr' });
      const result = await read(task, {
        textract: textractApi(textract(), {
          topicArn: env.OCR_COMPLETION_TOPIC_ARN,
          roleArn: env.OCR_COMPLETION_ROLE_ARN,
        }),
        jobs: dynamoJobs(dynamo(), env.OCR_JOBS_TABLE),
        shelf: { lake: s3Writer(s3()), bucket: env.LAKE_BUCKET },
        spend: spend(),
      });
      if (result === LATER) log.info('Textract reads the document; its completion brings the answer.');
      else {
        const pages = result.outcome === 'SUCCEEDED' ? result.pages : 0;
        meter.add(METRIC.ocrPages, pages, { Pipeline: 'ocr', Kind: task.kind });
        log.info('The document was read.', { outcome: result.outcome, pages });
      }
      return result;
    },
    () => ({ sfn: sfn(), sqs: sqs(), queueUrl: env.TASK_QUEUE_URL }),
  ),
);
