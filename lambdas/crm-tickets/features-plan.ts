import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Writer } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { FeatureSettingsSchema, planFeatures } from './features.ts';
import { lakeFiles } from './features-input.ts';

const env = environment(['LAKE_BUCKET', 'FEATURES']);
const settings = parse(FeatureSettingsSchema, env.FEATURES, 'environment');

const Input = z.object({ at: z.iso.datetime() });

/** State PlanFeatures: whether the job is due, what it reads, and how many workers it gets. */
export const handler = lambda(async (event, { log }) => {
  const { at } = parse(Input, event);
  const plan = await planFeatures(new Date(at), {
    lake: lakeFiles(s3(), env.LAKE_BUCKET),
    objects: s3Writer(s3()),
    lakeBucket: env.LAKE_BUCKET,
    settings,
  });
  log.info(plan.due ? 'Customer features are due.' : 'Customer features are computed already.', { ...plan });
  return plan;
});
