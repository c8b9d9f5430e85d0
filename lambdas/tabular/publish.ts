import * as z from 'zod/mini';
import { partitionOf } from '../../datasets/dataset.ts';
import { events, s3 } from '../shared/clients.ts';
import { METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { putIncident } from '../shared/incident.ts';
import { JSON_TYPE, s3Writer } from '../shared/objects.ts';
import { type Publication, publicationKey } from '../shared/publication.ts';
import { ObjectRefSchema } from '../shared/schemas.ts';
import { quarantineKey } from './chunk.ts';
import type { Published } from './contract.ts';
import { acceptedIncident, schemaIncident } from './incidents.ts';
import { OUTPUT_NAME } from './inspection.ts';
import { ComparedSchema, FileSchema } from './schemas.ts';
import { fileStep } from './step.ts';
import { shelfOf } from './work.ts';

const env = environment(['LAKE_BUCKET']);
const Input = z.object({
  file: FileSchema,
  compared: ComparedSchema,
  archive: z.optional(ObjectRefSchema),
  startedAt: z.iso.datetime(),
});

/** State Publish: one object makes the rows of the file visible, and starts their load. */
export const handler = fileStep(Input, async (input, _dataset, { log, meter }): Promise<Published> => {
  const { file, compared, archive, startedAt } = input;
  const { dataset, source, landedAt, bytes, detected } = file;
  const { rowsRead, rows, quarantined, codes, schemaChange } = compared;
  const bucket = env.LAKE_BUCKET;
  const shelf = shelfOf(s3(), bucket, file);
  const parts = (await shelf.results(file.chunks)).flatMap((result) => result.parts);
  const publication: Publication = {
    dataset,
    fileId: source.fileId,
    sourceFile: source.key,
    landedAt,
    rows,
    parts,
  };
  const day = partitionOf(new Date(landedAt));
  const record = { bucket, key: publicationKey('landing', dataset, day, source.fileId) };
  await s3Writer(s3()).write(record, `${JSON.stringify(publication)}\n`, JSON_TYPE);
  const published: Published = {
    outcome: 'SUCCEEDED',
    bytes,
    format: detected?.format ?? 'unknown',
    rowsRead,
    rows,
    quarantined,
    codes,
    parts: parts.length,
    partBytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    record,
    ...(quarantined > 0 && { quarantine: { bucket, key: quarantineKey(file) } }),
    ...(schemaChange && { schemaChange }),
    ...(archive && { archive }),
  };
  await putIncident(events(), acceptedIncident(file, startedAt));
  await putIncident(events(), schemaIncident(file, schemaChange, startedAt));
  // Last: it says that all of this is done.
  await shelf.writeJson(OUTPUT_NAME, published);
  const dimensions = { Pipeline: dataset };
  meter.add(METRIC.rowsRead, rowsRead, dimensions);
  meter.add(METRIC.rowsAccepted, rows, dimensions);
  meter.add(METRIC.rowsQuarantined, quarantined, dimensions);
  log.info('The file was published.', { rowsRead, rows, quarantined, parts: parts.length });
  return published;
});
