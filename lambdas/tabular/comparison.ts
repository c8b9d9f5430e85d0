import type { Dataset } from '../../datasets/dataset.ts';
import type { Reason } from '../shared/contract.ts';
import { againName, runName } from './chunk.ts';
import { filesOf } from './columns.ts';
import type { Chunk, ChunkResult, RowCounts } from './contract.ts';
import { duplicatesOf, type Run } from './merge.ts';
import { refuse } from './reasons.ts';
import type { Compared, TabularFile } from './schemas.ts';
import type { Shelf } from './work.ts';

/** Sums over the chunks of a file. */
export function totalOf(
  results: readonly ChunkResult[],
): RowCounts & { readonly codes: Record<string, number> } {
  const codes: Record<string, number> = {};
  let [rowsRead, rows, quarantined] = [0, 0, 0];
  for (const result of results) {
    rowsRead += result.rowsRead;
    rows += result.rows;
    quarantined += result.quarantined;
    for (const [code, n] of Object.entries(result.codes)) codes[code] = (codes[code] ?? 0) + n;
  }
  return { rowsRead, rows, quarantined, codes: Object.fromEntries(Object.entries(codes).sort()) };
}

/**
 * Compares what the chunks of a file came to: finds rows that have the key of a row in an earlier chunk, whose chunks
 * have to be read again without them, and says whether the file is within its tolerance.
 * @param isAgain whether those have been read again
 */
export async function compare(
  dataset: Dataset,
  file: TabularFile,
  isAgain: boolean,
  shelf: Shelf,
): Promise<Compared> {
  const results = await shelf.results(file.chunks);
  const total = totalOf(results);
  const { refusal } = results.find((result) => result.refusal) ?? {};
  if (refusal) return { ...total, verdict: 'REJECTED', reason: refusal, again: [] };
  const again = isAgain ? [] : await chunksAgain(results, shelf);
  if (again.length > 0) return { ...total, verdict: 'AGAIN', again };
  const schemaChange = changeOf(file, results);
  const reason = reasonOf(dataset, file, total, results, schemaChange);
  return {
    ...total,
    ...(schemaChange && { schemaChange }),
    ...(reason ? { verdict: 'REJECTED', reason } : { verdict: 'ACCEPTED' }),
    again: [],
  };
}

function changeOf({ schemaChange }: TabularFile, results: readonly ChunkResult[]): Compared['schemaChange'] {
  const later = new Set(results.flatMap(({ unknown }) => unknown));
  const added = [...new Set([...(schemaChange?.added ?? []), ...[...later].sort()])];
  const missing = [...(schemaChange?.missing ?? [])];
  return added.length + missing.length > 0 ? { added, missing } : undefined;
}

function reasonOf(
  dataset: Dataset,
  { everyRow }: TabularFile,
  total: ReturnType<typeof totalOf>,
  results: readonly ChunkResult[],
  schemaChange: Compared['schemaChange'],
): Reason | undefined {
  const { tolerance, onNewColumn } = filesOf(dataset);
  if (total.rowsRead === 0) return refuse.noRows();
  // What the beginning of the file does not show, single rows do.
  if (schemaChange && onNewColumn !== 'ignore' && results.some(({ unknown }) => unknown.length > 0))
    return refuse.schemaChanged(dataset.name, schemaChange);
  if (total.quarantined / total.rowsRead <= tolerance) return undefined;
  return everyRow ?? refuse.overTolerance(dataset.name, total, tolerance, total.codes);
}

/** Finds the lines of chunks whose keys earlier lines have, and writes them down for the chunks' second reading. */
async function chunksAgain(results: readonly ChunkResult[], shelf: Shelf): Promise<Chunk[]> {
  const runs = results.flatMap(({ chunk, runBytes }) =>
    runBytes.map((bytes, i): Run => {
      const key = shelf.keyOf(runName(chunk.n, i));
      return {
        chunk: chunk.n,
        bytes,
        async read(start, end) {
          const found = await shelf.read(key, { start, end });
          if (!found) throw new Error(`${key} is gone: run the file again.`);
          return found;
        },
      };
    }),
  );
  if (runs.length < 2) return [];
  const duplicates = await duplicatesOf(runs);
  for (const [n, lines] of duplicates)
    await shelf.write(shelf.keyOf(againName(n)), new Uint8Array(lines.buffer));
  return results.flatMap(({ chunk }) => (duplicates.has(chunk.n) ? chunk : []));
}
