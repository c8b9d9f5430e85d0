import { parquetMetadataAsync } from 'hyparquet';
import { inLanes } from '../shared/lanes.ts';
import type { PublishedPart } from '../shared/publication.ts';
import type { ChunkResult } from './contract.ts';
import { QualityMismatch } from './errors.ts';
import type { Shelf } from './work.ts';

/** Parts that are looked at at once. */
const LANES = 10;

/**
 * Reads the parts of a file back: each has the size and the rows that were counted when it was written, and every row
 * that was read is in a part or in quarantine.
 * @throws QualityMismatch
 */
export async function checkQuality(results: readonly ChunkResult[], shelf: Shelf): Promise<void> {
  for (const { chunk, rowsRead, rows, quarantined, parts } of results) {
    const inParts = parts.reduce((sum, part) => sum + part.rows, 0);
    if (rowsRead !== rows + quarantined || rows !== inParts)
      throw new QualityMismatch(
        `Of ${rowsRead} rows of part ${chunk.n}, ${rows} were accepted, ${quarantined} quarantined, and ${inParts} written.`,
      );
  }
  await inLanes(
    LANES,
    results.flatMap(({ parts }) => parts),
    (part) => checkPart(part, shelf),
  );
}

async function checkPart({ key, rows, bytes }: PublishedPart, shelf: Shelf): Promise<void> {
  const slice = async (start: number, end = bytes) => {
    const found = await shelf.read(key, { start, end });
    if (!found) throw new QualityMismatch(`${key} is gone.`);
    if (found.byteLength !== end - start) throw new QualityMismatch(`${key} is shorter than ${bytes} bytes.`);
    return new Uint8Array(found).buffer;
  };
  const metadata = await parquetMetadataAsync({ byteLength: bytes, slice });
  if (Number(metadata.num_rows) !== rows)
    throw new QualityMismatch(`${key} has ${metadata.num_rows} rows, and ${rows} were written.`);
}
