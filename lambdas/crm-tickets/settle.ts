import * as z from 'zod/mini';
import { dynamo, s3 } from '../shared/clients.ts';
import { METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { inLanes } from '../shared/lanes.ts';
import { s3Objects } from '../shared/objects.ts';
import { parse, parseJson } from '../shared/parse.ts';
import { SourcePageSchema, ValidatedSchema } from './schemas.ts';
import { SourcesTable } from './sources-table.ts';

const env = environment(['LAKE_BUCKET', 'SOURCES_TABLE']);

const Input = z.object({ validated: ValidatedSchema });

const LANES = 10;

/** State Settle: the pages of a round are loaded, and no later execution takes them again. */
export const handler = lambda(async (event, { meter }) => {
  const { validated } = parse(Input, event);
  const pages = parseJson(
    z.array(SourcePageSchema),
    await s3Objects(s3()).read(validated.pages),
    'list of pages',
  );
  const table = new SourcesTable(dynamo(), env.SOURCES_TABLE);
  // One that came from elsewhere was never in the table.
  await inLanes(
    LANES,
    pages.filter(({ sequence }) => sequence > 0),
    (page) => table.settle(page),
  );
  for (const Pipeline of ['tickets', 'customers'] as const) {
    const { read, accepted, quarantined } = validated[Pipeline];
    if (read === 0) continue;
    meter.add(METRIC.rowsRead, read, { Pipeline });
    meter.add(METRIC.rowsAccepted, accepted, { Pipeline });
    meter.add(METRIC.rowsQuarantined, quarantined, { Pipeline });
  }
  return { pages: pages.length };
});
