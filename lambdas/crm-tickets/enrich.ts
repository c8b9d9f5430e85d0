import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Objects } from '../shared/objects.ts';
import { parse, parseJson } from '../shared/parse.ts';
import { enrichPages } from './enrich-pages.ts';
import { RawPages } from './raw-pages.ts';
import { SourcePageSchema, ValidatedSchema } from './schemas.ts';

const env = environment(['LAKE_BUCKET']);

const Input = z.object({ validated: ValidatedSchema });

/** State TransformAndEnrich: rows of tickets and customers, published, and the loads that are to be run. */
export const handler = lambda(async (event, { log }) => {
  const { validated } = parse(Input, event);
  const objects = s3Objects(s3());
  const pages = parseJson(z.array(SourcePageSchema), await objects.read(validated.pages), 'list of pages');
  const loads = await enrichPages(pages, validated, {
    raw: new RawPages(s3(), env.LAKE_BUCKET),
    objects,
    s3: s3(),
    bucket: env.LAKE_BUCKET,
  });
  log.info('Pages were published.', { pages: pages.length, loads: loads.map(({ loadId }) => loadId) });
  return { loads };
});
