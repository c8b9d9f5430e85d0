import * as z from 'zod/mini';
import { dynamo, s3, sfn } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Writer } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { FeatureSettingsSchema, planFeatures } from './features.ts';
import { lakeFiles } from './features-input.ts';
import { SourcesTable } from './sources-table.ts';
import { takeOver } from './take-over.ts';

const env = environment(['LAKE_BUCKET', 'FEATURES', 'SOURCES_TABLE']);
const settings = parse(FeatureSettingsSchema, env.FEATURES, 'environment');

const Input = z.object({ execution: z.string(), at: z.iso.datetime() });

/** State PlanFeatures: whether the job is due, what it reads, and how many workers it gets. */
export const handler = lambda(async (event, { log }) => {
  const { execution, at } = parse(Input, event);
  const sources = new SourcesTable(dynamo(), env.SOURCES_TABLE);
  const plan = await planFeatures(new Date(at), {
    lake: lakeFiles(s3(), env.LAKE_BUCKET),
    objects: s3Writer(s3()),
    lakeBucket: env.LAKE_BUCKET,
    settings,
    claim: (work) => takeOver(sfn(), (from) => sources.claim(work, execution, from)),
  });
  log.info(plan.due ? 'Customer features are due.' : 'Customer features are computed already, or just now.', {
    ...plan,
  });
  return plan;
});
