import type * as z from 'zod/mini';
import type { Dataset } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { type Handler, lambda, type Run } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';

/** A dataset that comes in files. */
export function datasetOf(name: string): Dataset {
  const dataset = DATASETS[name];
  if (!dataset) throw new Error(`There is no dataset ${name}.`);
  return dataset;
}

/** A handler of a state whose input has the file. */
export function fileStep<
  Schema extends z.ZodMiniType<{ file: { dataset: string; source: { fileId: string } } }>,
  Output,
>(
  schema: Schema,
  work: (input: z.output<Schema>, dataset: Dataset, run: Run) => Promise<Output>,
): Handler<Output> {
  return lambda(async (event, run) => {
    const input = parse(schema, event);
    const { dataset, source } = input.file;
    run.identify({ fileId: source.fileId, execution: source.fileId, pipeline: dataset });
    return work(input, datasetOf(dataset), run);
  });
}
