import * as z from 'zod/mini';
import { dynamo, s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Objects } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { FileId, ObjectRefSchema } from '../shared/schemas.ts';
import { markFiles } from './mark-files.ts';

const env = environment(['AUDIT_TABLE']);

const Input = z.object({
  load: z.object({ loadId: FileId, dataset: z.string(), rows: z.number(), files: ObjectRefSchema }),
  loadStatus: z.enum(['LOADED', 'PUBLISHED']),
  loadedAt: z.iso.datetime(),
});

/** Tells the audit table which files a finished load brought in, and answers the load's outcome. */
export const handler = lambda(async (event, { log, meter, identify }) => {
  const input = parse(Input, event);
  const { loadId, dataset, rows } = input.load;
  identify({ execution: loadId, pipeline: 'warehouse-load' });
  const files = await markFiles(input, {
    objects: s3Objects(s3()),
    dynamo: dynamo(),
    auditTable: env.AUDIT_TABLE,
  });
  meter.add('RowsLoaded', rows, { Pipeline: 'warehouse-load' });
  log.info('The load is finished.', { dataset, rows, files });
  return { outcome: 'SUCCEEDED', dataset, rows, files, loadStatus: input.loadStatus };
});
