import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Objects } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { publish } from './record.ts';
import { PublishInput } from './schemas.ts';

const env = environment(['LAKE_BUCKET']);

/** State Publish: writes one curated record, which the warehouse will load. */
export const handler = lambda(async (event, { log, identify }) => {
  const input = parse(PublishInput, event);
  const { fileId } = input.document;
  identify({ fileId, execution: fileId, pipeline: 'document-ingestion' });
  const published = await publish(input, s3Objects(s3()), env.LAKE_BUCKET);
  const { kind, pages, language, sentiment } = published;
  log.info('The document was published.', { kind, pages, language, sentiment });
  return published;
});
