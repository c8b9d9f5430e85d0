import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Lines after which a journal without open entries begins anew. */
const TIDY_AFTER = 1000;

/** Entries that survive the process, in a file of JSON lines: the last line of an id counts. */
export class Journal<Entry> {
  readonly #file: number;
  readonly #open: Map<string, Entry>;
  #lines = 0;

  /** @param parse checks what was read; what a killed process has half written is left out */
  constructor(path: string, parse: (value: unknown) => Entry) {
    mkdirSync(dirname(path), { recursive: true });
    this.#open = existsSync(path) ? read(readFileSync(path, 'utf8'), parse) : new Map();
    const kept = [...this.#open].map(([id, entry]) => line(id, entry)).join('');
    writeFileSync(`${path}.new`, kept);
    renameSync(`${path}.new`, path);
    this.#file = openSync(path, 'a');
  }

  /** Entries that are not done, by id. */
  get open(): ReadonlyMap<string, Entry> {
    return this.#open;
  }

  put(id: string, entry: Entry): void {
    this.#open.set(id, entry);
    this.#append(line(id, entry));
  }

  done(id: string): void {
    this.#open.delete(id);
    this.#append(line(id));
    if (this.#open.size > 0 || this.#lines < TIDY_AFTER) return;
    ftruncateSync(this.#file);
    this.#lines = 0;
  }

  close(): void {
    closeSync(this.#file);
  }

  #append(text: string): void {
    writeSync(this.#file, text);
    this.#lines++;
  }
}

function line(id: string, entry?: unknown): string {
  return `${JSON.stringify({ id, entry })}\n`;
}

function read<Entry>(text: string, parse: (value: unknown) => Entry): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const row of complete.split('\n').filter(Boolean)) {
    const { id, entry } = JSON.parse(row);
    if (entry === undefined) entries.delete(id);
    else entries.set(id, parse(entry));
  }
  return entries;
}
