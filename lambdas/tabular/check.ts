import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { checkQuality } from './quality.ts';
import { FileSchema } from './schemas.ts';
import { fileStep } from './step.ts';
import { shelfOf } from './work.ts';

const env = environment(['LAKE_BUCKET']);
const Input = z.object({ file: FileSchema });

/** State QualityCheck: reads the parts back. */
export const handler = fileStep(Input, async ({ file }, _dataset, { log }) => {
  const shelf = shelfOf(s3(), env.LAKE_BUCKET, file);
  const results = await shelf.results(file.chunks);
  await checkQuality(results, shelf);
  const parts = results.reduce((sum, result) => sum + result.parts.length, 0);
  log.info('The parts of the file hold what was counted.', { parts });
  return { parts };
});
