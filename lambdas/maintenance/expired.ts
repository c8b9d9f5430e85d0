import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { Run } from './inputs.ts';
import { LakeFiles } from './lake.ts';
import { expiries } from './retention.ts';

const env = environment(['LAKE_BUCKET', 'WAREHOUSE_SCHEMA']);

const Input = z.object(Run);

/** Says which datasets hold rows whose retention is over, and how the warehouse forgets them. */
export const handler = lambda(async (event, { identify }) => {
  const input = parse(Input, event);
  identify({ execution: input.run, pipeline: 'maintenance' });
  return {
    expiries: await expiries(input.startedAt, env.WAREHOUSE_SCHEMA, new LakeFiles(s3(), env.LAKE_BUCKET)),
  };
});
