import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { parse } from '../shared/parse.ts';
import { readChunk } from './chunk.ts';
import { LinesFile } from './lines-file.ts';
import { ChunkSchema, FileSchema, SettingsSchema } from './schemas.ts';
import { sourceIn } from './source.ts';
import { fileStep } from './step.ts';
import { shelfOf } from './work.ts';

const env = environment(['LAKE_BUCKET', 'TABULAR']);
const { maxBytes } = parse(SettingsSchema, env.TABULAR, 'variable TABULAR');
const Input = z.object({ file: FileSchema, chunk: ChunkSchema, again: z.boolean() });

/** State Validate: reads a chunk; good rows become Parquet, bad ones lines of the quarantine. */
export const handler = fileStep(Input, async ({ file, chunk, again }, dataset, { log }) => {
  const result = await readChunk(dataset, file, chunk, again, {
    source: sourceIn(s3(), file.source),
    shelf: shelfOf(s3(), env.LAKE_BUCKET, file),
    linesFile: (key) => new LinesFile(s3(), { bucket: env.LAKE_BUCKET, key }),
    maxBytes,
  });
  const { rowsRead, rows, quarantined, parts, codes, refusal } = result;
  log.info('A part of the file was read.', {
    chunk: chunk.n,
    rowsRead,
    rows,
    quarantined,
    codes,
    parts: parts.length,
    refusal: refusal?.code,
  });
  // Everything else is on the shelf.
  return { chunk: chunk.n, rowsRead, rows, quarantined };
});
