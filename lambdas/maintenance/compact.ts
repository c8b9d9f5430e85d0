import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { compactGroup } from './compact-group.ts';
import { count, Partition } from './inputs.ts';
import { LakeFiles } from './lake.ts';

const env = environment(['LAKE_BUCKET']);

const Input = z.object({ ...Partition, group: count });

/** Writes one file of a group's, and compares what it holds. */
export const handler = lambda(async (event, { identify }) => {
  const input = parse(Input, event);
  identify({ execution: input.run, pipeline: 'maintenance' });
  const began = performance.now();
  const compacted = await compactGroup(input, new LakeFiles(s3(), env.LAKE_BUCKET));
  return { ...compacted, seconds: (performance.now() - began) / 1000 };
});
