import type { RawRow } from './types.ts';

/** Makes rows of blocks; what it gives is its own no longer. */
export interface RowReader {
  /** @param last whether nothing comes after it */
  push(block: Buffer, last: boolean): RawRow[];
}

/** A reader by a scanner that puts the rows it finds into a list, which is emptied after each block. */
export function readerOf(scanner: { push(block: Buffer, last: boolean): void }, rows: RawRow[]): RowReader {
  return {
    push(block, last) {
      scanner.push(block, last);
      return rows.splice(0);
    },
  };
}
