import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { RuntimeContext } from '../service.ts';
import type { LambdaFunction } from './function.ts';
import { PLATFORM_LOGS, type PlatformLog } from './platform-log.ts';

export interface Invocation {
  readonly requestId: string;
  /** JSON. */
  readonly payload: string;
  /** X-Ray header, `Root=…;Parent=…;Sampled=…`. */
  readonly traceId: string;
  /** Decoded client context. */
  readonly clientContext?: unknown;
}

export interface InvocationResult {
  /** JSON: what the handler returned, or the error. */
  readonly payload: string;
  readonly failed: boolean;
  readonly durationMs: number;
  /** Log lines of the invocation. */
  readonly lines: readonly string[];
}

/** What the child process says, as {@link file://./bootstrap.mjs} writes it. `fatal` is its last word. */
const frameSchema = z.object({
  kind: z.enum(['ready', 'response', 'error', 'fatal']),
  payload: z.string(),
  /** Resident memory in bytes. */
  memory: z.number(),
});
type Frame = z.infer<typeof frameSchema>;

const BOOTSTRAP = fileURLToPath(new URL('bootstrap.mjs', import.meta.url));
const MEGABYTE = 1024 * 1024;
/** Share of the memory that Lambda's own Node runtime gives to the heap. */
const HEAP_SHARE = 0.9;
/** Lambda gives initialisation 10 s and, where that is not enough, begins again with the function's time-out. */
const INIT_TIMEOUT_MS = 10_000;
/** What must be said of an invocation that can no longer say it itself. */
const EXIT_WORDS: Readonly<Record<string, string>> = {
  // V8 aborts a process whose heap is full, where Lambda's sandbox kills it.
  SIGABRT: 'Runtime exited with error: signal: killed',
  SIGKILL: 'Runtime exited with error: signal: killed',
  SIGSEGV: 'Runtime exited with error: signal: segmentation fault',
};

/**
 * One execution environment: a process that has loaded the function and runs one invocation at a time. It lives in the
 * machine's time, for so does the code that runs in it; a clock that has jumped ahead takes the function's dates along.
 */
export class Environment {
  readonly fn: LambdaFunction;
  /** Settles when the handler is loaded, or cannot be. */
  readonly started: Promise<void>;
  /** Settles when the process is gone. */
  readonly exited: Promise<void>;
  readonly #context: RuntimeContext;
  readonly #child: ChildProcess;
  readonly #stream: string;
  readonly #platformLog: PlatformLog;
  #isAlive = true;
  /** The answer to every invocation of an environment that could not start. */
  #initFailure: string | undefined;
  #initMs: number | undefined;
  #lines: string[] = [];
  #partialLine = '';
  #onFrame: (frame: Frame) => void = () => {};
  #onExit: (words: string) => void = () => {};

