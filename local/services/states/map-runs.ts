import { randomUUID } from 'node:crypto';
import type { MapCounts, MapLimits, MapRunOptions } from '../../asl/host.ts';
import { AwsError } from '../service.ts';
import { seconds } from './input.ts';
import type { Store } from './store.ts';

/** A Map Run. Dates are milliseconds since the epoch. */
export interface MapRunRow {
  readonly arn: string;
  readonly executionArn: string;
  readonly machineArn: string;
  readonly startDate: number;
  readonly limits: MapLimits;
  itemCounts: MapCounts;
  executionCounts: MapCounts;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  stopDate?: number | undefined;
  redriveCount: number;
  redriveDate?: number;
}

const noCounts = (): MapCounts => ({
  pending: 0,
  running: 0,
  succeeded: 0,
  failed: 0,
  timedOut: 0,
  aborted: 0,
  total: 0,
  resultsWritten: 0,
});

/** The Map Runs of distributed Map states. */
export class MapRuns {
  readonly #store: Store;
  readonly #running = new Map<string, MapRunRow>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Begins a Map Run, or goes on with the one that a redriven execution had. */
  begin(
    options: MapRunOptions,
    of: { executionArn: string; machineArn: string; arn(id: string): string; now: number },
  ): MapRunRow {
    const former = options.redriveOf ? this.find(options.redriveOf) : undefined;
    const row: MapRunRow = former
      ? {
          ...former,
          limits: options.limits,
          status: 'RUNNING',
          stopDate: undefined,
          redriveCount: former.redriveCount + 1,
          redriveDate: of.now,
          itemCounts: noCounts(),
          executionCounts: noCounts(),
        }
      : {
          arn: of.arn(randomUUID()),
          executionArn: of.executionArn,
          machineArn: of.machineArn,
          startDate: of.now,
          limits: options.limits,
          status: 'RUNNING',
          redriveCount: 0,
          itemCounts: noCounts(),
          executionCounts: noCounts(),
        };
    this.#running.set(row.arn, row);
    this.save(row);
    return row;
  }

  end(row: MapRunRow, status: MapRunRow['status'], now: number): void {
    row.status = status;
    row.stopDate = now;
    this.#running.delete(row.arn);
    this.save(row);
  }

  /** Ends the runs that a crash interrupted: their state runs again from its start. */
  abandon(now: number): void {
    const rows = this.#store.bodies<MapRunRow>(
      `SELECT body FROM map_runs WHERE body ->> 'status' = 'RUNNING'`,
    );
    for (const row of rows) this.end(row, 'ABORTED', now);
  }

  save(row: MapRunRow): void {
    const body = JSON.stringify(row);
    this.#store.later(() =>
      this.#store.run(
        'INSERT OR REPLACE INTO map_runs VALUES (?, ?, ?, ?)',
        row.arn,
        row.executionArn,
        row.startDate,
        body,
      ),
    );
  }

  find(arn: string): MapRunRow | undefined {
    return (
      this.#running.get(arn) ??
      this.#store.bodies<MapRunRow>('SELECT body FROM map_runs WHERE arn = ?', arn)[0]
    );
  }

  /** @throws AwsError `ResourceNotFound` */
  get(arn: string): MapRunRow {
    const row = this.find(arn);
    if (row) return row;
    throw new AwsError('ResourceNotFound', `Resource not found: '${arn}'`);
  }

  list(executionArn: string): MapRunRow[] {
    return this.#store.bodies<MapRunRow>(
      'SELECT body FROM map_runs WHERE execution = ? ORDER BY start DESC',
      executionArn,
    );
  }
}

/** A Map Run as `DescribeMapRun` answers it. */
export const describeMapRun = (row: MapRunRow) => ({
  mapRunArn: row.arn,
  executionArn: row.executionArn,
  status: row.status,
  startDate: seconds(row.startDate),
  ...(row.stopDate !== undefined && { stopDate: seconds(row.stopDate) }),
  ...row.limits,
  itemCounts: row.itemCounts,
  executionCounts: row.executionCounts,
  redriveCount: row.redriveCount,
  ...(row.redriveDate !== undefined && { redriveDate: seconds(row.redriveDate) }),
});

/** A Map Run as `ListMapRuns` lists it. */
export const listedMapRun = (row: MapRunRow) => ({
  mapRunArn: row.arn,
  executionArn: row.executionArn,
  stateMachineArn: row.machineArn,
  startDate: seconds(row.startDate),
  ...(row.stopDate !== undefined && { stopDate: seconds(row.stopDate) }),
});
