import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { FileSchema } from './schemas.ts';
import { fileStep } from './step.ts';
import { shelfOf } from './work.ts';

const env = environment(['LAKE_BUCKET']);
const Input = z.object({ file: FileSchema });

/** State CleanUp: deletes the staged parts of a file that is refused. */
export const handler = fileStep(Input, async ({ file }, _dataset, { log }) => {
  const shelf = shelfOf(s3(), env.LAKE_BUCKET, file);
  const results = await shelf.results(file.chunks);
  const keys = results.flatMap(({ parts }) => parts.map(({ key }) => key));
  await shelf.remove(keys);
  log.info('The staged parts of the file were deleted.', { parts: keys.length });
  return { removed: keys.length };
});
