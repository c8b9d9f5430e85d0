import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { METRICS_NAMESPACE } from './contract.ts';

/** CloudWatch's name of a unit. */
type Unit = (typeof MetricUnit)[keyof typeof MetricUnit];

/** Dimensions of a metric. Each combination of values is billed as a metric of its own: never a file id. */
export interface Dimensions {
  readonly Pipeline?: string;
  readonly Outcome?: string;
  readonly Kind?: string;
  readonly Desk?: string;
  readonly Dataset?: string;
}

/** Gathers what one invocation measures and writes it once, in embedded metric format. */
export { MetricUnit };

export class Meter {
  readonly #groups = new Map<string, { dimensions: Dimensions; data: [string, Unit, number][] }>();

  add(name: string, value: number, dimensions: Dimensions = {}, unit: Unit = MetricUnit.Count): void {
    const id = JSON.stringify(Object.entries(dimensions).sort());
    const group = this.#groups.get(id) ?? { dimensions, data: [] };
    group.data.push([name, unit, value]);
    this.#groups.set(id, group);
  }

  /** Writes one line for each combination of dimensions. */
  flush(metrics: Metrics): void {
    for (const { dimensions, data } of this.#groups.values()) {
      metrics.addDimensions({ ...dimensions });
      for (const [name, unit, value] of data) metrics.addMetric(name, unit, value);
      metrics.publishStoredMetrics();
    }
    this.#groups.clear();
  }
}

/** Metrics of this project without the `service` dimension that Powertools adds by itself. */
export function createMetrics(): Metrics {
  const metrics = new Metrics({ namespace: METRICS_NAMESPACE });
  metrics.clearDefaultDimensions();
  return metrics;
}
