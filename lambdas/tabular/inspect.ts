import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { SourceFileSchema } from '../shared/schemas.ts';
import { inspect } from './inspection.ts';
import { DatasetName, SettingsSchema } from './schemas.ts';
import { sourceIn } from './source.ts';
import { datasetOf } from './step.ts';
import { shelfOf } from './work.ts';

const env = environment(['LAKE_BUCKET', 'TABULAR']);
const settings = parse(SettingsSchema, env.TABULAR, 'variable TABULAR');
const Input = z.object({ dataset: DatasetName, input: SourceFileSchema });

/** State Inspect: what a file is, whether its columns are those of the dataset, and where to cut it. */
export const handler = lambda(async (event, { log, identify }) => {
  const { dataset, input } = parse(Input, event);
  identify({ fileId: input.fileId, execution: input.fileId, pipeline: dataset });
  const inspected = await inspect(datasetOf(dataset), input, {
    source: sourceIn(s3(), input),
    shelf: shelfOf(s3(), env.LAKE_BUCKET, { dataset, source: input }),
    settings,
  });
  const { verdict, reason, file, chunks } = inspected;
  log.info('The file was inspected.', {
    verdict,
    reason: reason?.code,
    format: file.detected?.format,
    bytes: file.bytes,
    chunks: chunks.length,
  });
  return inspected;
});
