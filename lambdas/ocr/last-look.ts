import * as z from 'zod/mini';
import { dynamo, s3, textract } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Writer } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { FileId } from '../shared/schemas.ts';
import { dynamoJobs } from './jobs.ts';
import { lastLook } from './reading.ts';
import { textractApi } from './textract.ts';

const env = environment(['LAKE_BUCKET', 'OCR_JOBS_TABLE']);
const Input = z.object({ fileId: FileId });

/** State LastLook: the result of a job whose completion was lost; fails with `OcrTimedOut` when there is none. */
export const handler = lambda(async (event, { log, identify }) => {
  const { fileId } = parse(Input, event);
  identify({ fileId, pipeline: 'ocr' });
  const result = await lastLook(fileId, {
    textract: textractApi(textract()),
    jobs: dynamoJobs(dynamo(), env.OCR_JOBS_TABLE),
    shelf: { lake: s3Writer(s3()), bucket: env.LAKE_BUCKET },
  });
  log.warn('The completion of the job was lost; the last look found its result.', {
    outcome: result.outcome,
  });
  return result;
});
