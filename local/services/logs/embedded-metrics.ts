import { z } from 'zod';
import type { RuntimeContext } from '../service.ts';

const Line = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())).default([[]]),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string().optional() })),
      }),
    ),
  }),
});
const Values = z.union([z.number().transform((value) => [value]), z.array(z.number())]);

/**
 * Adds the metrics of a line in embedded metric format to CloudWatch; any other line has none.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function recordEmbeddedMetrics(message: string, record: RuntimeContext['metric']): void {
  if (!message.startsWith('{') || !message.includes('"CloudWatchMetrics"')) return;
  let json: unknown;
  try {
    json = JSON.parse(message);
  } catch {
    // Not JSON after all, such as a line that was cut: CloudWatch keeps it as text.
    return;
  }
  const line = Line.safeParse(json);
  if (!line.success) return;
  for (const { Namespace, Dimensions, Metrics } of line.data._aws.CloudWatchMetrics) {
    for (const names of Dimensions) {
      const dimensions = Object.fromEntries(names.map((name) => [name, String(line.data[name])]));
      for (const { Name, Unit } of Metrics) {
        for (const value of Values.safeParse(line.data[Name]).data ?? []) {
          record({ namespace: Namespace, name: Name, dimensions, value, ...(Unit && { unit: Unit }) });
        }
      }
    }
  }
}
