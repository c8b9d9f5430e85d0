import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { Run } from './inputs.ts';
import { LakeFiles } from './lake.ts';
import { writeReport } from './report-run.ts';

const env = environment(['LAKE_BUCKET']);

const Input = z.object(Run);

/** Adds up a run and writes its report. */
export const handler = lambda(async (event, { log, identify }) => {
  const input = parse(Input, event);
  identify({ execution: input.run, pipeline: 'maintenance' });
  const summary = await writeReport(input, new LakeFiles(s3(), env.LAKE_BUCKET));
  log.info('The run is over.', { ...summary });
  return summary;
});
