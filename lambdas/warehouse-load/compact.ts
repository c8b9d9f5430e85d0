import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { FileId, ObjectRefSchema } from '../shared/schemas.ts';
import { compact } from './compact-load.ts';
import { redshift } from './redshift.ts';

const env = environment(['LAKE_BUCKET', 'WAREHOUSE_SCHEMA']);

const Input = z.object({ loadId: FileId, dataset: z.string(), manifest: ObjectRefSchema });

/** Gathers the Parquet files of a load, and the statements that load them. */
export const handler = lambda(async (event, { log, meter, identify }) => {
  const input = parse(Input, event);
  identify({ execution: input.loadId, pipeline: 'warehouse-load' });
  const load = await compact(input, {
    s3: s3(),
    lakeBucket: env.LAKE_BUCKET,
    loader: redshift(env.WAREHOUSE_SCHEMA),
  });
  meter.add('RowsCompacted', load.rows, { Pipeline: 'warehouse-load' });
  log.info('Compacted.', { dataset: load.dataset, rows: load.rows, parts: load.parts });
  return load;
});
