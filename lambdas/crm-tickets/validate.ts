import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { dynamo, s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Objects } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { CRM_WORK } from './contract.ts';
import { RawPages } from './raw-pages.ts';
import { SourcePageSchema } from './schemas.ts';
import { SourcesTable } from './sources-table.ts';
import { validatePages } from './validate-pages.ts';

const env = environment(['LAKE_BUCKET', 'SOURCES_TABLE']);

const Input = z.object({
  execution: z.string().check(z.minLength(1)),
  round: z.number(),
  source: z.string(),
  /** Null for those that are fetched and not loaded. */
  pages: z.nullable(z.array(SourcePageSchema)),
});

/** Pages that one execution of this function takes; each takes a few seconds. */
const MOST_PAGES = 50;

/** State ValidateData: every record of the pages that are to be loaded. */
export const handler = lambda(async (event, { log }) => {
  const { execution, round, source, pages } = parse(Input, event);
  const table = new SourcesTable(dynamo(), env.SOURCES_TABLE);
  const waiting = pages ? { pages, more: false } : await table.waiting(source, MOST_PAGES);
  const run = createHash('sha256').update(`${execution}#${round}`).digest('hex');
  const validated = await validatePages(waiting, `${CRM_WORK}rounds/${run}/`, {
    raw: new RawPages(s3(), env.LAKE_BUCKET),
    objects: s3Objects(s3()),
    s3: s3(),
    bucket: env.LAKE_BUCKET,
  });
  const { tickets, customers, pageCount, textCount } = validated;
  log.info('Pages were validated.', { pageCount, textCount, tickets, customers });
  return validated;
});
