import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Section } from './section.ts';
import { spreadOf } from './statistics.ts';

const CACHED_RUNS = 5;
const UNCACHED_RUNS = 3;
const AIM_S = 5;

/** From `npm start` of an installed checkout to its line "Ready". */
export const startup: Section = async ({ root, say }) => {
  say(`startup: ${UNCACHED_RUNS} starts with synthesis, ${CACHED_RUNS} without`);
  const uncached = await startsOf(root, UNCACHED_RUNS, () =>
    rmSync(join(root, 'cdk.out', '.inputs'), { force: true }),
  );
  const cached = await startsOf(root, CACHED_RUNS, () => {});
  const figure = (what: string, seconds: readonly number[]) => {
    const { median, min, max, count } = spreadOf(seconds);
    const spread = `${min.toFixed(2)} to ${max.toFixed(2)}, n=${count}`;
    return { what, value: median, unit: 's', aim: AIM_S, spread };
  };
  return {
    figures: [
      figure('npm start to ready, synthesised before', cached),
      figure('npm start to ready, with synthesis', uncached),
    ],
    details: { cached, uncached },
  };
};

async function startsOf(root: string, count: number, prepare: () => void): Promise<number[]> {
  const seconds: number[] = [];
  for (let i = 0; i < count; i++) {
    prepare();
    seconds.push(await secondsToReady(root));
  }
  return seconds;
}

async function secondsToReady(root: string): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const began = performance.now();
  // A group of its own, so that npm and everything below it can be ended together.
  const npm = spawn('npm', ['start', '--silent', '--', '--port', '0', '--data', data], {
    cwd: root,
    detached: true,
  });
  const gone = new Promise<void>((resolve) => npm.once('close', () => resolve()));
  try {
    let output = '';
    return await new Promise((resolve, reject) => {
      const read = (chunk: Buffer) => {
        output += chunk;
        if (/^Ready after/m.test(output)) resolve((performance.now() - began) / 1000);
      };
      npm.stdout.on('data', read);
      npm.stderr.on('data', read);
      npm.once('close', () => reject(new Error(`npm start ended:\n${output}`)));
    });
  } finally {
    if (npm.pid && npm.exitCode === null) process.kill(-npm.pid, 'SIGTERM');
    await gone;
    rmSync(data, { recursive: true, force: true });
  }
}
