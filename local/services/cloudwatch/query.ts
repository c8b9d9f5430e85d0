import { z } from 'zod';
import { flag, numeric } from '../operation.ts';
import { AwsError } from '../service.ts';
import { compileExpression } from './math.ts';
import { type MetricId, type MetricStore, MINUTE_MS } from './metrics.ts';

export const Dimensions = z
  .array(z.object({ Name: z.string(), Value: z.string() }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ Name, Value }) => [Name, Value])));

const Metric = z
  .object({ Namespace: z.string(), MetricName: z.string(), Dimensions })
  .transform((m): MetricId => ({ namespace: m.Namespace, name: m.MetricName, dimensions: m.Dimensions }));

export const MetricDataQuery = z.object({
  Id: z.string(),
  MetricStat: z.object({ Metric, Period: numeric, Stat: z.string() }).optional(),
  Expression: z.string().optional(),
  Period: numeric.optional(),
  Label: z.string().optional(),
  ReturnData: flag.default(true),
});
export type MetricDataQuery = z.infer<typeof MetricDataQuery>;

/** Seconds of a datapoint of these queries. */
export function periodOf(queries: readonly MetricDataQuery[]): number {
  const periods = queries.flatMap(({ MetricStat, Period }) => MetricStat?.Period ?? Period ?? []);
  return Math.max(MINUTE_MS / 1000, ...periods);
}

/** Prepares queries: the result gives every query's value over `[start, end)`, milliseconds. */
export function compileQueries(
  queries: readonly MetricDataQuery[],
  store: MetricStore,
): (start: number, end: number) => Map<string, number | undefined> {
  const expressions = queries.flatMap(({ Id, Expression }) =>
    Expression === undefined ? [] : [{ Id, evaluate: compileExpression(Expression) }],
  );
  const metrics = queries.flatMap(({ Id, MetricStat }) => (MetricStat ? [{ Id, ...MetricStat }] : []));
  if (expressions.length + metrics.length !== queries.length) {
    throw new AwsError('ValidationError', 'Each query has either MetricStat or Expression.');
  }
  return (start, end) => {
    const values = new Map(
      metrics.map(({ Id, Metric: metric, Stat }) => [Id, store.statistic(metric, Stat, start, end)]),
    );
    // An expression may use one that stands after it, so as many rounds as there are expressions settle all.
    for (const _round of expressions) {
      const inputs = new Map(values);
      for (const { Id, evaluate } of expressions) values.set(Id, evaluate(inputs));
    }
    return values;
  };
}
