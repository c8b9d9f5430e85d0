import { CANARY, METRIC, type ObjectiveSettings } from '../shared/contract.ts';
import { type Meter, MetricUnit } from '../shared/meter.ts';
import type { Change } from './change.ts';
import type { Recorded } from './record.ts';

/**
 * Measures a change that is news, so that each is measured once; a crash between the audit table and the metric loses
 * the measurement and no file.
 *
 * Every execution counts by its outcome and duration. What it cost and how many bytes it took in counts where it came
 * to an outcome: a rerun costs again. A failed execution tells neither; its file counts when it is mended.
 *
 * The objective is about files, and each counts once, by its first outcome. A file that fails has missed it, and a redrive
 * that mends it soon after does not take that back: somebody had to act. A file that is held for a person counts in
 * neither number, not even when it is released, for how long people think is no property of the pipeline. Time runs
 * from the file's landing; what never landed, such as a load, has none.
 *
 * Of a canary's file only the outcome is counted, under the canary's name; of its children nothing.
 */
export function measure(
  change: Change,
  { isNews, isFirstOutcome, receivedAt }: Recorded,
  objective: ObjectiveSettings,
  meter: Meter,
): void {
  const { pipeline, status, isFinal, isOwn, time, durationMs = 0, result } = change;
  const isCanary = change.fileName.startsWith(CANARY.prefix);
  if (!isNews || !isFinal || (isCanary && !isOwn)) return;
  meter.add(METRIC.outcomes, 1, { Pipeline: pipeline, Outcome: status });
  if (isCanary) return;
  const dimensions = { Pipeline: pipeline };
  meter.add(METRIC.duration, durationMs, dimensions, MetricUnit.Milliseconds);
  if (!isOwn) return;
  const { estimatedCostUsd, bytes } = result ?? {};
  if (typeof estimatedCostUsd === 'number' && typeof bytes === 'number') {
    meter.add(METRIC.estimatedCostUsd, estimatedCostUsd, dimensions, MetricUnit.NoUnit);
    meter.add(METRIC.bytesFinished, bytes, dimensions, MetricUnit.Bytes);
  }
  if (!isFirstOutcome || receivedAt === undefined || status === 'HELD') return;
  const isInTime = Date.parse(time) - Date.parse(receivedAt) <= objective.seconds * 1000;
  meter.add(METRIC.objectiveFiles, 1, dimensions);
  meter.add(METRIC.objectiveMet, status !== 'FAILED' && isInTime ? 1 : 0, dimensions);
}
