import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** The millrace command as a process, as `npx millrace` starts it. */
export class Millrace {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #ended: Promise<unknown>;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const { AWS_ENDPOINT_URL: _endpoint, AWS_PROFILE: _profile, ...own } = process.env;
    this.child = spawn(process.execPath, [join(ROOT, 'bin', 'millrace.mjs'), ...args], {
      cwd: ROOT,
      // Where a colleague's own settings would lead is no business of a test.
      env: { ...own, AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.#ended = once(this.child, 'close');
  }

  /** Its exit status, once it has ended; null after a signal. */
  async exit(): Promise<number | null> {
    await this.#ended;
    return this.child.exitCode;
  }

  /** Ends the launcher and what it has started, as a machine that loses power does. */
  kill(): void {
    if (this.child.pid) process.kill(-this.child.pid, 'SIGKILL');
  }
}

/** What a command said, and how it ended. */
export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output, which has to be JSON. */
  json(): unknown;
}

/** Runs a command to its end. */
export async function millrace(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Said> {
  const run = new Millrace(args, env);
  const status = await run.exit();
  const { stdout, stderr } = run;
  return { status, stdout, stderr, json: () => JSON.parse(stdout) };
}
