import { blocks } from './blocks.ts';
import { RecordScanner } from './record-scanner.ts';
import type { Detected, Part } from './types.ts';

/**
 * Cuts an uncompressed CSV or JSON Lines file between records, in one pass over its bytes: the rows of the parts, one
 * after another, are the rows of the file.
 *
 * @param partBytes size that a part has at least, the last one excepted
 */
export async function splitPoints(
  bytes: AsyncIterable<Uint8Array>,
  detected: Detected,
  partBytes: number,
): Promise<Part[]> {
  const { format, compression, lineEnd, delimiter } = detected;
  if (compression !== 'none' || (format !== 'csv' && format !== 'jsonl')) {
    throw new RangeError(`A ${format} file (compression: ${compression}) cannot be cut into parts.`);
  }
  const parts: Part[] = [];
  let current = { start: 0, firstLine: 1 };
  let headerAhead = true;
  const startOf = (start: number, line: number) => {
    // The header belongs to the first part, whatever blank lines are before it.
    if (headerAhead) {
      headerAhead = false;
      return;
    }
    const place = scanner.base + start;
    if (place - current.start < partBytes) return;
    parts.push({ ...current, end: place });
    current = { start: place, firstLine: line };
  };
  const scanner = new RecordScanner(
    {
      record: (_window, start, _end, line) => startOf(start, line),
      broken: (_window, start, line) => startOf(start, line),
    },
    { lineEnd, delimiter },
  );
  let size = 0;
  for await (const block of blocks(bytes, { compression })) {
    scanner.push(block, false);
    size += block.length;
  }
  scanner.push(Buffer.alloc(0), true);
  return [...parts, { ...current, end: size }];
}
