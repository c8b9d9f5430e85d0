import { jsonRow } from './json-row.ts';
import { RecordScanner } from './record-scanner.ts';
import { RecordText } from './record-text.ts';
import { type RowReader, readerOf } from './row-reader.ts';
import type { Detected, RawRow, ReadOptions } from './types.ts';

/** Rows of JSON Lines: each line is an object. Lines of white space are none. */
export function jsonLinesReader(detected: Detected, options: ReadOptions): RowReader {
  const text = new RecordText('utf-8');
  const toRow = jsonRow(options.columnOf);
  const rows: RawRow[] = [];
  const scanner = new RecordScanner(
    {
      record(window, start, end, line) {
        const record = text.of(window, start, end);
        if (typeof record !== 'string') rows.push({ line, broken: record.why });
        else if (record.trim() !== '') rows.push(toRow(record, line));
      },
      broken: (_window, _start, line, broken) => rows.push({ line, broken }),
    },
    { lineEnd: detected.lineEnd },
    options.firstLine,
  );
  return readerOf(scanner, rows);
}
