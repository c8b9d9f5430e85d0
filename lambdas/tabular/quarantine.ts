import * as z from 'zod/mini';
import { events, s3, s3Copies } from '../shared/clients.ts';
import { LAKE, type ObjectRef } from '../shared/contract.ts';
import { copyObject, MAX_NAME_BYTES } from '../shared/copy-object.ts';
import { environment } from '../shared/environment.ts';
import { putIncident } from '../shared/incident.ts';
import { JSON_TYPE, s3Writer } from '../shared/objects.ts';
import { ReasonSchema } from '../shared/schemas.ts';
import { cutBytes } from '../shared/unicode.ts';
import { quarantineKey } from './chunk.ts';
import type { Refused } from './contract.ts';
import { refusedIncident, schemaIncident } from './incidents.ts';
import { ComparedSchema, FileSchema } from './schemas.ts';
import { fileStep } from './step.ts';

const env = environment(['LAKE_BUCKET']);
const Input = z.object({
  file: FileSchema,
  reason: ReasonSchema,
  /** Missing where it was refused before its rows were read. */
  compared: z.optional(ComparedSchema),
  startedAt: z.iso.datetime(),
});

/** State Quarantine: copies a refused file aside, with the reason beside it, and tells of it. */
export const handler = fileStep(Input, async (input, _dataset, { log }): Promise<Refused> => {
  const { file, reason, compared, startedAt } = input;
  const { dataset, source, bytes } = file;
  const bucket = env.LAKE_BUCKET;
  const folder = `${LAKE.quarantine}${dataset}/${source.fileId}/`;
  const name = cutBytes(source.key.slice(source.key.lastIndexOf('/') + 1), MAX_NAME_BYTES);
  const copy: ObjectRef = { bucket, key: `${folder}file/${name || 'object'}` };
  const isCopied = reason.code !== 'DELETED' && (await copyObject(s3Copies(), source, copy));
  const schemaChange = compared?.schemaChange ?? file.schemaChange;
  const refused: Refused = {
    outcome: 'REJECTED',
    reason,
    bytes,
    rowsRead: compared?.rowsRead ?? 0,
    rows: 0,
    // The file as a whole is there.
    quarantined: compared?.rowsRead ?? 0,
    badRows: compared?.quarantined ?? 0,
    codes: compared?.codes ?? {},
    ...(isCopied && { quarantine: copy }),
    ...(schemaChange && { schemaChange }),
  };
  const lines = compared && compared.quarantined > 0 ? { bucket, key: quarantineKey(file) } : null;
  const note = { ...refused, source, landedAt: file.landedAt, lines };
  const noteRef = { bucket, key: `${folder}reason.json` };
  await s3Writer(s3()).write(noteRef, `${JSON.stringify(note, undefined, 2)}\n`, JSON_TYPE);
  await putIncident(events(), refusedIncident(file, reason, startedAt));
  if (schemaChange) await putIncident(events(), schemaIncident(file, schemaChange, startedAt));
  log.info('The file is in quarantine.', { reason: reason.code, copied: isCopied });
  return refused;
});
