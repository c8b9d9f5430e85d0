import * as z from 'zod/mini';
import { dynamo, s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { deleteFiles } from './delete-files.ts';
import { Batch, count } from './inputs.ts';
import { LakeFiles } from './lake.ts';
import { settingsOf } from './settings.ts';

const env = environment(['LAKE_BUCKET', 'AUDIT_TABLE', 'MAINTENANCE']);
const settings = settingsOf(env.MAINTENANCE);

const Input = z.object({
  ...Batch,
  planned: count,
  cursor: z.nullable(
    z.discriminatedUnion('step', [
      z.object({ step: z.literal('retired'), dataset: z.string(), after: z.string() }),
      z.object({ step: z.literal('abandoned'), planned: count }),
    ]),
  ),
});

/** Deletes files that compaction has replaced, and files that nobody has published, batch by batch. */
export const handler = lambda((event, { identify }) => {
  const input = parse(Input, event);
  identify({ execution: input.run, pipeline: 'maintenance' });
  return deleteFiles(input, {
    lake: new LakeFiles(s3(), env.LAKE_BUCKET),
    dynamo: dynamo(),
    auditTable: env.AUDIT_TABLE,
    settings,
  });
});
