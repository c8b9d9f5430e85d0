import * as z from 'zod/mini';
import { s3 } from '../shared/clients.ts';
import { type Handler, lambda, type Run } from '../shared/handler.ts';
import { s3Objects } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import type { ReconciliationSettings, Step } from './contract.ts';
import { type Ledger, Ledgers } from './ledger.ts';

/** A field of a result of the Redshift Data API. Step Functions writes its member with a capital letter. */
const Field = z.looseObject({ StringValue: z.optional(z.string()), stringValue: z.optional(z.string()) });

/** What the state machine gives to every step. */
const Input = z.object({
  run: z.string().check(z.minLength(1), z.maxLength(80)),
  /** ISO 8601, UTC. */
  startedAt: z.string().check(z.minLength(1)),
  /** Batches of this step that are done. */
  batch: z.number().check(z.nonnegative()),
  /** Where this batch begins, as the last one said; null for the first. */
  cursor: z.nullish(z.unknown()),
  /** Minutes of grace for this run only, instead of the configured. */
  graceMinutes: z.nullish(z.number().check(z.nonnegative())),
  /** Rows of the warehouse that the last batch asked for. */
  rows: z.nullish(z.looseObject({ Records: z.array(z.array(Field)) })),
});

const Settings: z.ZodMiniType<ReconciliationSettings> = z.object({
  graceSeconds: z.number(),
  batchSeconds: z.number(),
  againSeconds: z.number(),
});

/** One bounded piece of a step. */
export interface Batch {
  readonly run: string;
  readonly step: Step;
  readonly startedAt: string;
  readonly number: number;
  readonly cursor: unknown;
  /** Rows that the last batch asked for, as text; none where it asked for none. */
  readonly rows: readonly (readonly string[])[];
  readonly ledger: Ledger;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly graceSeconds: number;
  /** Seconds after which a curated record should be loaded. */
  readonly loadGraceSeconds: number;
  readonly againSeconds: number;
  readonly log: Run['log'];
}

/** What a step answers the state machine. */
export interface Progress {
  /** Where the next batch begins; null after the last. */
  readonly cursor: unknown;
  /** A statement whose rows the next batch wants. */
  readonly sql?: string;
}

/** The same, with what the next batch is told besides. */
interface Answer extends Omit<Progress, 'sql'> {
  readonly sql: string | null;
  readonly batch: number;
}

/**
 * The handler of a step. A batch that is done again, after a crash or by a redrive, reads the ledger that the first
 * attempt read, and writes the one that it wrote.
 */
export function stepHandler(
  step: Step,
  env: { readonly LAKE_BUCKET: string; readonly RECONCILIATION: unknown },
  work: (batch: Batch) => Promise<Progress>,
): Handler<Answer> {
  const settings = parse(Settings, env.RECONCILIATION, 'settings of the reconciliation');
  return lambda(async (event, { log, identify }) => {
    const { run, startedAt, batch, cursor, graceMinutes, rows } = parse(Input, event);
    identify({ execution: run, pipeline: 'reconciliation' });
    const ledgers = new Ledgers(s3Objects(s3()), env.LAKE_BUCKET, run);
    const ledger = await ledgers.read(step, batch);
    const graceSeconds = graceMinutes == null ? settings.graceSeconds : graceMinutes * 60;
    const progress = await work({
      run,
      step,
      startedAt,
      number: batch,
      cursor: cursor ?? undefined,
      rows: (rows?.Records ?? []).map((row) =>
        row.map(({ StringValue, stringValue }) => StringValue ?? stringValue ?? ''),
      ),
      ledger,
      now: Date.now(),
      graceSeconds,
      loadGraceSeconds: graceMinutes == null ? graceSeconds + settings.batchSeconds : graceSeconds,
      againSeconds: settings.againSeconds,
      log,
    });
    await ledgers.write(step, batch + 1, ledger);
    log.info('A batch is done.', { step, batch, isLast: progress.cursor === null });
    return { sql: null, ...progress, batch: batch + 1 };
  });
}
