import * as z from 'zod/mini';

/** Of every step: the run, and when it began. */
export const Run = { run: z.string(), startedAt: z.pipe(z.iso.datetime(), z.transform(Date.parse)) };

/** Of every step on a partition. */
export const Partition = { ...Run, dataset: z.string(), partition: z.string() };

export const count = z.number().check(z.nonnegative());

/** Of every step in batches. */
export const Batch = { ...Run, batch: count };
