import * as z from 'zod/mini';
import { dynamo, s3, sfn, sqs, textract } from '../shared/clients.ts';
import { METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { sqsBatch } from '../shared/handler.ts';
import { s3Writer } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import { FileId } from '../shared/schemas.ts';
import { answerTask, LATER } from '../shared/task-worker.ts';
import { dynamoJobs } from './jobs.ts';
import { collect } from './reading.ts';
import { textractApi } from './textract.ts';

const env = environment(['LAKE_BUCKET', 'OCR_JOBS_TABLE', 'TASK_QUEUE_URL']);

/** What SNS puts around a message for SQS. */
const Envelope = z.object({ Type: z.literal('Notification'), Message: z.string() });

/** Textract's announcement that a job is done; the tag is the file id. */
const Completion = z.object({ JobId: z.string().check(z.minLength(1)), Status: z.string(), JobTag: FileId });

/** Collects the result of a finished job and answers the execution that waits for it. */
export const handler = sqsBatch(async (record, run) => {
  const { Message } = parseJson(Envelope, record.body, 'message (expected a notification of SNS)');
  const { JobId, JobTag } = parseJson(
    Completion,
    Message,
    'notification (expected a completion of Textract)',
  );
  run.identify({ fileId: JobTag, pipeline: 'ocr' });
  const found = await collect(JobTag, JobId, {
    textract: textractApi(textract()),
    jobs: dynamoJobs(dynamo(), env.OCR_JOBS_TABLE),
    shelf: { lake: s3Writer(s3()), bucket: env.LAKE_BUCKET },
  });
  if (!found) {
    run.log.info('Nobody waits for this job any more.');
    return;
  }
  run.identify({ execution: found.job.executionName });
  const work = async () => {
    const result = await found.work();
    if (result === LATER)
      throw new Error('Textract announced a completion of a job that is still in progress.');
    const pages = result.outcome === 'SUCCEEDED' ? result.pages : 0;
    run.meter.add(METRIC.ocrPages, pages, { Pipeline: 'ocr' });
    run.log.info('The document was read.', { outcome: result.outcome, pages });
    return result;
  };
  await answerTask(record, { token: found.job.taskToken, work }, run, {
    sfn: sfn(),
    sqs: sqs(),
    queueUrl: env.TASK_QUEUE_URL,
  });
});