  constructor(context: RuntimeContext, fn: LambdaFunction, directory: string) {
    this.fn = fn;
    this.#context = context;
    const day = new Date(context.clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
    this.#stream = `${day}/[$LATEST]${randomBytes(16).toString('hex')}`;
    this.#platformLog = PLATFORM_LOGS[fn.logFormat];
    this.#child = fork(BOOTSTRAP, {
      cwd: directory,
      env: environmentVariables(context, fn, directory, this.#stream),
      execArgv: [
        `--max-old-space-size=${Math.floor(fn.memoryMb * HEAP_SHARE)}`,
        // A dozen of these share a laptop: what an invocation leaves behind is collected early, at no measurable cost.
        '--max-semi-space-size=2',
      ],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.exited = promise;
    this.#child.once('error', (error) => this.#ended(error.message, resolve));
    // `close` comes after the last output, `exit` may come before it.
    this.#child.once('close', (code, signal) => this.#ended(exitWords(code, signal), resolve));
    this.#child.on('disconnect', () => {});
    this.started = this.#start();
  }

  /** Whether it can take another invocation. */
  get isAlive(): boolean {
    return this.#isAlive && this.#initFailure === undefined;
  }

  /** Runs the handler. Never rejects: what goes wrong is the function's error. */
  async invoke(invocation: Invocation): Promise<InvocationResult> {
    const { requestId } = invocation;
    const began = performance.now();
    this.#lines = [];
    this.#log(this.#platformLog.start(requestId));
    const frame = await this.#answer(invocation);
    const durationMs = performance.now() - began;
    const report = {
      requestId,
      durationMs,
      memoryMb: this.fn.memoryMb,
      usedMb: Math.ceil(frame.memory / MEGABYTE),
      initMs: this.#initMs,
      failed: frame.kind !== 'response',
    };
    for (const line of this.#platformLog.end(report)) this.#log(line);
    this.#initMs = undefined;
    return { payload: frame.payload, failed: report.failed, durationMs, lines: this.#lines };
  }

  kill(): void {
    this.#isAlive = false;
    this.#child.kill('SIGKILL');
  }

  async #start(): Promise<void> {
    const began = performance.now();
    const limit = Math.max(INIT_TIMEOUT_MS, this.fn.timeoutSeconds * 1000);
    const frame = await this.#nextFrame(limit, () =>
      sandboxError('Sandbox.Timedout', `Error: Init timed out after ${(limit / 1000).toFixed(2)} seconds`),
    );
    this.#initMs = performance.now() - began;
    if (frame.kind !== 'ready') this.#initFailure = frame.payload;
  }

  #answer(invocation: Invocation): Frame | Promise<Frame> {
    if (this.#initFailure !== undefined) return { kind: 'error', payload: this.#initFailure, memory: 0 };
    const { requestId } = invocation;
    const { timeoutSeconds, arn } = this.fn;
    const frame = this.#nextFrame(
      timeoutSeconds * 1000,
      () => {
        const words = `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
        this.#log(`${new Date(this.#context.clock.now()).toISOString()} ${requestId} ${words}`);
        return sandboxError('Sandbox.Timedout', `RequestId: ${requestId} Error: ${words}`);
      },
      requestId,
    );
    const { ahead = 0 } = this.#context.clock;
    this.#child.send({ ...invocation, functionArn: arn, timeoutMs: timeoutSeconds * 1000, ahead }, () => {
      // A process that is gone says so by itself.
    });
    return frame;
  }

  /** The next thing that happens: the process answers, ends, or has no time left and is killed. */
  #nextFrame(limitMs: number, timedOut: () => string, requestId?: string): Promise<Frame> {
    return new Promise((resolve) => {
      const settle = (frame: Frame) => {
        clearTimeout(timer);
        this.#onFrame = () => {};
        this.#onExit = () => {};
        resolve(frame);
      };
      const timer = setTimeout(() => {
        settle({ kind: 'fatal', payload: timedOut(), memory: 0 });
        this.kill();
      }, limitMs);
      this.#onFrame = settle;
      this.#onExit = (words) => {
        const prefix = requestId ? `RequestId: ${requestId} ` : '';
        const payload = sandboxError('Runtime.ExitError', `${prefix}Error: ${words}`);
        settle({ kind: 'fatal', payload, memory: 0 });
      };
      if (!this.#isAlive) this.#onExit('Runtime exited without providing a reason');
    });
  }

  #ended(words: string, exited: () => void): void {
    this.#isAlive = false;
    if (this.#partialLine) this.#log(this.#partialLine);
    this.#partialLine = '';
    this.#onExit(words);
    exited();
  }

  #read(text: string): void {
    const lines = (this.#partialLine + text).split('\n');
    this.#partialLine = lines.pop() ?? '';
    for (const line of lines) {
      const mark = line.indexOf('\0');
      const words = mark < 0 ? line : line.slice(0, mark);
      if (words) this.#log(words);
      if (mark < 0) continue;
      const frame = frameSchema.parse(JSON.parse(line.slice(mark + 1)));
      if (frame.kind === 'fatal') this.#isAlive = false;
      this.#onFrame(frame);
    }
  }

  #log(line: string): void {
    this.#lines.push(line);
    this.#context.log(this.fn.logGroup, this.#stream, line);
  }
}

function exitWords(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal) return EXIT_WORDS[signal] ?? `Runtime exited with error: signal: ${signal}`;
  return code === 0
    ? 'Runtime exited without providing a reason'
    : `Runtime exited with error: exit status ${code}`;
}

/** What Lambda answers for a process that was killed under an invocation. */
export function killedResult(requestId: string): InvocationResult {
  const payload = sandboxError('Runtime.ExitError', `RequestId: ${requestId} Error: ${EXIT_WORDS.SIGKILL}`);
  return { payload, failed: true, durationMs: 0, lines: [] };
}

function sandboxError(errorType: string, errorMessage: string): string {
  return JSON.stringify({ errorType, errorMessage });
}

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html; nothing of this process's own leaks in. */
function environmentVariables(
  context: RuntimeContext,
  fn: LambdaFunction,
  directory: string,
  stream: string,
): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = context.credentialsFor(fn.roleArn, fn.name);
  return {
    PATH: process.env.PATH ?? '',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    MILLRACE_COMPILE_CACHE: join(context.dataDir, 'lambda', 'compile-cache'),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    ...fn.variables,
    AWS_REGION: context.region,
    AWS_DEFAULT_REGION: context.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${fn.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: fn.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(fn.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: fn.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: stream,
    AWS_LAMBDA_LOG_FORMAT: fn.logFormat,
    ...(fn.logLevel && { AWS_LAMBDA_LOG_LEVEL: fn.logLevel }),
    _HANDLER: fn.handler,
    LAMBDA_TASK_ROOT: directory,
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_ENDPOINT_URL: context.endpoint,
  };
}
