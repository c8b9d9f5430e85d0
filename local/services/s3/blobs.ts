import { randomUUID } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  unlink,
} from 'node:fs';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hasher } from './checksums.ts';

/** Reads up to this many bytes are answered at once, longer ones as a stream. */
const STREAM_FROM_BYTES = 256 * 1024;

/**
 * Object bytes in files of random names. A file is complete before a row of the metadata names it and is never changed,
 * so the commit of that row is what makes a write atomic; files that no row names are swept at the next start.
 */
export class Blobs {
  readonly #dir: string;

  constructor(dir: string, known: ReadonlySet<string>) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    for (const name of readdirSync(dir)) if (!known.has(name)) rmSync(join(dir, name));
  }

  async write(body: Buffer): Promise<string> {
    const id = randomUUID();
    await writeFile(join(this.#dir, id), body, { flag: 'wx' });
    return id;
  }

  /** One blob of several, in order; `hasher` sees the bytes as they pass. */
  async concatenate(ids: readonly string[], hasher?: Pick<Hasher, 'update'>): Promise<string> {
    const id = randomUUID();
    const target = await open(join(this.#dir, id), 'wx');
    try {
      for (const part of ids)
        for await (const chunk of createReadStream(join(this.#dir, part), { highWaterMark: 1 << 20 })) {
          hasher?.update(chunk);
          await target.writeFile(chunk);
        }
    } catch (error) {
      await rm(join(this.#dir, id), { force: true });
      throw error;
    } finally {
      await target.close();
    }
    return id;
  }

  /** Bytes `start` to `end` (inclusive). Opens the file at once, so that a delete in between cannot take it away. */
  read(id: string, start: number, end: number): Buffer | NodeJS.ReadableStream {
    const length = end - start + 1;
    if (length <= 0) return Buffer.alloc(0);
    const fd = openSync(join(this.#dir, id), 'r');
    if (length > STREAM_FROM_BYTES) return createReadStream('', { fd, start, end });
    try {
      const buffer = Buffer.allocUnsafe(length);
      readSync(fd, buffer, 0, length, start);
      return buffer;
    } finally {
      closeSync(fd);
    }
  }

  async readAll(id: string, start: number, end: number): Promise<Buffer> {
    const content = this.read(id, start, end);
    if (Buffer.isBuffer(content)) return content;
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  }

  /** Forgets blobs that no row names any more; what fails is swept at the next start. */
  remove(ids: Iterable<string>): void {
    for (const id of ids) unlink(join(this.#dir, id), () => {});
  }
}
