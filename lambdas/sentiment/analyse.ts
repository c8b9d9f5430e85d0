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
import { analyseTexts } from './ticket-texts.ts';

const env = environment(['LAKE_BUCKET', 'TASK_QUEUE_URL']);
/** A document, or a batch of texts of tickets. */
const Message = z.union([
  z.object({ executionName: z.string(), fileId: FileId, text: ObjectRefSchema }),
  z.object({
    executionName: z.string(),
    texts: z.array(z.object({ sha256: FileId, text: ObjectRefSchema })).check(z.minLength(1)),
  }),
]);

/** State Analyse: language, sentiment, personal data, entities and key phrases of a text, or of a batch of them. */
export const handler = sqsBatch(
  taskWorker(
    Message,
    async (message, { log, meter, identify }) => {
      const dependencies = {
        comprehend: comprehendApi(comprehend()),
        lake: s3Objects(s3()),
        lakeBucket: env.LAKE_BUCKET,
      };
      if ('texts' in message) {
        identify({ execution: message.executionName, pipeline: 'sentiment' });
        const batch = await analyseTexts(message.texts, dependencies);
        meter.add(METRIC.charactersAnalysed, batch.characters, { Pipeline: 'sentiment' });
        log.info('The texts of tickets were analysed.', { texts: message.texts.length, ...batch });
        return batch;
      }
      const { executionName, fileId, text } = message;
      identify({ fileId, execution: executionName, pipeline: 'sentiment' });
      const result = await analyse(fileId, text, dependencies);
      const { language, sentiment, characters, chunks, redaction } = result;
      meter.add(METRIC.charactersAnalysed, characters, { Pipeline: 'sentiment' });
      log.info('The text was analysed.', { language, sentiment, characters, chunks, redaction });
      return result;
    },
    () => ({ sfn: sfn(), sqs: sqs(), queueUrl: env.TASK_QUEUE_URL }),
  ),
);
