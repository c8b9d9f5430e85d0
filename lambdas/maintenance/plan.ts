import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { Batch, count } from './inputs.ts';
import { LakeFiles } from './lake.ts';
import { plan } from './plan-lake.ts';
import { settingsOf } from './settings.ts';

const env = environment(['LAKE_BUCKET', 'MAINTENANCE']);
const settings = settingsOf(env.MAINTENANCE);

const Input = z.object({
  ...Batch,
  cursor: z.nullable(
    z.object({ dataset: z.string(), after: z.string(), partition: z.string(), small: count }),
  ),
});

/** Notes which partitions of the lake have many small files, batch by batch. */
export const handler = lambda((event, { identify }) => {
  const input = parse(Input, event);
  identify({ execution: input.run, pipeline: 'maintenance' });
  return plan(input, new LakeFiles(s3(), env.LAKE_BUCKET), settings);
});
