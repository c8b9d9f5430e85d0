import * as z from 'zod/mini';
import { DATASETS } from '../../datasets/index.ts';
import { dynamo, events, s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Objects } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { FileId, ObjectRefSchema } from '../shared/schemas.ts';
import { Answer, answerOf } from './answer.ts';
import type { LoadOutput } from './contract.ts';
import { listFiles, markFiles } from './mark-files.ts';
import { tellReferences } from './tell-references.ts';

const env = environment(['AUDIT_TABLE']);

const Input = z.object({
  load: z.object({ loadId: FileId, dataset: z.string(), rows: z.number(), files: ObjectRefSchema }),
  loadStatus: z.enum(['LOADED', 'PUBLISHED']),
  loadedAt: z.iso.datetime(),
  /** What the last statement returned; null without a warehouse. */
  answer: z.nullable(Answer),
});

/** Origins whose files the audit table knows. */
const AUDITED: readonly (string | undefined)[] = ['records', 'landing'];

/** Checks and tells what a finished load brought in: the audit table, the help desk, and whoever waits for its outcome. */
export const handler = lambda(async (event, { log, meter, identify }): Promise<LoadOutput> => {
  const { load, loadStatus, loadedAt, answer } = parse(Input, event);
  const { loadId, dataset, rows } = load;
  identify({ execution: loadId, pipeline: 'warehouse-load' });
  const { references = [], ...counts } = answer ? answerOf(rows, answer) : {};
  const files = await listFiles(s3Objects(s3()), load.files);
  if (AUDITED.includes(DATASETS[dataset]?.origin)) {
    await markFiles(
      files,
      { loadId, loadStatus, loadedAt },
      { dynamo: dynamo(), auditTable: env.AUDIT_TABLE },
    );
  }
  await tellReferences(events(), references, { loadId, loadedAt });
  const missing = references.map(({ rowsBefore: _, ...reference }) => reference);
  meter.add('RowsLoaded', rows, { Pipeline: 'warehouse-load' });
  log.info('The load is finished.', { dataset, rows, files: files.length, ...counts });
  return {
    outcome: 'SUCCEEDED',
    dataset,
    rows,
    files: files.length,
    loadStatus,
    ...counts,
    ...(missing.length > 0 && { missingReferences: missing }),
  };
});
