import { ENTRY_BYTES } from './keys.ts';

/** Bytes that all runs together keep in memory. */
const MEMORY_BYTES = 64 * 1024 * 1024;
const HASH_BYTES = ENTRY_BYTES - 8;

/** A sorted run of key hashes of a chunk. */
export interface Run {
  readonly chunk: number;
  readonly bytes: number;
  /** Bytes from `start` until before `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Reads a run from its beginning to its end, one block in memory. */
class Cursor {
  readonly chunk: number;
  readonly #run: Run;
  readonly #blockBytes: number;
  #block = Buffer.alloc(0);
  #at = 0;
  #next = 0;

  constructor(run: Run, blockBytes: number) {
    this.chunk = run.chunk;
    this.#run = run;
    this.#blockBytes = blockBytes;
  }

  /** Goes to the next entry; false at the end. Waits only where a block has to be read. */
  advance(): boolean | Promise<boolean> {
    this.#at += ENTRY_BYTES;
    if (this.#at < this.#block.length) return true;
    return this.#next < this.#run.bytes ? this.#read() : false;
  }

  async #read(): Promise<boolean> {
    const end = Math.min(this.#next + this.#blockBytes, this.#run.bytes);
    this.#block = Buffer.from(await this.#run.read(this.#next, end));
    this.#next = end;
    this.#at = 0;
    return true;
  }

  get line(): number {
    return this.#block.readDoubleBE(this.#at + HASH_BYTES);
  }

  compareHash(other: Cursor): number {
    return this.#block.compare(
      other.#block,
      other.#at,
      other.#at + HASH_BYTES,
      this.#at,
      this.#at + HASH_BYTES,
    );
  }

  copyHash(into: Buffer): void {
    this.#block.copy(into, 0, this.#at, this.#at + HASH_BYTES);
  }

  hasHash(hash: Buffer): boolean {
    return this.#block.compare(hash, 0, HASH_BYTES, this.#at, this.#at + HASH_BYTES) === 0;
  }
}

/**
 * Merges runs, and answers for each chunk the lines whose key an earlier line of the file has, ascending. Memory is
 * bounded but for the answer, which has eight bytes for each such line.
 */
export async function duplicatesOf(runs: readonly Run[]): Promise<Map<number, Float64Array>> {
  const blockBytes =
    Math.max(1, Math.floor(MEMORY_BYTES / Math.max(1, runs.length) / ENTRY_BYTES)) * ENTRY_BYTES;
  const found = new Map<number, number[]>();
  const heap = new Heap();
  for (const run of runs) {
    const cursor = new Cursor(run, Math.min(blockBytes, 1024 * ENTRY_BYTES * 40));
    if (await cursor.advance()) heap.push(cursor);
  }
  const hash = Buffer.alloc(HASH_BYTES);
  let isFirst = true;
  for (let cursor = heap.top; cursor; cursor = heap.top) {
    // Of equal keys the smallest line comes first, and it stays.
    if (!isFirst && cursor.hasHash(hash)) {
      const lines = found.get(cursor.chunk) ?? [];
      lines.push(cursor.line);
      found.set(cursor.chunk, lines);
    } else {
      cursor.copyHash(hash);
    }
    isFirst = false;
    const more = cursor.advance();
    heap.sink(more === true || (more !== false && (await more)));
  }
  return new Map([...found].map(([chunk, lines]) => [chunk, Float64Array.from(lines).sort()]));
}

/** Cursors by hash, then by line. */
class Heap {
  readonly #items: Cursor[] = [];

  get top(): Cursor | undefined {
    return this.#items[0];
  }

  push(cursor: Cursor): void {
    this.#items.push(cursor);
    for (let at = this.#items.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Finds the place of the top, which has changed; or takes it out when it has nothing more. */
  sink(hasMore: boolean): void {
    if (!hasMore) {
      const last = this.#items.pop();
      if (last === undefined || this.#items.length === 0) return;
      this.#items[0] = last;
    }
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.#items.length && this.#isBefore(child, least)) least = child;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#items[i], this.#items[j]];
    if (!a || !b) return false;
    const order = a.compareHash(b);
    return order < 0 || (order === 0 && a.line < b.line);
  }

  #swap(i: number, j: number): void {
    const [a, b] = [this.#items[i], this.#items[j]];
    if (a && b) [this.#items[i], this.#items[j]] = [b, a];
  }
}
