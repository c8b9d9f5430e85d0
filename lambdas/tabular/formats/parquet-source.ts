import type { AsyncBuffer } from 'hyparquet';
import { WrongSize } from './parquet-codecs.ts';
import { UnreadableFile } from './types.ts';

/** A range could not be fetched: not the file's fault. */
class SourceFailed extends Error {
  override readonly name = 'SourceFailed';
}

/** The file, of which no range is asked for that it cannot have, or that would not fit into memory. */
export function limited(source: AsyncBuffer, maxBytes: number): AsyncBuffer {
  return {
    byteLength: source.byteLength,
    async slice(start, end = source.byteLength) {
      if (!(start >= 0 && start <= end && end <= source.byteLength)) {
        throw new WrongSize('it points beyond its end');
      }
      if (end - start > maxBytes) throw new WrongSize(`it asks for ${end - start} bytes at once`);
      try {
        return await source.slice(start, end);
      } catch (cause) {
        throw new SourceFailed('A range could not be fetched.', { cause });
      }
    },
  };
}

/** The file, of which each range is fetched once and kept. */
export function keeping(file: AsyncBuffer): AsyncBuffer {
  const kept = new Map<string, Promise<ArrayBuffer>>();
  return {
    byteLength: file.byteLength,
    slice(start, end) {
      const range = `${start}-${end}`;
      const bytes = kept.get(range) ?? Promise.resolve(file.slice(start, end));
      kept.set(range, bytes);
      return bytes;
    },
  };
}

/**
 * Runs what reads a limited file: what fails is the file's fault, unless a range could not be fetched.
 *
 * @throws UnreadableFile, or what the source threw
 */
export async function blame<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SourceFailed) throw error.cause;
    if (error instanceof UnreadableFile) throw error;
    throw new UnreadableFile(
      'CORRUPT_FILE',
      `The Parquet file is damaged or was cut off (${error instanceof Error ? error.message : error}). Write it anew, and send it again.`,
      { cause: error },
    );
  }
}
