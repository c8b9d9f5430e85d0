import { s3, sfn } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { sqsGroup } from '../shared/handler.ts';
import { s3Objects } from '../shared/objects.ts';
import { createdObjects } from '../shared/s3-events.ts';
import { datasetOf, manifestsOf } from './manifest.ts';
import { startLoad } from './start-load.ts';

const env = environment(['LAKE_BUCKET', 'LOAD_STATE_MACHINE_ARN']);

/** Turns one batch of curated objects into one load for each dataset. */
export const handler = sqsGroup({
  parse: ({ body }) => createdObjects(body).map((object) => ({ ...object, dataset: datasetOf(object.key) })),
  async work(objects, { log, identify }) {
    for (const manifest of manifestsOf(objects)) {
      identify({ execution: manifest.loadId, pipeline: 'warehouse-load' });
      const started = await startLoad(manifest, {
        objects: s3Objects(s3()),
        sfn: sfn(),
        lakeBucket: env.LAKE_BUCKET,
        stateMachineArn: env.LOAD_STATE_MACHINE_ARN,
      });
      log.info(started ? 'The load was started.' : 'This load ran before.', {
        dataset: manifest.dataset,
        files: manifest.entries.length,
      });
    }
  },
});
