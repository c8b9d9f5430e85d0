import { s3 } from '../shared/clients.ts';
import { CANARY, METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Writer } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { inspect } from './inspection.ts';
import { openInS3 } from './landed-object.ts';
import { InspectInput } from './schemas.ts';

const env = environment(['LAKE_BUCKET', 'LIMITS', 'PRICES']);

/** State Inspect: what a document is, and whether it is accepted. */
export const handler = lambda(async (event, { log, meter, identify }) => {
  const { executionName, input } = parse(InspectInput, event);
  const { decision, ...source } = input;
  const isCanary = source.key.startsWith(CANARY.prefix);
  const pipeline = isCanary ? CANARY.pipeline : 'document-ingestion';
  identify({ fileId: source.fileId, execution: executionName, pipeline });
  const inspection = await inspect(source, decision, {
    open: openInS3(s3()),
    lake: s3Writer(s3()),
    lakeBucket: env.LAKE_BUCKET,
    limits: env.LIMITS,
    prices: env.PRICES,
  });
  const { verdict, reason, kind, pages, bytes } = inspection;
  if (!isCanary) meter.add(METRIC.pages, pages, { Pipeline: pipeline, Kind: kind });
  log.info('The document was inspected.', {
    verdict,
    reason: reason?.code,
    decision: decision?.action,
    kind,
    pages,
    bytes,
  });
  return inspection;
});
