import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { Manifest } from '../../lambdas/warehouse-load/contract.ts';
import { type AuditItem, AuditReader, isFinal, rowsOf, shownRows } from './audit-table.ts';
import { type Context, command } from './command.ts';
import type { Deployment } from './deployment.ts';
import { ForPeople, Interrupted } from './errors.ts';
import { exitOf, json, note, Progress, pause, say } from './io.ts';
import { inLanes } from './pace.ts';
import { type Column, shortened, table } from './table.ts';
import { span } from './time.ts';
import { INTAKE_PREFIX, type Landed, localFiles, upload } from './uploads.ts';

const LANES = 4;
const POLL_MS = 1_000;
/** A file that the audit table does not know after this long was not noticed by any pipeline. */
const UNNOTICED_MS = 120_000;

/** What became of a dropped file. */
interface Dropped {
  readonly file: string;
  readonly fileName: string;
  readonly fileId: string;
  /** A status of the audit table; `UPLOADED` while it does not know the file. */
  readonly status: string;
  /** `LOADED`, `PUBLISHED`, `FAILED`, or null while the load is under way or not wanted. */
  readonly load: string | null;
  readonly reason: string | null;
  readonly seconds: number | null;
  /** Of a tabular file: rows that were taken in, and rows that went to quarantine. */
  readonly rows: number | null;
  readonly quarantined: number | null;
}

const COLUMNS: readonly Column<Dropped>[] = [
  { title: 'File', of: ({ file }) => shortened(file, 60) },
  { title: 'Status', of: ({ status }) => status },
  { title: 'Load', of: ({ load }) => load ?? '' },
  { title: 'Rows', right: true, of: (file) => shownRows(countsOf(file)) },
  { title: 'Took', right: true, of: ({ seconds }) => (seconds === null ? '' : span(seconds * 1000)) },
  { title: 'Id', of: ({ fileId }) => fileId },
  { title: 'Reason', of: ({ reason }) => reason ?? '' },
];

export const drop = command({
  name: 'drop',
  summary: 'upload files and follow them to their outcome and into the warehouse',
  operands: { shown: 'FILE…', least: 1, most: Number.POSITIVE_INFINITY },
  about: `Uploads files, or all files of a folder with its folders, to the landing bucket and follows each until it has
its outcome and, where it succeeded, is loaded. Exit status 0 when each succeeded and is loaded, or was rejected with a
reason; 1 when a file or its load failed, or a file is held.`,
  options: {
    prefix: { type: 'text', value: 'PREFIX', about: 'where in the landing bucket (default documents/)' },
    'no-load': { type: 'flag', about: 'follow to the outcome only, not to the load' },
    'no-wait': { type: 'flag', about: 'upload only' },
  },
  examples: [
    'drop letter.pdf',
    'drop march.csv --prefix sales/',
    'drop scans/ --prefix documents/2026/',
    'drop *.txt --no-load --json',
  ],
  async run(context, values, paths) {
    const { io, deployment } = context;
    const prefix = values.prefix ?? INTAKE_PREFIX;
    const files = localFiles(paths, prefix.endsWith('/') ? prefix : `${prefix}/`);
    const bucket = deployment.output('LandingBucketName');
    const progress = new Progress(io);
    const landed: Landed[] = [];
    await inLanes(
      files,
      LANES,
      async (file) => {
        landed.push(await upload(deployment, bucket, file, io.signal));
        progress.show(`${landed.length} of ${files.length} uploaded`);
      },
      io.signal,
    ).catch((error: unknown) => {
      if (io.signal.aborted) return;
      throw error;
    });
    progress.clear();
    if (io.signal.aborted && landed.length === 0) throw new Interrupted('Nothing was uploaded.');
    const dropped = values['no-wait']
      ? landed.map((file) => outcomeOf(file, undefined, undefined))
      : await follow(context, landed, progress, values['no-load']);
    if (context.json) json(io, dropped);
    else say(io, table(dropped, COLUMNS, io.stdout.columns));
    if (io.signal.aborted) note(io, `Interrupted; what was uploaded goes on. See: npx millrace audit`);
    return exitOf(io, values['no-wait'] || dropped.every((file) => isGood(file, values['no-load'])));
  },
});

const countsOf = ({ rows, quarantined }: Dropped) =>
  rows === null || quarantined === null ? null : { rows, quarantined };

const isLoaded = (load: string | null) => load === 'LOADED' || load === 'PUBLISHED';

const isGood = ({ status, load }: Dropped, withoutLoad: boolean) =>
  status === 'REJECTED' || (status === 'SUCCEEDED' && (withoutLoad || isLoaded(load)));

