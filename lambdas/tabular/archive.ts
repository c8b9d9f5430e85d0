import * as z from 'zod/mini';
import { partitionOf } from '../../datasets/dataset.ts';
import { s3Copies } from '../shared/clients.ts';
import type { ObjectRef } from '../shared/contract.ts';
import { copyObject, MAX_NAME_BYTES } from '../shared/copy-object.ts';
import { environment } from '../shared/environment.ts';
import { cutBytes } from '../shared/unicode.ts';
import { TABULAR_PREFIX } from './contract.ts';
import { FileSchema } from './schemas.ts';
import { fileStep } from './step.ts';

const env = environment(['LAKE_BUCKET']);
const Input = z.object({ file: FileSchema });

/** State Archive: keeps the original, whatever its sender does with it. */
export const handler = fileStep(Input, async ({ file: { dataset, source, landedAt } }, _dataset, { log }) => {
  const name = cutBytes(source.key.slice(source.key.lastIndexOf('/') + 1), MAX_NAME_BYTES / 2);
  const folder = `${TABULAR_PREFIX.archive}${dataset}/${partitionOf(new Date(landedAt))}${source.fileId}/`;
  const copy: ObjectRef = { bucket: env.LAKE_BUCKET, key: `${folder}${name || 'object'}` };
  const isCopied = await copyObject(s3Copies(), source, copy);
  log.info(isCopied ? 'The original is archived.' : 'The original was deleted before it was archived.');
  return isCopied ? { archive: copy } : {};
});
