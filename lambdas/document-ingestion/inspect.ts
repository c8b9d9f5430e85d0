import { s3 } from '../shared/clients.ts';
import { METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Writer } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { SourceFileSchema } from '../shared/schemas.ts';
import { inspect } from './inspection.ts';
import { openInS3 } from './landed-object.ts';

const env = environment(['LAKE_BUCKET', 'LIMITS', 'PRICES']);

/** State Inspect: what a document is, and whether it is accepted. */
export const handler = lambda(async (event, { log, meter, identify }) => {
  const source = parse(SourceFileSchema, event);
  identify({ fileId: source.fileId, execution: source.fileId, pipeline: 'document-ingestion' });
  const inspection = await inspect(source, {
    open: openInS3(s3()),
    lake: s3Writer(s3()),
    lakeBucket: env.LAKE_BUCKET,
    limits: env.LIMITS,
    prices: env.PRICES,
  });
  const { verdict, reason, kind, pages, bytes } = inspection;
  meter.add(METRIC.pages, pages, { Pipeline: 'document-ingestion', Kind: kind });
  log.info('The document was inspected.', { verdict, reason: reason?.code, kind, pages, bytes });
  return inspection;
});
