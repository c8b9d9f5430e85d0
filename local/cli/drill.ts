import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { BREAKS, type Break, type BreakName } from '../faults/breaks.ts';
import type { Runtime } from '../runtime.ts';
import type { Deployment } from './deployment.ts';
import { pause } from './pause.ts';
import type { Progress } from './progress.ts';
import { isDone, type TrackedFile } from './report.ts';
import { isAtRest, type OpenTicket, openTicketsOf, unfinishedExecutions } from './watch.ts';

/** How long a step may take, milliseconds. Failed loads are tried again for minutes. */
const PATIENCE_MS = 600_000;
const POLL_MS = 300;

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
  try {
    await until(options, 'everything came to rest under the faults', async () => {
      await isHome(options);
      return isAtRest(options);
    });
    const failed = await unfinishedExecutions(options);
    if (failed.length === 0 && breaks.some((name) => (BREAKS[name] as Break).fails)) {
      throw new DrillFailed('nothing has failed; were there files that this break concerns?');
    }
    const tickets = await ticketsFor(options, failed);
    runtime.faults.clear();
    progress.note('The faults are lifted.');
    if (failed.length > 0) await redrive(options);
    await until(options, 'every file had its outcome', () => isHome(options));
    await until(options, 'the tickets were resolved', async () =>
      tickets.every((ticket) => isOver(runtime, ticket)),
    );
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

/** Waits until each failure is a member of an open ticket. */
async function ticketsFor(options: DrillOptions, failed: readonly string[]): Promise<OpenTicket[]> {
  if (failed.length === 0) return [];
  const tickets = new Map<string, OpenTicket>();
  await until(options, 'each failure had its ticket', async () => {
    const found = await Promise.all(failed.map((id) => openTicketsOf(options, id)));
    for (const ticket of found.flat()) tickets.set(ticket.id, ticket);
    return found.every((list) => list.length > 0);
  });
  options.progress.note(
    `${counted(failed.length, 'execution')} failed, told by ${counted(tickets.size, 'ticket')}.`,
  );
  return [...tickets.values()];
}

/** Redrives with the command that a ticket names. */
async function redrive({ root, runtime, progress, signal }: DrillOptions): Promise<void> {
  progress.note('npx millrace redrive --yes');
  const child = spawn(process.execPath, [join(root, 'bin', 'millrace.mjs'), 'redrive', '--yes'], {
    cwd: root,
    env: { ...process.env, AWS_ENDPOINT_URL: runtime.endpoint },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => progress.note(`  ${line}`)),
    );
  }
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  if (code !== 0) throw new DrillFailed(`the redrive ended with exit status ${code}`);
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

async function until({ signal }: DrillOptions, what: string, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await ask())) {
    if (signal.aborted) throw new DrillFailed('it was stopped.');
    if (performance.now() > deadline) {
      throw new DrillFailed(`after ${PATIENCE_MS / 60_000} minutes it was still not so that ${what}.`);
    }
    await pause(POLL_MS, signal);
  }
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
