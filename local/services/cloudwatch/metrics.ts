import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { inTransaction } from '../../transaction.ts';
import { AwsError } from '../service.ts';

export const MINUTE_MS = 60_000;
/** AWS keeps minutes for 15 days. */
const KEPT_MS = 15 * 24 * 60 * MINUTE_MS;
/** Single values are kept for percentiles, at most this many of a minute. */
const MAX_VALUES = 500;

const Bucket = z.object({
  sum: z.number(),
  min: z.number(),
  max: z.number(),
  count: z.number(),
  values: z.array(z.number()),
});
type Bucket = z.infer<typeof Bucket>;

const Row = z.object({ key: z.string(), minute: z.number(), body: z.string() });
const Identity = z.tuple([z.string(), z.string(), z.record(z.string(), z.string())]);

export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface Datum extends MetricId {
  readonly value: number;
  readonly unit?: string;
  /** Milliseconds since the epoch; default now. */
  readonly at?: number;
  /** How often the value occurred. @default 1 */
  readonly count?: number;
  /** For a set of values of which only sum, minimum and maximum are known (`value` is the mean then). */
  readonly bounds?: { readonly min: number; readonly max: number };
}

interface Series extends MetricId {
  readonly buckets: Map<number, Bucket>;
}

const STATISTICS: Readonly<Record<string, (bucket: Bucket) => number>> = {
  Sum: (b) => b.sum,
  Average: (b) => b.sum / b.count,
  Minimum: (b) => b.min,
  Maximum: (b) => b.max,
  SampleCount: (b) => b.count,
};

function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

function statisticOf(bucket: Bucket, statistic: string): number {
  const simple = STATISTICS[statistic];
  if (simple) return simple(bucket);
  const [, percent] = /^p(\d{1,2}(?:\.\d+)?|100)$/.exec(statistic) ?? [];
  if (percent === undefined)
    throw new AwsError('InvalidParameterValue', `The statistic ${statistic} has no local stand-in.`);
  return percentile(bucket.values, Number(percent));
}

function add(into: Bucket, other: Bucket): void {
  into.sum += other.sum;
  into.min = Math.min(into.min, other.min);
  into.max = Math.max(into.max, other.max);
  into.count += other.count;
  for (const value of other.values) {
    if (into.values.length < MAX_VALUES) into.values.push(value);
    else into.values[Math.floor(Math.random() * into.count) % MAX_VALUES] = value;
  }
}

const emptyBucket = (): Bucket => ({
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  count: 0,
  values: [],
});

const keyOf = ({ namespace, name, dimensions }: MetricId) =>
  JSON.stringify([
    namespace,
    name,
    Object.fromEntries(Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))),
  ]);

/** Metrics by the minute, in memory; `save` writes what changed to disk. */
export class MetricStore {
  readonly #series = new Map<string, Series>();
  readonly #changed = new Map<string, Set<number>>();
  readonly #db: DatabaseSync;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#db = new DatabaseSync(join(directory, 'metrics.db'));
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS buckets (key TEXT, minute INTEGER, body TEXT NOT NULL, PRIMARY KEY (key, minute)) STRICT;`);
    for (const raw of this.#db.prepare('SELECT * FROM buckets').iterate()) {
      const { key, minute, body } = Row.parse(raw);
      this.#open(key).buckets.set(minute, Bucket.parse(JSON.parse(body)));
    }
  }

  record(datum: Datum, now: number): void {
    const key = keyOf(datum);
    const series = this.#open(key);
    const minute = Math.floor((datum.at ?? now) / MINUTE_MS) * MINUTE_MS;
    const bucket = series.buckets.get(minute) ?? emptyBucket();
    const { value, count = 1, bounds = { min: value, max: value } } = datum;
    add(bucket, { sum: value * count, ...bounds, count, values: [value] });
    series.buckets.set(minute, bucket);
    const changed = this.#changed.get(key) ?? new Set();
    this.#changed.set(key, changed.add(minute));
  }

  /** A statistic over `[start, end)`, undefined where there is no data. Times are milliseconds. */
  statistic(metric: MetricId, statistic: string, start: number, end: number): number | undefined {
    const series = this.#series.get(keyOf(metric));
    const total = emptyBucket();
    if (series) {
      for (let minute = Math.floor(start / MINUTE_MS) * MINUTE_MS; minute < end; minute += MINUTE_MS) {
        const bucket = series.buckets.get(minute);
        if (bucket) add(total, bucket);
      }
    }
    return total.count === 0 ? undefined : statisticOf(total, statistic);
  }

  list(): MetricId[] {
    return [...this.#series.values()];
  }

  /** Writes what changed to disk and forgets what is old. */
  save(now: number): void {
    const write = this.#db.prepare('INSERT OR REPLACE INTO buckets VALUES (?, ?, ?)');
    inTransaction(this.#db, () => {
      for (const [key, minutes] of this.#changed) {
        for (const minute of minutes)
          write.run(key, minute, JSON.stringify(this.#open(key).buckets.get(minute)));
      }
      this.#db.prepare('DELETE FROM buckets WHERE minute < ?').run(now - KEPT_MS);
    });
    this.#changed.clear();
    for (const { buckets } of this.#series.values()) {
      for (const minute of buckets.keys()) {
        if (minute >= now - KEPT_MS) break;
        buckets.delete(minute);
      }
    }
  }

  close(): void {
    this.#db.close();
  }

  #open(key: string): Series {
    const known = this.#series.get(key);
    if (known) return known;
    const [namespace, name, dimensions] = Identity.parse(JSON.parse(key));
    const series: Series = { namespace, name, dimensions, buckets: new Map() };
    this.#series.set(key, series);
    return series;
  }
}
