import * as z from 'zod/mini';
import { comprehend, s3, sfn, sqs } from '../shared/clients.ts';
import { METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { sqsBatch } from '../shared/handler.ts';
import { s3Objects } from '../shared/objects.ts';
import { FileId, ObjectRefSchema } from '../shared/schemas.ts';
import { taskWorker } from '../shared/task-worker.ts';
import { analyse } from './analysis.ts';
import { comprehendApi } from './comprehend.ts';

const env = environment(['LAKE_BUCKET', 'TASK_QUEUE_URL']);
const Message = z.object({ executionName: z.string(), fileId: FileId, text: ObjectRefSchema });

/** State Analyse: language, sentiment, personal data, entities and key phrases of a text. */
export const handler = sqsBatch(
  taskWorker(
    Message,
    async ({ executionName, fileId, text }, { log, meter, identify }) => {
      identify({ fileId, execution: executionName, pipeline: 'sentiment' });
      const result = await analyse(fileId, text, {
        comprehend: comprehendApi(comprehend()),
        lake: s3Objects(s3()),
        lakeBucket: env.LAKE_BUCKET,
      });
      const { language, sentiment, characters, chunks, redaction } = result;
      meter.add(METRIC.charactersAnalysed, characters, { Pipeline: 'sentiment' });
      log.info('The text was analysed.', { language, sentiment, characters, chunks, redaction });
      return result;
    },
    () => ({ sfn: sfn(), sqs: sqs(), queueUrl: env.TASK_QUEUE_URL }),
  ),
);
