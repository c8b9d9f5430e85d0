/** Random access to the bytes of an object of known size, in memory or by ranges. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Bytes from `start`; fewer than `length` at the end, none beyond it. */
  read(start: number, length: number): Promise<Buffer>;
}

export function inMemory(bytes: Buffer): ByteSource {
  return {
    size: bytes.length,
    read: async (start, length) => bytes.subarray(Math.max(0, start), Math.max(0, start) + length),
  };
}

/** Bytes that a range request asks for: large enough that a reader of small structures makes few requests. */
const BLOCK_BYTES = 1024 * 1024;
const KEPT_BLOCKS = 24;

/**
 * An object read in blocks of 1 MiB, the last 24 of which are kept.
 * @param fetch bytes from `start` up to and including `end`
 */
export function byRanges(size: number, fetch: (start: number, end: number) => Promise<Buffer>): ByteSource {
  const blocks = new Map<number, Buffer>();
  const block = async (index: number): Promise<Buffer> => {
    const start = index * BLOCK_BYTES;
    const bytes = blocks.get(index) ?? (await fetch(start, Math.min(size, start + BLOCK_BYTES) - 1));
    // Most recently used last.
    blocks.delete(index);
    blocks.set(index, bytes);
    const [oldest] = blocks.keys();
    if (blocks.size > KEPT_BLOCKS && oldest !== undefined) blocks.delete(oldest);
    return bytes;
  };
  return {
    size,
    async read(start, length) {
      const from = Math.max(0, start);
      const to = Math.min(size, from + length);
      const parts: Buffer[] = [];
      for (let at = from; at < to; ) {
        const index = Math.floor(at / BLOCK_BYTES);
        const offset = at - index * BLOCK_BYTES;
        const part = (await block(index)).subarray(offset, offset + to - at);
        if (part.length === 0) break;
        parts.push(part);
        at += part.length;
      }
      return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    },
  };
}
