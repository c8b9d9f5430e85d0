import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { MovableClock } from '../clock.ts';
import { BREAKS, type Break, type BreakName } from '../faults/breaks.ts';
import type { Runtime } from '../runtime.ts';
import type { Deployment } from './deployment.ts';
import { pause } from './pause.ts';
import type { Progress } from './progress.ts';
import { isDone, type TrackedFile } from './report.ts';
import { failedExecutions, isAtRest, type OpenTicket, openTicketsOf, type Scene, sceneOf } from './watch.ts';

/** How long a step may take, milliseconds. Failed loads are tried again for minutes. */
const PATIENCE_MS = 600_000;
const POLL_MS = 300;
/** Without any movement for so long, it is time that is waited for, milliseconds. */
const STILL_MS = 5_000;

export interface DrillOptions {
  readonly root: string;
  readonly runtime: Runtime;
  readonly deployment: Deployment;
  readonly breaks: readonly BreakName[];
  readonly files: readonly TrackedFile[];
  readonly progress: Progress;
  /** Aborted when the person wants to stop. */
  readonly signal: AbortSignal;
}

/** A step did not come true in time, or the person stopped. */
class DrillFailed extends Error {
  override readonly name = 'DrillFailed';
}

/** Says what is broken, and how to have the same again. */
export function announceFaults(
  { faults }: Runtime,
  breaks: readonly BreakName[],
  say: (message: string) => void,
): void {
  const { seed, rules } = faults.report();
  if (rules.length === 0) return;
  for (const name of breaks) say(`Broken on purpose, "${name}": ${BREAKS[name].what}`);
  say(`Faults are switched on; --seed ${seed} brings the same again.\n`);
}

/**
 * Sees a break through: waits until what had to fail has failed and tickets are open, lifts the faults, redrives, and
 * waits until every file has its outcome and the tickets are over.
 * @returns whether all of that came true
 */
export async function drill(options: DrillOptions): Promise<boolean> {
  const { runtime, breaks, progress } = options;
  const began = performance.now();
  const mustFail = breaks.some((name) => (BREAKS[name] as Break).fails);
  try {
    await until(options, 'everything came to rest under the faults', isAtRest);
    if (!mustFail) lift(options);
    if (await isAnythingLost(options)) await findLost(options);
    const failed = await failedExecutions(options);
    if (mustFail && failed.length === 0) {
      throw new DrillFailed('nothing has failed; were there files that this break concerns?');
    }
    const tickets = await ticketsFor(options, failed, mustFail);
    if (mustFail) lift(options);
    if (failed.length > 0 || (await sceneOf(options)).deadLetters > 0) {
      await millrace(options, 'redrive', '--yes');
    }
    await until(options, 'every file had its outcome', () => isHome(options));
    await until(options, 'the tickets were resolved', () => tickets.every((one) => isOver(runtime, one)));
    const over = tickets.length === 0 ? '' : `, and ${counted(tickets.length, 'ticket')} opened and closed`;
    progress.note(
      `Every file has its outcome${over}: the drill took ${((performance.now() - began) / 1000).toFixed(0)} s.`,
    );
    return true;
  } catch (error) {
    if (!(error instanceof DrillFailed)) throw error;
    progress.note(`The drill did not come true: ${error.message}`);
    return false;
  } finally {
    runtime.faults.clear();
  }
}

function lift({ runtime, progress }: DrillOptions): void {
  runtime.faults.clear();
  progress.note('The faults are lifted.');
}

/** Open tickets that tell of failures; where every failure must be told, those of each are waited for. */
async function ticketsFor(
  options: DrillOptions,
  failed: readonly string[],
  mustTell: boolean,
): Promise<OpenTicket[]> {
  if (failed.length === 0) return [];
  const tickets = new Map<string, OpenTicket>();
  await until(options, 'each failure had its ticket', async () => {
    const found = await Promise.all(failed.map((id) => openTicketsOf(options, id)));
    for (const ticket of found.flat()) tickets.set(ticket.id, ticket);
    return !mustTell || found.every((list) => list.length > 0);
  });
  options.progress.note(
    `${counted(failed.length, 'execution')} failed, told by ${counted(tickets.size, 'ticket')}.`,
  );
  return [...tickets.values()];
}

