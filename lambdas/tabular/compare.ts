import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { compare } from './comparison.ts';
import { FileSchema } from './schemas.ts';
import { fileStep } from './step.ts';
import { shelfOf } from './work.ts';

const env = environment(['LAKE_BUCKET']);
const Input = z.object({ file: FileSchema, again: z.boolean() });

/** State Compare: sums the parts of a file up, finds keys that several have, and judges the file. */
export const handler = fileStep(Input, async ({ file, again }, dataset, { log }) => {
  const compared = await compare(dataset, file, again, shelfOf(s3(), env.LAKE_BUCKET, file));
  const { verdict, reason, rowsRead, rows, quarantined } = compared;
  log.info('The rows of the file were counted.', {
    verdict,
    reason: reason?.code,
    rowsRead,
    rows,
    quarantined,
  });
  return compared;
});
