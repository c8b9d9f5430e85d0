import * as z from 'zod/mini';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { FileId } from '../shared/schemas.ts';
import { Answer, textOf } from './answer.ts';
import { redshift } from './redshift.ts';

const env = environment(['WAREHOUSE_SCHEMA']);

const Input = z.object({ loadId: FileId, columns: Answer, versions: Answer });

/** Answers the statements that make what the warehouse lacks, in batches that are one transaction each. */
export const handler = lambda(async (event, { log, identify }) => {
  const { loadId, columns, versions } = parse(Input, event);
  identify({ execution: loadId, pipeline: 'warehouse-load' });
  const batches = redshift(env.WAREHOUSE_SCHEMA).migrations({
    columns: new Set(columns.map((row) => row.map(textOf).join('.'))),
    versions: new Map(versions.map(([object, version]) => [textOf(object), textOf(version)])),
  });
  log.info('The warehouse is of another version.', { batches: batches.length });
  return { batches: batches.map((sqls) => ({ sqls })) };
});