/** Whether everything rests, and the audit table still believes that a file is on its way. */
async function isAnythingLost({ deployment, files }: DrillOptions): Promise<boolean> {
  const states = await deployment.states(files.map(({ fileId }) => fileId));
  return files.some(({ fileId }) =>
    ['RECEIVED', 'PROCESSING_INITIATED', undefined].includes(states.get(fileId)?.status),
  );
}

/** Lets the reconciliation find what was lost. */
async function findLost(options: DrillOptions): Promise<void> {
  options.progress.note('Some files rest without an outcome: events were lost.');
  // As everything rests, nothing is merely late.
  await millrace(options, 'reconcile', '--grace-minutes', '0');
  await until(options, 'what was lost had been repaired', isAtRest);
}

/** Runs the command line, and shows what it says. */
async function millrace(options: DrillOptions, ...args: string[]): Promise<void> {
  const { root, runtime, progress, signal } = options;
  progress.note(`npx millrace ${args.join(' ')}`);
  const child = spawn(process.execPath, [join(root, 'bin', 'millrace.mjs'), ...args], {
    cwd: root,
    env: { ...process.env, AWS_ENDPOINT_URL: runtime.endpoint },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const show = (text: string) => {
    for (const line of text.trimEnd().split('\n')) progress.note(`  ${line}`);
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', show);
  let status: number | undefined;
  child.once('error', () => {
    status = -1;
  });
  child.once('close', (code) => {
    status = code ?? -1;
  });
  await until(options, 'the command had ended', () => status !== undefined);
  // 1 is what it answers when something is still not as it should be: whether that lasts is asked afterwards.
  if (status !== 0 && status !== 1) throw new DrillFailed(`the command ended with exit status ${status}.`);
}

/** Whether every file has the outcome that it should have. */
async function isHome({ deployment, files, progress }: DrillOptions): Promise<boolean> {
  const states = await deployment.states(files.map(({ fileId }) => fileId));
  for (const { fileId } of files) progress.show(fileId, states.get(fileId));
  return files.every(({ fileId }) => isDone(states.get(fileId)) && states.get(fileId)?.status !== 'FAILED');
}

/** Whether every desk that was told of a ticket has it as resolved. */
function isOver({ helpDesk }: Runtime, { id }: OpenTicket): boolean {
  const atDesks =
    helpDesk?.tickets().filter(({ externalId }) => externalId?.startsWith(id.slice(0, 32))) ?? [];
  return atDesks.length > 0 && atDesks.every(({ state }) => state === 'resolved');
}

/** Waits for something to come true. While nothing moves, time does: messages and desks may come back late. */
async function until(
  options: DrillOptions,
  what: string,
  isTrue: (scene: Scene) => boolean | Promise<boolean>,
): Promise<void> {
  const { signal, progress } = options;
  const deadline = performance.now() + PATIENCE_MS;
  let still = { since: performance.now(), scene: '', minutes: 2 };
  for (;;) {
    await isHome(options);
    const scene = await sceneOf(options);
    if (await isTrue(scene)) return;
    const now = performance.now();
    if (signal.aborted) throw new DrillFailed('it was stopped.');
    if (now > deadline) {
      throw new DrillFailed(`after ${PATIENCE_MS / 60_000} minutes it was still not so that ${what}.`);
    }
    const told = JSON.stringify(scene);
    if (told !== still.scene || options.runtime.services.lambda.isBusy())
      still = { since: now, scene: told, minutes: 2 };
    if (now - still.since > STILL_MS) {
      progress.note(`Nothing moves: time does, by ${still.minutes} minutes.`);
      skip(options, still.minutes * 60);
      still = { since: now, scene: told, minutes: still.minutes * 2 };
    }
    await pause(POLL_MS, signal);
  }
}

/** Moves the runtime's clock ahead. */
function skip({ runtime }: DrillOptions, seconds: number): void {
  if (runtime.context.clock instanceof MovableClock) runtime.context.clock.jump(seconds * 1000);
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
