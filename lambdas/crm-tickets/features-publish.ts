import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Writer } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { FileId } from '../shared/schemas.ts';
import { lakeFiles } from './features-input.ts';
import { parquetFiles, publishFeatures } from './features-result.ts';

const env = environment(['LAKE_BUCKET']);

const Input = z.object({ runId: FileId, at: z.iso.datetime() });

/** State PublishFeatures: checks what the job has written and makes it visible. */
export const handler = lambda(async (event, { log, identify }) => {
  const input = parse(Input, event);
  identify({ fileId: input.runId, pipeline: 'crm-tickets' });
  const published = await publishFeatures(input, {
    lake: lakeFiles(s3(), env.LAKE_BUCKET),
    files: parquetFiles(s3(), env.LAKE_BUCKET),
    objects: s3Writer(s3()),
    lakeBucket: env.LAKE_BUCKET,
  });
  log.info('Customer features are published.', { rows: published.rows });
  return published;
});