/** Whether nothing more will happen to it by itself. */
const isOver = ({ status, load }: Dropped, withoutLoad: boolean) =>
  isFinal(status) && (status !== 'SUCCEEDED' || withoutLoad || load !== null);

async function follow(
  { io, deployment }: Context,
  landed: readonly Landed[],
  progress: Progress,
  withoutLoad: boolean,
): Promise<Dropped[]> {
  const reader = new AuditReader(deployment);
  const began = Date.now();
  const failedLoads = new FailedLoads(deployment, reader, began);
  let dropped = landed.map((file) => outcomeOf(file, undefined, undefined));
  for (;;) {
    const open = landed.filter((_, i) => !dropped[i] || !isOver(dropped[i], withoutLoad));
    const states = await reader.current(open.map(({ fileId }) => fileId));
    if ([...states.values()].some(({ Status, LoadStatus }) => Status === 'SUCCEEDED' && !LoadStatus))
      await failedLoads.look();
    dropped = landed.map((file, i) => {
      const state = states.get(file.fileId);
      const before = dropped[i];
      return state || !before ? outcomeOf(file, state, failedLoads.reasonFor(file.fileId)) : before;
    });
    const over = dropped.filter((file) => isOver(file, withoutLoad)).length;
    progress.show(progressOf(dropped, over));
    if (over === dropped.length || io.signal.aborted) break;
    if (Date.now() - began > UNNOTICED_MS && dropped.every(({ status }) => status === 'UPLOADED')) {
      throw new ForPeople(
        `After ${span(UNNOTICED_MS)} no pipeline has noticed the files. Does one begin with files at this prefix? The queue of arrivals may be long, too: npx millrace status`,
      );
    }
    await pause(POLL_MS, io.signal);
  }
  progress.clear();
  return dropped;
}

function progressOf(dropped: readonly Dropped[], over: number): string {
  const counts = Object.entries(
    Object.groupBy(dropped, ({ status, load }) =>
      status === 'SUCCEEDED' && load === null ? 'to load' : status,
    ),
  );
  return `${over} of ${dropped.length} done: ${counts.map(([what, of]) => `${of?.length} ${what}`).join(', ')}`;
}

function outcomeOf(file: Landed, state: AuditItem | undefined, failedLoad: string | undefined): Dropped {
  const { Status = 'UPLOADED', LoadStatus, Reason, ReceivedAt, Timestamp } = state ?? {};
  const counts = state ? rowsOf(state) : null;
  const hasEnd = isFinal(Status) && ReceivedAt && Timestamp;
  return {
    file: file.path,
    fileName: file.key,
    fileId: file.fileId,
    status: Status,
    load: LoadStatus ?? (Status === 'SUCCEEDED' && failedLoad !== undefined ? 'FAILED' : null),
    reason: Reason ? `${Reason.code}: ${Reason.message}` : (failedLoad ?? null),
    rows: counts?.rows ?? null,
    quarantined: counts?.quarantined ?? null,
    seconds: hasEnd ? Math.max(0, Date.parse(Timestamp) - Date.parse(ReceivedAt)) / 1000 : null,
  };
}

/** Loads that failed since, and the files that are in them: a file whose load failed says nothing of it itself. */
class FailedLoads {
  readonly #deployment: Deployment;
  readonly #reader: AuditReader;
  readonly #since: number;
  readonly #known = new Set<string>();
  readonly #reasons = new Map<string, string>();

  constructor(deployment: Deployment, reader: AuditReader, since: number) {
    this.#deployment = deployment;
    this.#reader = reader;
    this.#since = since;
  }

  async look(): Promise<void> {
    const loads = await this.#reader.find({
      statuses: ['FAILED'],
      pipelines: ['warehouse-load'],
      from: this.#since,
      to: Date.now() + 60_000,
    });
    for (const load of loads) {
      if (this.#known.has(load.EventId)) continue;
      this.#known.add(load.EventId);
      const { Body } = await this.#deployment.s3.send(
        new GetObjectCommand({ Bucket: this.#deployment.output('LakeBucketName'), Key: load.FileName }),
      );
      const manifest: Manifest = JSON.parse((await Body?.transformToString()) ?? '{"entries":[]}');
      for (const { key } of manifest.entries) {
        // `curated/…/<file id>.json`
        const [, fileId] = /([0-9a-f]{64})\.json$/.exec(key) ?? [];
        if (fileId) this.#reasons.set(fileId, `load ${load.pk} failed: ${load.Reason?.message ?? ''}`);
      }
    }
  }

  reasonFor(fileId: string): string | undefined {
    return this.#reasons.get(fileId);
  }
}
