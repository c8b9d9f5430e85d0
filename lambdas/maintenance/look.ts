import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { Partition } from './inputs.ts';
import { LakeFiles } from './lake.ts';
import { look } from './look-partition.ts';
import { settingsOf } from './settings.ts';

const env = environment(['LAKE_BUCKET', 'MAINTENANCE']);
const settings = settingsOf(env.MAINTENANCE);

const Input = z.object(Partition);

/** Finds the files of a partition that become fewer, and puts them into groups. */
export const handler = lambda((event, { identify }) => {
  const input = parse(Input, event);
  identify({ execution: input.run, pipeline: 'maintenance' });
  return look(input, new LakeFiles(s3(), env.LAKE_BUCKET), settings);
});
