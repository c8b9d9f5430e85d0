import { Readable } from 'node:stream';
import { salesRows } from '../test/support/sales.ts';

const ROWS_PER_CHUNK = 2_000;

const cell = (text: string) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** A CSV file of sales over some days, made while it is read. */
export function salesCsv(rows: number, days: number): Readable {
  function* chunks(): Generator<Buffer> {
    let lines: string[] = [];
    for (const [n, row] of salesRows(rows, { days }).map((row, n) => [n, row] as const)) {
      if (n === 0) lines.push(Object.keys(row).join(','));
      lines.push(Object.values(row).map(cell).join(','));
      if (lines.length < ROWS_PER_CHUNK) continue;
      yield Buffer.from(`${lines.join('\n')}\n`);
      lines = [];
    }
    yield Buffer.from(lines.map((line) => `${line}\n`).join(''));
  }
  return Readable.from(chunks(), { objectMode: false });
}

/** Bytes that the same rows take as JSON Lines, numbers as numbers. */
export function jsonBytes(rows: number, days: number): number {
  let bytes = 0;
  for (const { line_number, quantity, unit_price, ...texts } of salesRows(rows, { days })) {
    const row = {
      ...texts,
      line_number: Number(line_number),
      quantity: Number(quantity),
      unit_price: Number(unit_price),
    };
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
  }
  return bytes;
}
