import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { count, Partition } from './inputs.ts';
import { LakeFiles } from './lake.ts';
import { swap } from './swap-group.ts';

const env = environment(['LAKE_BUCKET']);

const Input = z.object({
  ...Partition,
  group: count,
  isLast: z.boolean(),
  file: z.nullable(z.object({ key: z.string(), bytes: count, rows: count })),
  superseded: count,
  isOvertaken: z.boolean(),
  seconds: count,
});

/** Shows a compacted file instead of those that it replaces. */
export const handler = lambda(async (event, { meter, identify }) => {
  const input = parse(Input, event);
  identify({ execution: input.run, pipeline: 'maintenance' });
  const result = await swap(input, new LakeFiles(s3(), env.LAKE_BUCKET), Date.now());
  const of = { Dataset: input.dataset };
  meter.add(METRIC.filesCompacted, result.filesBefore, of);
  meter.add(METRIC.filesWritten, result.filesAfter, of);
  meter.add(METRIC.bytesBeforeCompaction, result.bytesBefore, of);
  meter.add(METRIC.bytesAfterCompaction, result.bytesAfter, of);
  return result;
});
