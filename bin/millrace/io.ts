import { createInterface } from 'node:readline/promises';
import { EXIT, Interrupted, WrongUsage } from './errors.ts';

/** Where a command writes, and how the person stops it. */
export interface Io {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  /** Aborted by Ctrl-C: the command begins nothing new, says how far it came, and ends. */
  readonly signal: AbortSignal;
}

/** Writes a line of a result. */
export const say = ({ stdout }: Io, text: string) => stdout.write(`${text}\n`);

/** Writes a line that is no result: where, how far, what to do next. */
export const note = ({ stderr }: Io, text: string) => stderr.write(`${text}\n`);

/** Writes a result for programs. */
export const json = ({ stdout }: Io, value: unknown) =>
  stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);

/** How often a log that is no terminal is told of progress, milliseconds. */
const LOG_EVERY_MS = 5_000;

/** One line on standard error that tells how far a command is: rewritten on a terminal, now and then in a log. */
export class Progress {
  readonly #io: Io;
  #shown = '';
  #shownAt = 0;

  constructor(io: Io) {
    this.#io = io;
  }

  show(text: string): void {
    if (text === this.#shown) return;
    const { stderr } = this.#io;
    if (stderr.isTTY) stderr.write(`\r\u001b[K${text.slice(0, Math.max(20, (stderr.columns ?? 80) - 1))}`);
    else {
      const now = performance.now();
      if (this.#shown && now - this.#shownAt < LOG_EVERY_MS) return;
      this.#shownAt = now;
      stderr.write(`${text}\n`);
    }
    this.#shown = text;
  }

  /** Takes the line away again. */
  clear(): void {
    if (this.#shown && this.#io.stderr.isTTY) this.#io.stderr.write('\r\u001b[K');
    this.#shown = '';
  }
}

/** Waits; ends early, without an error, when the person stops. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}

/**
 * Whether to go ahead: `--yes`, or the person at a terminal says so. Without either nothing is done, and how to do it
 * is told.
 */
export async function confirm(
  io: Io,
  question: string,
  options: { yes: boolean; json: boolean },
): Promise<boolean> {
  if (options.yes) return true;
  if (options.json || !io.stdin.isTTY || !io.stderr.isTTY) {
    note(io, 'Nothing was done. Add --yes to do it.');
    return false;
  }
  const terminal = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: io.signal });
    if (/^y(es)?$/i.test(answer.trim())) return true;
    note(io, 'Nothing was done.');
    return false;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw new Interrupted('Nothing was done.');
    throw error;
  } finally {
    terminal.close();
  }
}

/** The exit status of work that may have been interrupted. */
export const exitOf = (io: Io, isGood: boolean): number =>
  io.signal.aborted ? EXIT.interrupted : isGood ? EXIT.done : EXIT.notGood;

/**
 * A number that was given as text.
 * @throws WrongUsage
 */
export function wholeNumber(name: string, text: string, range: { min: number; max: number }): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= range.min && value <= range.max) return value;
  throw new WrongUsage(
    `--${name} is "${text}"; it must be a whole number from ${range.min} to ${range.max}.`,
  );
}
