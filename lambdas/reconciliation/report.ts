import * as z from 'zod/mini';
import { dynamo, events, s3 } from '../shared/clients.ts';
import { CANARY, METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { s3Objects } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import { writeReport } from './report-run.ts';

const env = environment(['AUDIT_TABLE', 'LAKE_BUCKET', 'TRIGGERS']);

const Batches = z.number().check(z.nonnegative());
const Input = z.object({
  run: z.string(),
  startedAt: z.string(),
  /** How many batches each step had. */
  batches: z.object({ loads: Batches, landing: Batches, rows: Batches, tickets: Batches }),
  /** Why the warehouse could not be compared; empty when it could, or has not been. */
  rowsFailure: z.string(),
  comparedRows: z.boolean(),
});

/** Adds up a run, writes its report, and tells the help desk of what repairs did not help. */
export const handler = lambda(async (event, { log, meter, identify }) => {
  const input = parse(Input, event);
  identify({ execution: input.run, pipeline: 'reconciliation' });
  const summary = await writeReport(input, {
    dynamo: dynamo(),
    events: events(),
    objects: s3Objects(s3()),
    auditTable: env.AUDIT_TABLE,
    lakeBucket: env.LAKE_BUCKET,
    now: Date.now(),
  });
  const pipelines = new Set(Object.values(env.TRIGGERS).map(({ pipeline }) => pipeline));
  // What was repaired for the first time is accounted for by the next run. Every pipeline at every run: an alarm goes out only when it is told so.
  for (const pipeline of pipelines.difference(new Set([CANARY.pipeline]))) {
    meter.add(METRIC.unaccounted, summary.Totals[pipeline]?.in_vain ?? 0, { Pipeline: pipeline });
  }
  log.info('The run is over.', { unaccounted: summary.Unaccounted, mismatches: summary.Mismatches });
  return { report: summary.Report, unaccounted: summary.Unaccounted, mismatches: summary.Mismatches };
});
