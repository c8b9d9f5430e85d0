import { dynamo, sfn } from '../shared/clients.ts';
import { CANARY, METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { sqsBatch } from '../shared/handler.ts';
import { MetricUnit } from '../shared/meter.ts';
import { triggerOf } from '../shared/triggers.ts';
import { admit } from './admit.ts';
import { arrivalsOf } from './arrivals.ts';

const env = environment(['AUDIT_TABLE', 'TRIGGERS']);

/** Records each object that landed and starts its pipeline's execution, once, however often its event arrives. */
export const handler = sqsBatch(async ({ body }, { log, meter, identify }) => {
  for (const arrival of arrivalsOf(body)) {
    const { file, bytes } = arrival;
    const trigger = triggerOf(env.TRIGGERS, file.key);
    identify({ fileId: file.fileId, execution: file.fileId, pipeline: trigger?.pipeline ?? 'none' });
    if (!trigger) {
      log.warn('No pipeline is triggered by this prefix; the object stays where it is.', {
        prefix: file.key.split('/', 1)[0] ?? '',
      });
      continue;
    }
    const isNews = await admit(arrival, trigger, {
      dynamo: dynamo(),
      sfn: sfn(),
      auditTable: env.AUDIT_TABLE,
    });
    if (!isNews) {
      log.info('The file is known and on its way.');
      continue;
    }
    if (trigger.pipeline !== CANARY.pipeline) {
      meter.add(METRIC.filesReceived, 1, { Pipeline: trigger.pipeline });
      meter.add(METRIC.bytesReceived, bytes, { Pipeline: trigger.pipeline }, MetricUnit.Bytes);
    }
    log.info('The file was received.', { bytes });
  }
});
