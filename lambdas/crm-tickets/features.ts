import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { customerFeatures } from '../../datasets/customer-features.ts';
import { customers } from '../../datasets/customers.ts';
import { partitionOf } from '../../datasets/dataset.ts';
import { documents } from '../../datasets/documents.ts';
import { tickets } from '../../datasets/tickets.ts';
import { LAKE } from '../shared/contract.ts';
import { JSON_TYPE, type Objects } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import { PublicationSchema } from '../shared/publication.ts';
import { FEATURES_WORK, type FeaturePlan, type FeatureSettings } from './contract.ts';
import { type InputView, inputColumns, type LakeFile, type LakeFiles, shownFiles } from './features-input.ts';
import { type Busy, isBusy } from './sources-table.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const GIGABYTE = 1e9;

/** What glue/crm_features.sql reads, beside the run itself. */
const INPUTS = [tickets, customers, documents];

export const FeatureSettingsSchema: z.ZodMiniType<FeatureSettings> = z.object({
  everyHours: z.number().check(z.positive()),
  minWorkers: z.number().check(z.minimum(2)),
  maxWorkers: z.number().check(z.minimum(2)),
  gigabytesPerWorker: z.number().check(z.positive()),
  flexFromHour: z.number(),
  flexUntilHour: z.number(),
  timeZone: z.string().check(z.minLength(1)),
});

export interface PlanDependencies {
  readonly lake: LakeFiles;
  readonly objects: Pick<Objects, 'write'>;
  readonly lakeBucket: string;
  readonly settings: FeatureSettings;
  /** Keeps others from the work until this execution is over; answers who is at it, if that is another one. */
  claim(work: string): Promise<object | Busy>;
}

/**
 * Whether customer features are due and nobody else computes them, and if so, what the job is to read and with how many
 * workers. It writes down the files that the job reads, so that the same run always gives the same rows.
 */
export async function planFeatures(at: Date, dependencies: PlanDependencies): Promise<FeaturePlan> {
  const { lake, objects, lakeBucket, settings, claim } = dependencies;
  // Before what is published is looked at: who was at it last has published by now.
  const claimed = await claim(customerFeatures.name);
  if (isBusy(claimed)) return { due: false, execution: claimed.owner };
  const computedAt = await computedSince(slotOf(at, settings), at, lake);
  if (computedAt !== undefined) return { due: false, computedAt };
  const runId = createHash('sha256').update(`${customerFeatures.name}|${at.toISOString()}`).digest('hex');
  const inputKey = `${FEATURES_WORK}${runId}/input.json`;
  const views: Record<string, InputView> = {};
  const files: LakeFile[] = [];
  for (const dataset of INPUTS) {
    const shown = await shownFiles(dataset, lake);
    files.push(...shown);
    views[dataset.name] = {
      columns: inputColumns(dataset),
      files: shown.map(({ key }) => `s3://${lakeBucket}/${key}`),
    };
  }
  const run = { run_at: at.toISOString(), file_id: runId, source_file: inputKey };
  await objects.write({ bucket: lakeBucket, key: inputKey }, JSON.stringify({ run, views }), JSON_TYPE);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return {
    due: true,
    runId,
    at: at.toISOString(),
    input: `s3://${lakeBucket}/${inputKey}`,
    output: `s3://${lakeBucket}/${outputPrefix(runId)}`,
    bytes,
    files: files.length,
    workers: workersFor(bytes, settings),
    executionClass: isOffPeak(at, settings) ? 'FLEX' : 'STANDARD',
  };
}

/** Folder of the job's result. */
export const outputPrefix = (runId: string): string => `${FEATURES_WORK}${runId}/rows/`;

/** One more worker for each so many gigabytes, within the limits. */
export function workersFor(bytes: number, settings: FeatureSettings): number {
  const { minWorkers, maxWorkers, gigabytesPerWorker } = settings;
  const wanted = Math.ceil(bytes / GIGABYTE / gigabytesPerWorker);
  return Math.max(minWorkers, Math.min(maxWorkers, wanted));
}

/** Whether the hour of the time zone is one in which the job may wait for capacity; in none where both hours are the same. */
export function isOffPeak(at: Date, settings: FeatureSettings): boolean {
  const { flexFromHour: from, flexUntilHour: until, timeZone } = settings;
  const format = new Intl.DateTimeFormat('en-GB', { hour: 'numeric', hourCycle: 'h23', timeZone });
  const hour = Number(format.formatToParts(at).find(({ type }) => type === 'hour')?.value);
  return from <= until ? hour >= from && hour < until : hour >= from || hour < until;
}

/** Time is cut into pieces of `everyHours` since 1970, UTC, each of which has one computation: no drift, whenever one comes. */
function slotOf(at: Date, { everyHours }: FeatureSettings): Date {
  const length = everyHours * HOUR_MS;
  return new Date(Math.floor(at.getTime() / length) * length);
}

/** When features were published in the slot; undefined where they were not. */
async function computedSince(slot: Date, at: Date, lake: LakeFiles): Promise<string | undefined> {
  for (let day = slot.getTime(); partitionOf(new Date(day)) <= partitionOf(at); day += DAY_MS) {
    const prefix = `${LAKE.published}${customerFeatures.name}/${partitionOf(new Date(day))}`;
    for await (const { key } of lake.list(prefix)) {
      const { landedAt } = parseJson(PublicationSchema, await lake.read(key), 'publication');
      if (landedAt >= slot.toISOString()) return landedAt;
    }
  }
  return undefined;
}
