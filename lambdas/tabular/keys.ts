import { hash } from 'node:crypto';
import type { Dataset } from '../../datasets/dataset.ts';
import type { Row } from '../shared/dataset/values.ts';

/** 32-bit words of a key's hash: at 128 bits, two of a billion keys are the same by chance once in 10^20 files. */
const WORDS = 4;
/** Bytes of an entry of a run: the hash, and the line as a 64-bit float. */
export const ENTRY_BYTES = WORDS * 4 + 8;
/** Keys of one run, about 85 MB with the table that finds them. */
const MOST_KEYS = 2 ** 21;

/**
 * The keys of rows, in bounded memory: when it is full it is written down sorted, as a run, and emptied. Within a run
 * it finds duplicates by itself; those of different runs and chunks are found by merging the runs.
 */
export class KeyRun {
  readonly #columns: readonly number[];
  readonly #most: number;
  #words = new Uint32Array(WORDS * 1024);
  #lines = new Float64Array(1024);
  #slots = new Int32Array(4096).fill(-1);
  #size = 0;

  constructor(dataset: Dataset, most = MOST_KEYS) {
    this.#columns = dataset.key.map((name) => dataset.columns.findIndex((column) => column.name === name));
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#most;
  }

  /** Adds the key of a row; answers false when an earlier row of the run has it. */
  add(row: Row, line: number): boolean {
    const digest = hash('sha256', this.#textOf(row), 'buffer');
    if (this.#size * WORDS === this.#words.length) this.#grow();
    const at = this.#size * WORDS;
    for (let i = 0; i < WORDS; i++) this.#words[at + i] = digest.readUInt32BE(i * 4);
    const slot = this.#find(this.#size);
    if (slot < 0) return false;
    this.#slots[slot] = this.#size;
    this.#lines[this.#size] = line;
    this.#size += 1;
    return true;
  }

  /** The entries, sorted by hash, and begins anew. */
  take(): Uint8Array {
    const order = Uint32Array.from({ length: this.#size }, (_, i) => i).sort((a, b) => this.#compare(a, b));
    const bytes = Buffer.allocUnsafe(this.#size * ENTRY_BYTES);
    order.forEach((entry, i) => {
      for (let word = 0; word < WORDS; word++)
        bytes.writeUInt32BE(this.#words[entry * WORDS + word] ?? 0, i * ENTRY_BYTES + word * 4);
      bytes.writeDoubleBE(this.#lines[entry] ?? 0, i * ENTRY_BYTES + WORDS * 4);
    });
    this.#size = 0;
    this.#slots.fill(-1);
    return bytes;
  }

  /** The key as a text that no other key has. */
  #textOf(row: Row): string {
    let text = '';
    for (const column of this.#columns) {
      const value = row[column];
      const part = value instanceof Date ? value.toISOString() : String(value);
      text += `${part.length}:${part}`;
    }
    return text;
  }

  /** The free slot of an entry, or -1 when its key is there. */
  #find(entry: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = (this.#words[entry * WORDS] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      const other = this.#slots[slot] ?? -1;
      if (other === -1) return slot;
      if (this.#compare(other, entry) === 0) return -1;
    }
  }

  #compare(a: number, b: number): number {
    for (let i = 0; i < WORDS; i++) {
      const difference = (this.#words[a * WORDS + i] ?? 0) - (this.#words[b * WORDS + i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #grow(): void {
    const words = new Uint32Array(this.#words.length * 2);
    words.set(this.#words);
    const lines = new Float64Array(this.#lines.length * 2);
    lines.set(this.#lines);
    this.#words = words;
    this.#lines = lines;
    this.#slots = new Int32Array(this.#lines.length * 2).fill(-1);
    for (let entry = 0; entry < this.#size; entry++) this.#slots[this.#find(entry)] = entry;
  }
}
