import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { Batch } from './inputs.ts';
import { LakeFiles } from './lake.ts';
import { retain } from './retention.ts';

const env = environment(['LAKE_BUCKET']);

const Input = z.object({
  ...Batch,
  cursor: z.nullable(z.object({ dataset: z.string(), step: z.enum(['loaded', 'compactions', 'sources']) })),
  except: z.array(z.string()),
});

/** Deletes what the lake holds beyond its retention, batch by batch. */
export const handler = lambda((event, { identify }) => {
  const input = parse(Input, event);
  identify({ execution: input.run, pipeline: 'maintenance' });
  return retain(input, new LakeFiles(s3(), env.LAKE_BUCKET));
});
