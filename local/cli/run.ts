import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { emptyData } from '../data-directory.ts';
import { defaultDataDir, type Runtime, startRuntime } from '../runtime.ts';
import { Deployment, type FileState } from './deployment.ts';
import { announceFaults, drill } from './drill.ts';
import { fileIdOf, inputFiles, keyOf } from './files.ts';
import { nextSteps } from './next-steps.ts';
import { tellOperations } from './operations.ts';
import type { StartOptions } from './options.ts';
import { pause } from './pause.ts';
import { Progress } from './progress.ts';
import {
  type FileReport,
  fileReport,
  isDone,
  isGood,
  type Report,
  type TrackedFile,
  table,
  ticketReport,
} from './report.ts';
import { synthesise } from './synthesise.ts';
import { fetchTickets, joined } from './tickets.ts';

/** How often the audit table is asked for outcomes, milliseconds. */
const POLL_MS = 200;

export interface RunIo {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted when the person wants to stop. */
  readonly signal: AbortSignal;
}

/**
 * The main job: start the runtime, drop the input, follow every file to its outcome, and report.
 * @returns the exit status
 */
export async function run(
  root: string,
  options: StartOptions,
  { stdout, stderr, signal }: RunIo,
): Promise<number> {
  const out = options.json ? stderr : stdout;
  const say = (message: string) => out.write(`${message}\n`);
  const began = performance.now();
  const input = inputFiles(resolve(options.input ?? join(root, 'samples')), { samples: !options.input });
  const dataDir = resolve(options.data ?? defaultDataDir(root));
  if (options.fresh) emptyData(dataDir);

  const assembly = await synthesise(root, say);
  const progress = new Progress(out);
  const runtime = await startRuntime({
    assembly,
    dataDir,
    port: options.port,
    helpDesk: { port: portBeside(options.port, 100) },
    // Files of one's own are about those files.
    ...(options.input === undefined && { crm: { port: portBeside(options.port, 101) } }),
    faults: { seed: options.seed, breaks: [...options.break], rules: [...options.fault] },
    onEvent: (event) => progress.observe(event),
  });
  try {
    say(`Ready after ${((performance.now() - began) / 1000).toFixed(1)} s at ${runtime.endpoint}`);
    say(`Help desk at ${runtime.helpDesk?.url}${runtime.crm ? `, CRM at ${runtime.crm.url}` : ''}\n`);
    announceFaults(runtime, options.break, say);
    tellOperations(runtime, progress);
    const deployment = new Deployment(runtime);
    const files = await drop(deployment, input, progress, signal);
    const isMended =
      options.break.length === 0 ||
      (await drill({ root, runtime, deployment, breaks: options.break, files, progress, signal }));
    const states = await follow(deployment, progress, files, signal);
    const isFetched = await fetchTickets(runtime, deployment, progress, signal);
    progress.finish();
    const report = await reportOf(runtime, deployment, states, (performance.now() - began) / 1000);
    say(`\n${table(report.files)}\n`);
    if (runtime.crm && isFetched && deployment.hasWarehouse) say(`${await joined(deployment)}\n`);
    if (options.json) stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    if (!options.once && !signal.aborted) {
      say(nextSteps(deployment, runtime));
      await stayUp(deployment, progress, runtime, signal);
    }
    if (options.once && signal.aborted) return 130;
    return !options.once || (isMended && isFetched && report.files.every(isGood)) ? 0 : 1;
  } finally {
    progress.finish();
    await runtime.stop();
  }
}

/** A place of its own, out of the way of who takes the port after ours: 4666 beside 4566. */
const portBeside = (port: number, distance: number) =>
  port === 0 || port + distance > 65_535 ? 0 : port + distance;

/** Drops the input, and takes up what an earlier run left on its way. */
async function drop(
  deployment: Deployment,
  input: ReturnType<typeof inputFiles>,
  progress: Progress,
  signal: AbortSignal,
): Promise<TrackedFile[]> {
  const bucket = deployment.landingBucket;
  const tracked = await unfinished(deployment);
  for (const file of tracked) progress.add(file.fileId, file.fileName);
  const prefixes = await deployment.prefixes();
  for (const { path, name } of input) {
    if (signal.aborted) break;
    const key = keyOf(name, prefixes);
    const { versionId } = await deployment.drop(key, readFileSync(path));
    const file = { fileId: fileIdOf(bucket, key, versionId), fileName: key };
    tracked.push(file);
    progress.add(file.fileId, key);
  }
  return tracked;
}

async function unfinished(deployment: Deployment): Promise<TrackedFile[]> {
  const bucket = deployment.landingBucket;
  const versions = await Promise.all(
    (await deployment.prefixes()).map((prefix) => deployment.landed(prefix)),
  );
  const landed = versions.flat().map(({ key, versionId }) => ({
    fileId: fileIdOf(bucket, key, versionId),
    fileName: key,
  }));
  const states = await deployment.states(landed.map(({ fileId }) => fileId));
  return landed.filter(({ fileId }) => !isDone(states.get(fileId)));
}

/** Follows the files until each needs nothing more, or the person stops. */
async function follow(
  deployment: Deployment,
  progress: Progress,
  files: readonly TrackedFile[],
  signal: AbortSignal,
): Promise<Map<TrackedFile, FileState | undefined>> {
  const states = new Map<TrackedFile, FileState | undefined>(files.map((file) => [file, undefined]));
  for (;;) {
    const open = files.filter((file) => !isDone(states.get(file)));
    const news = await deployment.states(open.map(({ fileId }) => fileId));
    for (const file of open) {
      const state = news.get(file.fileId);
      states.set(file, state);
      progress.show(file.fileId, state);
    }
    if (signal.aborted || files.every((file) => isDone(states.get(file)))) return states;
    await pause(POLL_MS, signal);
  }
}

async function reportOf(
  runtime: Runtime,
  deployment: Deployment,
  states: ReadonlyMap<TrackedFile, FileState | undefined>,
  seconds: number,
): Promise<Report> {
  const executions = await deployment.executionsByFile();
  const files: FileReport[] = [...states].map(([file, state]) =>
    fileReport(file, state, executions.get(file.fileId) ?? 0),
  );
  return {
    seconds: Math.round(seconds * 1000) / 1000,
    files,
    warehouse: {
      documents: await deployment.rowsInWarehouse('documents'),
      sales: await deployment.rowsInWarehouse('sales'),
      tickets: await deployment.rowsInWarehouse('tickets'),
      customers: await deployment.rowsInWarehouse('customers'),
    },
    tickets: runtime.helpDesk?.tickets().map(ticketReport) ?? [],
  };
}

/** Shows what happens to files that are dropped by other means, until the person stops. */
async function stayUp(
  deployment: Deployment,
  progress: Progress,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<void> {
  const bucket = deployment.landingBucket;
  const open = new Map<string, TrackedFile>();
  const stopListening = runtime.onEvent((event) => {
    const { name, status, input } = event.detail;
    if (status !== 'RUNNING' || !/^[0-9a-f]{64}(-r\d+)?$/.test(String(name))) return;
    const source = Object(JSON.parse(String(input ?? '{}')));
    if (source.bucket !== bucket) return;
    open.set(source.fileId, { fileId: source.fileId, fileName: source.key });
    progress.add(source.fileId, source.key);
  });
  while (!signal.aborted) {
    const states = await deployment.states([...open.keys()]);
    for (const [fileId, state] of states) {
      progress.show(fileId, state);
      if (isDone(state)) open.delete(fileId);
    }
    await pause(POLL_MS, signal);
  }
  stopListening();
}
