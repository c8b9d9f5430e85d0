import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { ReasonSchema } from '../shared/schemas.ts';
import { isolate, s3Quarantine } from './isolate.ts';
import { InspectionSchema } from './schemas.ts';

const env = environment(['LAKE_BUCKET']);
const Input = z.object({ document: InspectionSchema, reason: ReasonSchema });

/** State Quarantine: copies a refused document aside, with the reason beside it. */
export const handler = lambda(async (event, { log, identify }) => {
  const { document, reason } = parse(Input, event);
  identify({ fileId: document.fileId, execution: document.fileId, pipeline: 'document-ingestion' });
  const quarantined = await isolate(document, reason, s3Quarantine(s3(), env.LAKE_BUCKET));
  log.info('The document is in quarantine.', {
    reason: reason.code,
    copied: quarantined.quarantine !== undefined,
  });
  return quarantined;
});
