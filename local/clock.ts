/** The only source of time in the local runtime, so that tests can move it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `callback` once after `ms` milliseconds of this clock; the returned function cancels it. */
  after(ms: number, callback: () => void): () => void;
  /** Milliseconds by which it is ahead of the machine's clock, if it is one that runs like it. */
  readonly ahead?: number;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. Timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    let timer: NodeJS.Timeout;
    const arm = (left: number) => {
      timer = setTimeout(
        () => (left > LONGEST_TIMER_MS ? arm(left - LONGEST_TIMER_MS) : callback()),
        Math.min(left, LONGEST_TIMER_MS),
      );
      timer.unref();
    };
    arm(Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};

/** The machine's clock, which can jump ahead; timers that are due by then fire at once, in order of their time. */
export class MovableClock implements Clock {
  #ahead = 0;
  readonly #timers = new Set<{ at: number; fire: () => void; disarm: () => void }>();

  get ahead(): number {
    return this.#ahead;
  }

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  after(ms: number, callback: () => void): () => void {
    const fire = () => {
      this.#timers.delete(timer);
      callback();
    };
    const timer = { at: this.now() + Math.max(0, ms), fire, disarm: systemClock.after(ms, fire) };
    this.#timers.add(timer);
    return () => {
      timer.disarm();
      this.#timers.delete(timer);
    };
  }

  /** @param ms 0 or more: AWS's time never runs backwards */
  jump(ms: number): void {
    if (ms < 0) throw new RangeError('A clock jumps ahead only.');
    // Time is told in whole milliseconds.
    this.#ahead += Math.round(ms);
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
      timer.disarm();
      timer.disarm = systemClock.after(timer.at - this.now(), timer.fire);
    }
  }
}

/** A clock that stands still until it is moved; due timers fire in order of their time. */
export class ManualClock implements Clock {
  #now: number;
  #timers: { at: number; order: number; callback: () => void }[] = [];
  #order = 0;

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    // Whole, as the machine's: timers with jitter end between two milliseconds.
    return Math.floor(this.#now);
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time forward; between timers, pending promises get to run. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await new Promise(setImmediate);
      const due = this.#timers
        .filter((t) => t.at <= until)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = until;
    await new Promise(setImmediate);
  }

  /** Moves time forward at once: what was due meanwhile fires now, and only what it asks for then comes after it. */
  async leap(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }
}
