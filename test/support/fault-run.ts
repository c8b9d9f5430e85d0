import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { isDone } from '../../local/cli/report.ts';
import { MovableClock } from '../../local/clock.ts';
import type { FaultPlan } from '../../local/faults/rules.ts';
import { Account } from './account.ts';
import { picture } from './picture.ts';
import { isTold } from './promises.ts';
import { startTestRuntime, type TestRuntime } from './runtime.ts';
import { switchSchedulesOff } from './schedules.ts';

const SAMPLES = join(import.meta.dirname, '..', '..', 'samples');
/**
 * Seconds after which a message of a killed function comes again, instead of minutes. Shorter than it takes to work on a
 * batch under faults, and messages would come again and again until they are dead letters.
 */
const VISIBILITY_SECONDS = 30;
/** Of the help desk's queue: as in the template, longer than a killed function keeps a ticket to itself. */
const HELP_DESK_SECONDS = 150;

/** A runtime on which something goes wrong. */
export interface FaultRun {
  readonly test: TestRuntime;
  readonly account: Account;
  /** Decides where faults meet by chance. */
  readonly seed: number;
}

/** The seed of `MILLRACE_SEED`, so that a run can be had again. */
export const givenSeed = (): number | undefined => {
  const { MILLRACE_SEED: seed } = process.env;
  return seed === undefined ? undefined : Number(seed);
};

/** Starts the real template, and switches faults on once it is up. */
export async function startFaulty(plan: FaultPlan): Promise<FaultRun> {
  const test = await startTestRuntime({ warn: () => {} });
  const account = new Account(test);
  // What runs by the clock is not of the documents, and would run out of time whenever that is moved.
  await switchSchedulesOff(test);
  for (const { url } of await account.queues()) {
    if (/DeadLetters/i.test(url)) continue;
    const seconds = /HelpDesk/.test(url) ? HELP_DESK_SECONDS : VISIBILITY_SECONDS;
    const Attributes = { VisibilityTimeout: String(seconds) };
    await account.sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
  }
  // What the start itself sent was received under the longer time.
  await account.drained();
  test.runtime.faults.set({ seed: givenSeed(), ...plan });
  return { test, account, seed: test.runtime.faults.report().seed };
}

/** How long nothing may move before time does, milliseconds. */
const STILL_MS = 4_000;

/** Waits until nothing is under way. Where messages only wait to be shown again, time is moved. */
export async function rest({ test, account }: FaultRun, seconds?: number): Promise<void> {
  const { clock } = test.runtime.context;
  let still = { since: performance.now(), scene: '' };
  const look = async () => {
    const scene = JSON.stringify(await account.queues());
    const now = performance.now();
    // A function at work may move nothing for long, where processors are few.
    if (scene !== still.scene || test.runtime.services.lambda.isBusy()) still = { since: now, scene };
    else if (now - still.since > STILL_MS && clock instanceof MovableClock) {
      clock.jump(VISIBILITY_SECONDS * 1000);
      still = { since: now, scene: '' };
    }
  };
  const looking = setInterval(() => void look().catch(() => {}), STILL_MS / 4);
  await account.rested(seconds).finally(() => clearInterval(looking));
}

/** Drops so many texts, and of pictures, PDFs and refused files a few; answers the outcome that each should have. */
export async function dropMixture({ test }: FaultRun, texts: number): Promise<Map<string, string>> {
  const files: [key: string, body: string | Buffer, outcome: string][] = [
    ...Array.from({ length: texts }, (_, i): [string, string, string] => [
      `documents/faults/${i}.txt`,
      `Order ${i} came in time. Thank you for the good work.`,
      'SUCCEEDED',
    ]),
    ['documents/faults/one.png', picture('Thank you for the lamp'), 'SUCCEEDED'],
    ['documents/faults/two.png', picture('The lamp was broken'), 'SUCCEEDED'],
    ['documents/faults/invoice.pdf', readFileSync(join(SAMPLES, 'invoice.pdf')), 'SUCCEEDED'],
    ['documents/faults/empty.txt', '', 'REJECTED'],
    ['documents/faults/broken.pdf', '%PDF-1.7 and then nothing', 'REJECTED'],
  ];
  const ids = await Promise.all(files.map(([key, body]) => test.drop(key, body)));
  return new Map(ids.map((id, i) => [id, files[i]?.[2] ?? '']));
}

const MILLRACE = join(import.meta.dirname, '..', '..', 'bin', 'millrace.mjs');

/** Runs the command line against the runtime; answers what it printed. */
export async function millrace({ test }: FaultRun, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [MILLRACE, ...args], {
    env: { ...process.env, AWS_ENDPOINT_URL: test.runtime.endpoint },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, problems] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (child.exitCode === null) await once(child, 'exit');
  return `${out}${problems}`;
}

/** Rounds of repair after which nothing new can be hoped for. */
const ROUNDS = 4;

/**
 * Ends the faults and does what a person does then, until every file has an outcome other than failed and is loaded:
 * redrive what failed, and let the reconciliation find what was lost.
 */
export async function bringHome(run: FaultRun, ids: readonly string[]): Promise<void> {
  const { test, account } = run;
  test.runtime.faults.clear();
  for (let round = 1; round <= ROUNDS; round++) {
    await rest(run);
    const states = await test.deployment.states(ids);
    const away = ids.filter((id) => !isDone(states.get(id)) || states.get(id)?.status === 'FAILED');
    const dead = (await account.queues()).filter(
      ({ url, messages }) => /DeadLetters/i.test(url) && messages > 0,
    );
    if (away.length === 0 && dead.length === 0) return letTicketsEnd(run);
    await millrace(run, 'reconcile', '--grace-minutes', '0');
    await rest(run);
    await millrace(run, 'redrive', '--yes');
  }
  await test.settled(ids);
  await letTicketsEnd(run);
}

/** Jumps of ten minutes after which the help desk should have come back to everything that it put off. */
const JUMPS = 12;

/** Moves time until the help desk has nothing left to tell: it tells less and less often of what comes and goes. */
async function letTicketsEnd({ test, account }: FaultRun): Promise<void> {
  for (let jump = 0; jump < JUMPS; jump++) {
    const waiting = (await account.queues()).filter(
      ({ url, messages }) => /HelpDesk/.test(url) && messages > 0,
    );
    if (waiting.length === 0 && (await isTold(test, account))) return;
    test.runtime.faults.set([{ fault: 'clock', seconds: 600 }]);
    await account.until('a moment for the help desk', () => isTold(test, account), 10).catch(() => {});
  }
}
