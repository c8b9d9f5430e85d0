import { cpus } from 'node:os';

/** A shorter stretch than this, in milliseconds, says little: the kernel counts in ticks of 10 ms. */
const LEAST_MS = 50;

/** How much of the machine's processors nobody used lately. */
export class SpareTime {
  #since = performance.now();
  #idle = idleMs();
  #processors = 0;

  /** Processors that were idle, on average, since the last look; on two cores 0 to 2. */
  processors(): number {
    const now = performance.now();
    if (now - this.#since < LEAST_MS) return this.#processors;
    const idle = idleMs();
    this.#processors = (idle - this.#idle) / (now - this.#since);
    this.#since = now;
    this.#idle = idle;
    return this.#processors;
  }
}

const idleMs = () => cpus().reduce((sum, { times }) => sum + times.idle, 0);
